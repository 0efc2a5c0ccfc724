#include "store/embedded/embedded_backend.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "store/embedded/embedded_parts.h"

namespace khronos::store {

using namespace embedded;  // NOLINT: this file and embedded_store.cc are its composition root

namespace {

Connection::Options connection_options(const EmbeddedBackend::Options& options) {
    return {options.vfs, options.cache_kib};
}

Checkpointer::Limits checkpoint_limits(const EmbeddedBackend::Options& options) {
    int frames = static_cast<int>(options.log_bytes / 4096);
    return {std::min(1000, frames / 4), frames};
}

// Nothing has ever happened in an empty store, so its history is complete.
Revision history_start(Revision revision) {
    return revision == kFirstRevision ? Revision{} : revision;
}

}  // namespace

EmbeddedBackend::Parts::Parts(const std::string& directory, const Options& options,
                              FileDescriptor directory_lock,
                              std::unique_ptr<SpaceReserve> space_reserve, Opened opened,
                              std::unique_ptr<Committer> committer)
    : lock(std::move(directory_lock)),
      reserve(std::move(space_reserve)),
      health(directory),
      hub({options.history_events, options.history_bytes, options.unread_bytes},
          history_start(committer->revision())),
      checkpointer(checkpoint_limits(options), database_file(directory),
                   connection_options(options), health),
      writer({.waiting_changes = options.waiting_requests, .waiting_bytes = options.waiting_bytes},
             std::move(opened.writer), std::move(committer), hub, checkpointer, health),
      reader({.waiting_reads = options.waiting_requests}, database_file(directory),
             connection_options(options), health, [this] { return status(); }) {}

void EmbeddedBackend::Parts::attach(const std::shared_ptr<Mailbox>& mailbox) {
    std::lock_guard guard(mutex);
    handles.push_back(mailbox);
    mailbox->send(MindLeases{});
}

void EmbeddedBackend::Parts::detach(const std::shared_ptr<Mailbox>& mailbox) {
    hub.remove_all(*mailbox);
    std::lock_guard guard(mutex);
    std::erase(handles, mailbox);
    if (!handles.empty()) handles.front()->send(MindLeases{});
}

StoreStatus EmbeddedBackend::Parts::status() const {
    StoreStatus status;
    status.backend = "embedded";
    status.no_space = health.no_space();
    if (status.no_space) status.message = "the disk is full: free some space, or delete something";
    if (auto why = health.broken()) {
        status.reachable = false;
        status.message = *why;
    }
    status.transactions = writer.transactions();
    status.commits = writer.commits();
    status.bytes =
        file_size(database_file(health.directory())) + file_size(log_file(health.directory()));
    return status;
}

std::expected<std::unique_ptr<EmbeddedBackend>, Error> EmbeddedBackend::open(
    const std::string& directory) {
    return open(directory, Options{});
}

std::expected<std::unique_ptr<EmbeddedBackend>, Error> EmbeddedBackend::open(
    const std::string& directory, Options options) {
    auto lock = lock_directory(directory);
    if (!lock) return std::unexpected(lock.error());
    auto opened = open_database(directory, connection_options(options));
    if (!opened) return std::unexpected(opened.error());
    try {
        Connection& writer = *opened->writer;
        std::string reserve_file = directory + "/reserve";
        if (auto made = make_private_file(directory, reserve_file); !made)
            return std::unexpected(made.error());
        auto reserve =
            std::make_unique<SpaceReserve>(reserve_file, options.vfs, options.reserve_bytes);
        reserve->hold();  // if not: the disk is nearly full, and says so when it is
        auto committer = std::make_unique<Committer>(writer, opened->state, *reserve);
        committer->erase_left_over(opened->leased_keys);
        auto parts =
            std::make_unique<Parts>(directory, options, *std::move(lock), std::move(reserve),
                                    *std::move(opened), std::move(committer));
        return std::unique_ptr<EmbeddedBackend>(new EmbeddedBackend(std::move(parts)));
    } catch (const SqlError& error) {
        return std::unexpected(
            Error{ErrorKind::refused, "",
                  fmt::format("cannot open the store in '{}': {}", directory, error.what)});
    }
}

EmbeddedBackend::EmbeddedBackend(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

EmbeddedBackend::~EmbeddedBackend() {
    std::lock_guard guard(parts_->mutex);
    CHECK(parts_->handles.empty());  // a handle must not outlive its backend
}

void EmbeddedBackend::compact(Revision revision) {
    parts_->hub.compact(revision);
}

}  // namespace khronos::store

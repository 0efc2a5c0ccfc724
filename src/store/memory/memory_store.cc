// The handle: each request becomes one call of MemoryBackend::request.
#include <utility>

#include "store/memory/memory_backend.h"

namespace khronos::store {
namespace {

using Fate = RequestFault::Fate;

WriteOutcome lost_write(Fate fate) {
    if (fate == Fate::refuse) return Refused{RefusedKind::unreachable, "the store is unreachable"};
    return Unknown{"no answer came in time"};
}
std::unexpected<ReadError> lost_read(Fate fate) {
    const char* why = fate == Fate::refuse ? "the store is unreachable" : "no answer came in time";
    return std::unexpected(ReadError{RefusedKind::unreachable, why});
}
std::expected<void, ReadError> found_lease(bool found) {
    if (found) return {};
    return std::unexpected(ReadError{RefusedKind::no_lease, "the lease has ended"});
}

}  // namespace

MemoryStore::MemoryStore(MemoryBackend& backend, runtime::Loop& loop, std::string name)
    : backend_(backend), client_(new MemoryBackend::Client{this, &loop, std::move(name)}) {}

MemoryStore::~MemoryStore() {
    backend_.detach(client_);
}

template <class Result, class Serve, class Lost>
void MemoryStore::ask(const RequestInfo& info, Serve serve,
                      std::move_only_function<void(Result)> done, Lost lost) {
    // Carried out and given up may both happen; only one of them answers.
    auto shared = std::make_shared<std::move_only_function<void(Result)>>(std::move(done));
    auto answer = [serve = std::move(serve), shared]() mutable -> runtime::Task {
        return [shared, result = Result(serve())]() mutable { (*shared)(std::move(result)); };
    };
    auto give_up = [lost = std::move(lost), shared](Fate fate) { (*shared)(Result(lost(fate))); };
    backend_.request(info, std::move(answer), std::move(give_up), client_);
}

void MemoryStore::write(Txn txn, std::move_only_function<void(WriteOutcome)> done) {
    auto shared = std::make_shared<const Txn>(std::move(txn));
    auto serve = [&backend = backend_, shared] {
        WriteOutcome outcome = backend.state_.apply(*shared);
        ++backend.transactions_;
        backend.changed();
        return outcome;
    };
    RequestInfo info{client_->name, RequestKind::write, shared.get()};
    ask<WriteOutcome>(info, std::move(serve), std::move(done), lost_write);
}

void MemoryStore::get(std::string key,
                      std::move_only_function<void(std::expected<GetResult, ReadError>)> done) {
    auto serve = [&backend = backend_, key = std::move(key)] { return backend.state_.get(key); };
    ask<std::expected<GetResult, ReadError>>({client_->name, RequestKind::get}, std::move(serve),
                                             std::move(done), lost_read);
}

void MemoryStore::range(RangeRequest request,
                        std::move_only_function<void(std::expected<RangeResult, ReadError>)> done) {
    auto serve = [&backend = backend_, request = std::move(request)] {
        return backend.state_.range(request);
    };
    ask<std::expected<RangeResult, ReadError>>({client_->name, RequestKind::range},
                                               std::move(serve), std::move(done), lost_read);
}

WatchId MemoryStore::watch(std::string begin, std::string end, Revision after,
                           std::move_only_function<void(WatchUpdate)> on_update) {
    WatchId id(++last_watch_);
    watchers_.emplace(id, std::make_shared<OnUpdate>(std::move(on_update)));
    RequestFault fault = backend_.fault({client_->name, RequestKind::watch});
    if (fault.fate != Fate::carry_out) {
        backend_.answer_after(fault.answer_delay, client_, [this, id] {
            deliver(id, WatchLost{"the watch could not be opened"});
        });
        return id;
    }
    MemoryBackend::Watch watch{client_, id, std::move(begin), std::move(end), after};
    backend_.run_after(fault.request_delay,
                       [&backend = backend_, watch = std::move(watch)]() mutable {
                           MemoryStore* handle = watch.client->handle;
                           if (handle && handle->watchers_.contains(watch.id))
                               backend.add_watch(std::move(watch));
                       });
    return id;
}

void MemoryStore::unwatch(WatchId id) {
    watchers_.erase(id);
    backend_.remove_watch(*client_, id);
}

void MemoryStore::deliver(WatchId id, WatchUpdate update) {
    auto found = watchers_.find(id);
    if (found == watchers_.end()) return;
    std::shared_ptr<OnUpdate> on_update = found->second;
    if (std::holds_alternative<WatchLost>(update)) unwatch(id);
    (*on_update)(std::move(update));
}

void MemoryStore::lease_grant(
    Duration ttl, std::move_only_function<void(std::expected<LeaseId, ReadError>)> done) {
    auto serve = [&backend = backend_, ttl] {
        LeaseId id = backend.state_.grant(ttl, backend.loop_.mono_now());
        backend.changed();
        return id;
    };
    ask<std::expected<LeaseId, ReadError>>({client_->name, RequestKind::lease_grant},
                                           std::move(serve), std::move(done), lost_read);
}

void MemoryStore::lease_keep_alive(
    LeaseId id, std::move_only_function<void(std::expected<void, ReadError>)> done) {
    auto serve = [&backend = backend_, id] {
        bool found = backend.state_.keep_alive(id, backend.loop_.mono_now());
        backend.changed();
        return found_lease(found);
    };
    ask<std::expected<void, ReadError>>({client_->name, RequestKind::lease_keep_alive},
                                        std::move(serve), std::move(done), lost_read);
}

void MemoryStore::lease_revoke(LeaseId id,
                               std::move_only_function<void(std::expected<void, ReadError>)> done) {
    auto serve = [&backend = backend_, id] { return found_lease(backend.end_lease(id)); };
    ask<std::expected<void, ReadError>>({client_->name, RequestKind::lease_revoke},
                                        std::move(serve), std::move(done), lost_read);
}

void MemoryStore::status(std::move_only_function<void(StoreStatus)> done) {
    auto serve = [&backend = backend_] {
        StoreStatus status;
        status.backend = "memory";
        status.no_space = backend.state_.no_space();
        if (status.no_space) status.message = "the store is full: delete something first";
        status.transactions = status.commits = backend.transactions_;
        status.bytes = backend.state_.bytes();
        return status;
    };
    auto lost = [](Fate fate) {
        StoreStatus status;
        status.backend = "memory";
        status.reachable = false;
        status.message = lost_read(fate).error().why;
        return status;
    };
    ask<StoreStatus>({client_->name, RequestKind::status}, std::move(serve), std::move(done), lost);
}

}  // namespace khronos::store

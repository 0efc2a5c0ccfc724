#include "store/embedded/embedded_store.h"

#include <utility>

#include "store/embedded/embedded_parts.h"
#include "store/txn_check.h"

namespace khronos::store {

using namespace embedded;  // NOLINT: this file and embedded_backend.cc are its composition root

namespace {

constexpr const char* kBusy =
    "too many requests are waiting for the disk; this one was not sent, try again";

template <class Value>
std::expected<Value, ReadError> busy() {
    return std::unexpected(ReadError{RefusedKind::unreachable, kBusy});
}

}  // namespace

EmbeddedStore::EmbeddedStore(EmbeddedBackend& backend, runtime::Loop& loop)
    : backend_(*backend.parts_),
      loop_(loop),
      mailbox_(std::make_shared<Mailbox>(static_cast<MailReader&>(*this), loop)) {
    backend_.attach(mailbox_);
}

EmbeddedStore::~EmbeddedStore() {
    loop_.cancel(lease_timer_);
    mailbox_->close();
    backend_.detach(mailbox_);
}

// ---- requests

template <class Result>
std::uint64_t EmbeddedStore::expect(std::move_only_function<void(Result)> done) {
    expected_.emplace(++last_request_,
                      [done = std::move(done)](decltype(Reply::result) result) mutable {
                          done(std::get<Result>(std::move(result)));
                      });
    return last_request_;
}

void EmbeddedStore::change(std::uint64_t request, Change change, std::size_t bytes,
                           decltype(Reply::result) if_busy) {
    if (!backend_.writer.enqueue({mailbox_, request, std::move(change), bytes}))
        mailbox_->send(Reply{request, std::move(if_busy)});
}

template <class What>
void EmbeddedStore::read_request(std::uint64_t request, What what,
                                 decltype(Reply::result) if_busy) {
    if (!backend_.reader.enqueue({mailbox_, request, std::move(what)}))
        mailbox_->send(Reply{request, std::move(if_busy)});
}

void EmbeddedStore::write(Txn txn, std::move_only_function<void(WriteOutcome)> done) {
    std::uint64_t request = expect(std::move(done));
    if (auto refused = check_txn(txn)) {
        mailbox_->send(Reply{request, WriteOutcome(*std::move(refused))});
        return;
    }
    std::size_t bytes = txn_bytes(txn);
    change(request, std::move(txn), bytes, WriteOutcome(Refused{RefusedKind::unreachable, kBusy}));
}

void EmbeddedStore::get(std::string key,
                        std::move_only_function<void(std::expected<GetResult, ReadError>)> done) {
    read_request(expect(std::move(done)), GetRequest{std::move(key)}, busy<GetResult>());
}

void EmbeddedStore::range(
    RangeRequest request,
    std::move_only_function<void(std::expected<RangeResult, ReadError>)> done) {
    read_request(expect(std::move(done)), std::move(request), busy<RangeResult>());
}

void EmbeddedStore::status(std::move_only_function<void(StoreStatus)> done) {
    StoreStatus status;
    status.backend = "embedded";
    status.reachable = false;
    status.message = kBusy;
    read_request(expect(std::move(done)), StatusRequest{}, std::move(status));
}

// ---- leases

void EmbeddedStore::lease_grant(
    Duration ttl, std::move_only_function<void(std::expected<LeaseId, ReadError>)> done) {
    MonoTime now = loop_.mono_now();
    change(expect(std::move(done)), GrantLease{ttl, now}, 0, busy<LeaseId>());
    check_leases_at(now + ttl);
}

void EmbeddedStore::lease_keep_alive(
    LeaseId id, std::move_only_function<void(std::expected<void, ReadError>)> done) {
    change(expect(std::move(done)), KeepLeaseAlive{id, loop_.mono_now()}, 0, busy<void>());
}

void EmbeddedStore::lease_revoke(
    LeaseId id, std::move_only_function<void(std::expected<void, ReadError>)> done) {
    change(expect(std::move(done)), RevokeLease{id}, 0, busy<void>());
}

void EmbeddedStore::check_leases_at(MonoTime when) {
    if (next_lease_check_ && *next_lease_check_ <= when) return;
    loop_.cancel(lease_timer_);
    next_lease_check_ = when;
    lease_timer_ = loop_.call_at(when, [this] { check_leases(); });
}

void EmbeddedStore::check_leases() {
    loop_.cancel(lease_timer_);
    next_lease_check_.reset();
    MonoTime now = loop_.mono_now();
    std::uint64_t request = expect<LeasesChecked>([this](LeasesChecked checked) {
        if (checked.next_end) check_leases_at(*checked.next_end);
    });
    change(request, CheckLeases{now}, 0, LeasesChecked{now + 1s});
}

// ---- watches

WatchId EmbeddedStore::watch(std::string begin, std::string end, Revision after,
                             std::move_only_function<void(WatchUpdate)> on_update) {
    WatchId id(++last_watch_);
    watches_.emplace(id, std::make_shared<Watch>(begin, end, after, std::move(on_update)));
    backend_.hub.add(mailbox_, id, std::move(begin), std::move(end), after);
    return id;
}

void EmbeddedStore::unwatch(WatchId id) {
    if (watches_.erase(id) > 0) backend_.hub.remove(*mailbox_, id);
}

// ---- what comes back

void EmbeddedStore::read(Mail mail) {
    std::visit([this](auto&& one) { take(std::move(one)); }, std::move(mail));
}

void EmbeddedStore::take(Reply reply) {
    auto node = expected_.extract(reply.request);
    if (!node.empty()) node.mapped()(std::move(reply.result));
}

void EmbeddedStore::take(WatchNews news) {
    auto found = watches_.find(news.watch);
    if (found == watches_.end()) return;
    std::shared_ptr<Watch> watch = found->second;
    WatchBatch batch;
    for (const WatchEvent& event : news.chunk->events) {
        if (event.kv.mod_revision > watch->after && watch->begin <= event.kv.key &&
            event.kv.key < watch->end)
            batch.events.push_back(event);
    }
    if (batch.events.empty()) return;  // all from before the watch
    batch.revision = news.chunk->last;
    watch->on_update(std::move(batch));
}

void EmbeddedStore::take(WatchEnd end) {
    auto node = watches_.extract(end.watch);
    if (!node.empty()) node.mapped()->on_update(WatchLost{std::move(end.why)});
}

void EmbeddedStore::take(MindLeases) {
    check_leases();
}

}  // namespace khronos::store

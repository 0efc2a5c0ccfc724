// The handle: each request becomes one call of Router::submit(). Completions stay here, on the
// handle's loop; only a number travels with the request.
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include "store/etcd/backend_impl.h"
#include "store/etcd/etcd_backend.h"
#include "store/etcd/outcome.h"
#include "store/txn_check.h"

namespace khronos::store {

using etcd::CallOptions;
using etcd::Member;
using etcd::Outlet;
using etcd::RpcCode;
using etcd::RpcDone;
using etcd::RpcStatus;
namespace pb = etcdserverpb;

struct EtcdStore::Impl {
    using OnUpdate = std::move_only_function<void(WatchUpdate)>;

    Impl(EtcdBackend::Impl& to, runtime::Loop& on)
        : backend(to), loop(on), outlet(std::make_shared<Outlet>(on)) {}
    ~Impl() {
        outlet->close();
        for (const auto& [id, on_update] : watchers)
            forget_watch(id);
    }

    // `call` starts it on a member; `then(RpcStatus, bool sent, Response)` runs on our loop.
    template <class Response, class Call, class Then>
    void ask(bool repeatable, Duration deadline, Call call, Then then);
    void complete(std::uint64_t id, etcd::Request& request);
    // Runs `task` on our loop later, unless the handle is gone by then.
    void post(runtime::Task task);
    void deliver(WatchId id, WatchUpdate update);
    void forget_watch(WatchId id);

    EtcdBackend::Impl& backend;
    runtime::Loop& loop;
    std::shared_ptr<Outlet> outlet;
    std::unordered_map<std::uint64_t, std::move_only_function<void(etcd::Request&)>> pending;
    std::uint64_t last_pending = 0;
    // Shared, so that a watcher may unwatch itself from within its own update.
    std::map<WatchId, std::shared_ptr<OnUpdate>> watchers;
};

template <class Response, class Call, class Then>
void EtcdStore::Impl::ask(bool repeatable, Duration deadline, Call call, Then then) {
    using Typed = etcd::TypedRequest<Response, Call>;
    const std::uint64_t id = ++last_pending;
    pending.emplace(id, [then = std::move(then)](etcd::Request& request) mutable {
        auto& answer = static_cast<Typed&>(request);
        then(std::move(answer.status), answer.sent, std::move(answer.response));
    });
    auto finished = [this, way_back = outlet, id](std::shared_ptr<Typed> request) {
        way_back->post([this, way_back, id, request = std::move(request)] {
            if (way_back->is_open()) complete(id, *request);
        });
    };
    backend.router.submit(
        std::make_shared<Typed>(repeatable, deadline, std::move(call), std::move(finished)));
}

void EtcdStore::Impl::complete(std::uint64_t id, etcd::Request& request) {
    auto node = pending.extract(id);  // outlives the handle, which the completion may destroy
    if (!node.empty()) node.mapped()(request);
}

void EtcdStore::Impl::post(runtime::Task task) {
    loop.post([way_back = outlet, task = std::move(task)]() mutable {
        if (way_back->is_open()) task();
    });
}

void EtcdStore::Impl::deliver(WatchId id, WatchUpdate update) {
    auto found = watchers.find(id);
    if (found == watchers.end()) return;
    const std::shared_ptr<OnUpdate> on_update = found->second;
    if (std::holds_alternative<WatchLost>(update)) watchers.erase(found);
    (*on_update)(std::move(update));
}

void EtcdStore::Impl::forget_watch(WatchId id) {
    backend.loop.post(
        [&hub = backend.hub, id] { hub.remove(static_cast<std::int64_t>(id.value)); });
}

EtcdStore::EtcdStore(EtcdBackend& backend, runtime::Loop& loop)
    : impl_(std::make_unique<Impl>(*backend.impl_, loop)) {}
EtcdStore::~EtcdStore() = default;

// ---- writes and reads

void EtcdStore::write(Txn txn, std::move_only_function<void(WriteOutcome)> done) {
    if (auto refused = check_txn(txn)) {
        impl_->post([done = std::move(done), refused = std::move(*refused)]() mutable {
            done(std::move(refused));
        });
        return;
    }
    EtcdBackend::Impl& backend = impl_->backend;
    auto call = [request = backend.messages.txn(txn)](Member& member, const CallOptions& options,
                                                      RpcDone<pb::TxnResponse> answered) {
        member.txn(request, options, std::move(answered));
    };
    impl_->ask<pb::TxnResponse>(false, backend.options.call_deadline, std::move(call),
                                [&backend, done = std::move(done)](
                                    RpcStatus status, bool sent, pb::TxnResponse response) mutable {
                                    if (!status.ok()) return done(etcd::failed_write(status, sent));
                                    ++backend.transactions;
                                    done(backend.messages.outcome(response));
                                });
}

void EtcdStore::get(std::string key,
                    std::move_only_function<void(std::expected<GetResult, ReadError>)> done) {
    EtcdBackend::Impl& backend = impl_->backend;
    auto call = [request = backend.messages.get(key)](Member& member, const CallOptions& options,
                                                      RpcDone<pb::RangeResponse> answered) {
        member.range(request, options, std::move(answered));
    };
    impl_->ask<pb::RangeResponse>(true, backend.options.call_deadline, std::move(call),
                                  [&backend, done = std::move(done)](
                                      RpcStatus status, bool, pb::RangeResponse response) mutable {
                                      if (!status.ok())
                                          return done(std::unexpected(etcd::failed_read(status)));
                                      done(backend.messages.get_result(response));
                                  });
}

void EtcdStore::range(RangeRequest request,
                      std::move_only_function<void(std::expected<RangeResult, ReadError>)> done) {
    EtcdBackend::Impl& backend = impl_->backend;
    auto call = [message = backend.messages.range(request)](Member& member,
                                                            const CallOptions& options,
                                                            RpcDone<pb::RangeResponse> answered) {
        member.range(message, options, std::move(answered));
    };
    impl_->ask<pb::RangeResponse>(true, backend.options.range_deadline, std::move(call),
                                  [&backend, request = std::move(request), done = std::move(done)](
                                      RpcStatus status, bool, pb::RangeResponse response) mutable {
                                      if (!status.ok())
                                          return done(std::unexpected(etcd::failed_read(status)));
                                      done(backend.messages.range_result(request, response));
                                  });
}

// ---- watches

WatchId EtcdStore::watch(std::string begin, std::string end, Revision after,
                         std::move_only_function<void(WatchUpdate)> on_update) {
    EtcdBackend::Impl& backend = impl_->backend;
    const std::int64_t number = ++backend.last_watch;
    const WatchId id(static_cast<std::uint64_t>(number));
    impl_->watchers.emplace(id, std::make_shared<Impl::OnUpdate>(std::move(on_update)));
    if (begin >= end) return id;  // nothing ever happens in there, and etcd refuses it
    auto deliver = [impl = impl_.get(), way_back = impl_->outlet, id](WatchUpdate update) {
        way_back->post([impl, way_back, id, update = std::move(update)]() mutable {
            if (way_back->is_open()) impl->deliver(id, std::move(update));
        });
    };
    backend.loop.post([&hub = backend.hub, number, begin = std::move(begin), end = std::move(end),
                       after, deliver = std::move(deliver)]() mutable {
        hub.add(number, std::move(begin), std::move(end), after, std::move(deliver));
    });
    return id;
}

void EtcdStore::unwatch(WatchId id) {
    if (impl_->watchers.erase(id) != 0) impl_->forget_watch(id);
}

// ---- leases

void EtcdStore::lease_grant(Duration ttl,
                            std::move_only_function<void(std::expected<LeaseId, ReadError>)> done) {
    pb::LeaseGrantRequest request;
    request.set_ttl(
        std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(ttl).count()));
    auto call = [request](Member& member, const CallOptions& options,
                          RpcDone<pb::LeaseGrantResponse> answered) {
        member.lease_grant(request, options, std::move(answered));
    };
    impl_->ask<pb::LeaseGrantResponse>(
        true, impl_->backend.options.call_deadline, std::move(call),
        [done = std::move(done)](RpcStatus status, bool, pb::LeaseGrantResponse response) mutable {
            if (!status.ok()) return done(std::unexpected(etcd::failed_read(status)));
            done(LeaseId(static_cast<std::uint64_t>(response.id())));
        });
}

void EtcdStore::lease_keep_alive(
    LeaseId id, std::move_only_function<void(std::expected<void, ReadError>)> done) {
    pb::LeaseKeepAliveRequest request;
    request.set_id(static_cast<std::int64_t>(id.value));
    auto call = [request](Member& member, const CallOptions& options,
                          RpcDone<pb::LeaseKeepAliveResponse> answered) {
        member.lease_keep_alive(request, options, std::move(answered));
    };
    impl_->ask<pb::LeaseKeepAliveResponse>(
        true, impl_->backend.options.call_deadline, std::move(call),
        [done = std::move(done)](RpcStatus status, bool,
                                 pb::LeaseKeepAliveResponse response) mutable {
            if (!status.ok()) return done(std::unexpected(etcd::failed_read(status)));
            if (response.ttl() > 0) return done({});
            done(std::unexpected(ReadError{RefusedKind::no_lease, "the lease has ended"}));
        });
}

void EtcdStore::lease_revoke(LeaseId id,
                             std::move_only_function<void(std::expected<void, ReadError>)> done) {
    pb::LeaseRevokeRequest request;
    request.set_id(static_cast<std::int64_t>(id.value));
    // An answer may have been lost: then that the lease is gone is what was asked for.
    auto tries = std::make_shared<std::atomic<int>>(0);
    auto call = [request, tries](Member& member, const CallOptions& options,
                                 RpcDone<pb::LeaseRevokeResponse> answered) {
        ++*tries;
        member.lease_revoke(request, options, std::move(answered));
    };
    impl_->ask<pb::LeaseRevokeResponse>(
        true, impl_->backend.options.call_deadline, std::move(call),
        [tries, done = std::move(done)](RpcStatus status, bool, pb::LeaseRevokeResponse) mutable {
            if (status.ok()) return done({});
            ReadError error = etcd::failed_read(status);
            if (error.kind == RefusedKind::no_lease && *tries > 1) return done({});
            done(std::unexpected(std::move(error)));
        });
}

// ---- status

void EtcdStore::status(std::move_only_function<void(StoreStatus)> done) {
    EtcdBackend::Impl& backend = impl_->backend;
    auto call = [](Member& member, const CallOptions& options,
                   RpcDone<pb::StatusResponse> answered) {
        member.status(options, std::move(answered));
    };
    impl_->ask<pb::StatusResponse>(
        true, backend.options.call_deadline, call,
        [&backend, done = std::move(done)](RpcStatus status, bool,
                                           pb::StatusResponse response) mutable {
            StoreStatus out;
            out.backend = "etcd";
            out.transactions = out.commits = backend.transactions;
            if (!status.ok()) {
                out.reachable = false;
                out.message = etcd::words(status);
                return done(std::move(out));
            }
            out.backend += " " + response.version();
            out.bytes = static_cast<std::uint64_t>(response.dbsize());
            for (const std::string& error : response.errors()) {
                const bool full = error.find("NOSPACE") != std::string::npos;
                out.no_space |= full;
                out.message += (out.message.empty() ? "" : "; ") +
                               (full ? "etcd is out of space: only deletes are accepted" : error);
            }
            done(std::move(out));
        });
}

}  // namespace khronos::store

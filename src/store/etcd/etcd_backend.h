// The store on an etcd v3 cluster, by gRPC.
//
// What etcd adds to the port's rules: a write can be Unknown for real (a member that dies, or is
// too slow, may have handed it on); another tenant's writes raise the revision, too; a lease's
// time to live is in whole seconds, and etcd lengthens short ones (to 2 s with its own settings).
//
// A failing member costs at most EtcdOptions::call_deadline before another is used; watches go on
// there without a gap. Reads and leases are tried again on their own; a write never is.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "base/error.h"
#include "runtime/entropy.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "store/etcd/etcd_options.h"
#include "store/store.h"

namespace khronos::store {

// What the handles of a process share: a channel to each member, one stream of watches, the login.
// It has a thread of its own. Outlives its handles.
class EtcdBackend {
  public:
    // Waits, at most options.open_deadline, until a member answers, the login holds and the
    // keyspace is known to be ours: empty, or with a meta record of this format and, where
    // options.cluster_id says one, of that cluster. Writes nothing. `entropy` and `log` are used
    // on several threads and outlive the backend.
    // Errors: invalid (options, TLS files), unavailable (nobody answers), refused (login or
    // rights), conflict (somebody else's keyspace, another format or cluster, a too old etcd).
    static std::expected<std::unique_ptr<EtcdBackend>, Error> open(EtcdOptions options,
                                                                   runtime::Entropy& entropy,
                                                                   runtime::Log& log);
    ~EtcdBackend();
    EtcdBackend(const EtcdBackend&) = delete;
    EtcdBackend& operator=(const EtcdBackend&) = delete;

    struct Stats {
        std::uint64_t failovers = 0;  // times another member had to be found
        std::uint64_t logins = 0;
        std::uint64_t watch_streams = 0;  // opened
        std::uint64_t watch_stalls = 0;   // streams given up because they were silent
        std::uint64_t compactions = 0;
    };
    // Any thread but the backend's own.
    Stats stats() const;
    // `host:port` of the member in use; empty: none.
    std::string member_in_use() const;

  private:
    friend class EtcdStore;
    struct Impl;
    explicit EtcdBackend(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// One loop's handle. Destroying it drops the completions that have not run; what it asked for may
// still be carried out.
class EtcdStore final : public Store {
  public:
    EtcdStore(EtcdBackend& backend, runtime::Loop& loop);
    ~EtcdStore() override;
    EtcdStore(const EtcdStore&) = delete;
    EtcdStore& operator=(const EtcdStore&) = delete;

    void write(Txn txn, std::move_only_function<void(WriteOutcome)> done) override;
    void get(std::string key,
             std::move_only_function<void(std::expected<GetResult, ReadError>)> done) override;
    void range(RangeRequest request,
               std::move_only_function<void(std::expected<RangeResult, ReadError>)> done) override;
    WatchId watch(std::string begin, std::string end, Revision after,
                  std::move_only_function<void(WatchUpdate)> on_update) override;
    void unwatch(WatchId id) override;
    void lease_grant(
        Duration ttl,
        std::move_only_function<void(std::expected<LeaseId, ReadError>)> done) override;
    void lease_keep_alive(
        LeaseId id, std::move_only_function<void(std::expected<void, ReadError>)> done) override;
    void lease_revoke(LeaseId id,
                      std::move_only_function<void(std::expected<void, ReadError>)> done) override;
    void status(std::move_only_function<void(StoreStatus)> done) override;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace khronos::store

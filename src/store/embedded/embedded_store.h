// One loop's handle on an EmbeddedBackend.
//
// Made, used and destroyed on its loop, and destroyed before the backend. Destroying it drops the
// completions that have not run; what it asked for is still carried out. Where a handle watches
// what it writes, the event comes before the write's answer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "runtime/loop.h"
#include "store/embedded/embedded_backend.h"
#include "store/embedded/mailbox.h"
#include "store/store.h"

namespace khronos::store {

class EmbeddedStore final : public Store, private embedded::MailReader {
  public:
    EmbeddedStore(EmbeddedBackend& backend, runtime::Loop& loop);
    ~EmbeddedStore() override;
    EmbeddedStore(const EmbeddedStore&) = delete;
    EmbeddedStore& operator=(const EmbeddedStore&) = delete;

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
    struct Watch {
        std::string begin, end;
        Revision after;
        std::move_only_function<void(WatchUpdate)> on_update;
    };

    template <class Result>
    std::uint64_t expect(std::move_only_function<void(Result)> done);
    void change(std::uint64_t request, embedded::Change change, std::size_t bytes,
                decltype(embedded::Reply::result) if_busy);
    template <class What>
    void read_request(std::uint64_t request, What what, decltype(embedded::Reply::result) if_busy);

    void read(embedded::Mail mail) override;
    void take(embedded::Reply reply);
    void take(embedded::WatchNews news);
    void take(embedded::WatchEnd end);
    void take(embedded::MindLeases);

    // Some handle has a timer for the first lease that ends: this one, from now on.
    void check_leases();
    void check_leases_at(MonoTime when);

    EmbeddedBackend::Parts& backend_;
    runtime::Loop& loop_;
    std::shared_ptr<embedded::Mailbox> mailbox_;
    std::unordered_map<std::uint64_t,
                       std::move_only_function<void(decltype(embedded::Reply::result))>>
        expected_;
    // Shared, so that a watcher may unwatch itself from within its own update.
    std::map<WatchId, std::shared_ptr<Watch>> watches_;
    std::uint64_t last_request_ = 0;
    std::uint64_t last_watch_ = 0;
    std::optional<MonoTime> next_lease_check_;
    runtime::TimerId lease_timer_;
};

}  // namespace khronos::store

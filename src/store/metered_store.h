// A store that counts: how long transactions take, and what fails.
#pragma once

#include "runtime/loop.h"
#include "runtime/metrics.h"
#include "store/store.h"

namespace khronos::store {

class MeteredStore final : public Store {
  public:
    // All borrowed; on the inner store's loop.
    MeteredStore(Store& inner, runtime::Loop& loop, runtime::Metrics& metrics);

    void write(Txn txn, std::move_only_function<void(WriteOutcome)> done) override;
    void get(std::string key,
             std::move_only_function<void(std::expected<GetResult, ReadError>)> done) override;
    void range(RangeRequest request,
               std::move_only_function<void(std::expected<RangeResult, ReadError>)> done) override;
    WatchId watch(std::string begin, std::string end, Revision after,
                  std::move_only_function<void(WatchUpdate)> on_update) override;
    void unwatch(WatchId id) override { inner_.unwatch(id); }
    void lease_grant(
        Duration ttl,
        std::move_only_function<void(std::expected<LeaseId, ReadError>)> done) override {
        inner_.lease_grant(ttl, std::move(done));
    }
    void lease_keep_alive(
        LeaseId id, std::move_only_function<void(std::expected<void, ReadError>)> done) override {
        inner_.lease_keep_alive(id, std::move(done));
    }
    void lease_revoke(LeaseId id,
                      std::move_only_function<void(std::expected<void, ReadError>)> done) override {
        inner_.lease_revoke(id, std::move(done));
    }
    void status(std::move_only_function<void(StoreStatus)> done) override {
        inner_.status(std::move(done));
    }

  private:
    Store& inner_;
    runtime::Loop& loop_;
    runtime::Histogram& txn_seconds_;
    runtime::Counter& conflicts_;
    runtime::Counter& unknown_;
    runtime::Counter& refused_;
    runtime::Counter& read_errors_;
    runtime::Counter& watches_lost_;
};

}  // namespace khronos::store

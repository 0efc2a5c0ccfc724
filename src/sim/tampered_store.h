// A store handle with a bug between it and its user: how one sees that the checkers see. Without
// a bug it changes nothing.
#pragma once

#include <functional>
#include <utility>

#include "store/store.h"

namespace khronos::sim {

struct Tampering {
    // Changes a transaction on its way out.
    std::function<void(store::Txn&)> change;
    // An unknown outcome is sent again, without a look and without its compares.
    bool blind_retry = false;

    bool any() const { return change != nullptr || blind_retry; }
};

class TamperedStore final : public store::Store {
  public:
    TamperedStore(store::Store& inner, const Tampering& how) : inner_(inner), how_(how) {}

    void write(store::Txn txn, std::move_only_function<void(store::WriteOutcome)> done) override {
        if (how_.change) how_.change(txn);
        if (!how_.blind_retry) return inner_.write(std::move(txn), std::move(done));
        inner_.write(txn, [this, again = store::Txn{{}, txn.operations},
                           done = std::move(done)](store::WriteOutcome outcome) mutable {
            if (!std::holds_alternative<store::Unknown>(outcome)) return done(std::move(outcome));
            write(std::move(again), std::move(done));
        });
    }
    void get(std::string key, std::move_only_function<void(
                                  std::expected<store::GetResult, store::ReadError>)> done) override {
        inner_.get(std::move(key), std::move(done));
    }
    void range(store::RangeRequest request,
               std::move_only_function<void(std::expected<store::RangeResult, store::ReadError>)>
                   done) override {
        inner_.range(std::move(request), std::move(done));
    }
    store::WatchId watch(std::string begin, std::string end, Revision after,
                         std::move_only_function<void(store::WatchUpdate)> on_update) override {
        return inner_.watch(std::move(begin), std::move(end), after, std::move(on_update));
    }
    void unwatch(store::WatchId id) override { inner_.unwatch(id); }
    void lease_grant(Duration ttl,
                     std::move_only_function<void(std::expected<LeaseId, store::ReadError>)> done)
        override {
        inner_.lease_grant(ttl, std::move(done));
    }
    void lease_keep_alive(
        LeaseId id,
        std::move_only_function<void(std::expected<void, store::ReadError>)> done) override {
        inner_.lease_keep_alive(id, std::move(done));
    }
    void lease_revoke(LeaseId id, std::move_only_function<void(std::expected<void, store::ReadError>)>
                                      done) override {
        inner_.lease_revoke(id, std::move(done));
    }
    void status(std::move_only_function<void(store::StoreStatus)> done) override {
        inner_.status(std::move(done));
    }

  private:
    store::Store& inner_;
    const Tampering& how_;
};

}  // namespace khronos::sim

// The reference backend: a store server in memory, and nothing on disk. For tests and for the
// simulator.
//
// It lives on one loop: requests are carried out there, in the order they arrive, and leases end
// by that loop's clock. Handles may live on the same loop or on others; all loops are turned by
// one thread. It outlives its handles.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/loop.h"
#include "store/memory/fault_plan.h"
#include "store/memory/memory_state.h"
#include "store/store.h"

namespace khronos::store {

class MemoryStore;

class MemoryBackend {
  public:
    struct Options {
        std::size_t history_events = 1'000'000;  // older ones are forgotten: WatchLost
    };

    explicit MemoryBackend(runtime::Loop& loop);
    MemoryBackend(runtime::Loop& loop, Options options);
    ~MemoryBackend();
    MemoryBackend(const MemoryBackend&) = delete;
    MemoryBackend& operator=(const MemoryBackend&) = delete;

    // nullptr: no faults. The plan must outlive the backend or be taken away.
    void set_faults(FaultPlan* plan) { faults_ = plan; }

    // Forgets the events at and before `revision`: watches from before it are WatchLost.
    void compact(Revision revision) { state_.compact(revision); }
    // While set, transactions with a Put are refused with no_space.
    void set_no_space(bool full) { state_.set_no_space(full); }
    // Ends a lease before its time. False if it is gone.
    bool end_lease(LeaseId id);
    // Breaks every watch of the named client, or of all clients if the name is empty.
    void break_watches(const std::string& client, const std::string& why);
    // Sends every watch an empty batch with the current revision.
    void send_progress();

    // What is in the store, without asking through a handle.
    const MemoryState& state() const { return state_; }

  private:
    friend class MemoryStore;
    // A handle as the backend knows it. Shared with everything that is on its way to the handle:
    // what arrives after the handle is gone is dropped.
    struct Client {
        MemoryStore* handle;  // nullptr: gone
        runtime::Loop* loop;
        std::string name;
    };
    struct Watch {
        std::shared_ptr<Client> client;
        WatchId id;
        std::string begin, end;
        Revision sent;      // all events up to here are on their way
        bool lost = false;  // WatchLost is on its way: nothing may follow
    };

    RequestFault fault(const RequestInfo& info);
    // Runs `task` on the backend's loop after `delay`, unless the backend is gone by then.
    void run_after(Duration delay, runtime::Task task);
    // Runs `task` on the client's loop, after `delay`, unless the handle is gone by then.
    void answer_after(Duration delay, std::shared_ptr<Client> client, runtime::Task task);
    // Calls `serve` on the backend's loop, which returns the answer as a task for the client's
    // loop, or `lost` on the client's loop, or both apart, as the plan says.
    void request(const RequestInfo& info, std::move_only_function<runtime::Task()> serve,
                 std::move_only_function<void(RequestFault::Fate)> lost,
                 std::shared_ptr<Client> client);

    // After anything that may have changed keys or leases: sends events, sets the lease timer.
    void changed();
    void publish();
    void send(Watch& watch, WatchBatch batch);
    void send_lost(Watch& watch, Duration delay, std::string why);
    void set_lease_timer();

    void add_watch(Watch watch);
    void remove_watch(const Client& client, WatchId id);
    void detach(const std::shared_ptr<Client>& client);

    runtime::Loop& loop_;
    Options options_;
    FaultPlan* faults_ = nullptr;
    MemoryState state_;
    Revision published_;
    std::vector<Watch> watches_;
    runtime::TimerId lease_timer_;
    std::uint64_t transactions_ = 0;
    std::shared_ptr<int> life_ = std::make_shared<int>();
};

// One loop's handle. Destroying it drops the completions that have not run; what it asked for may
// still be carried out.
class MemoryStore final : public Store {
  public:
    // `name` is what a FaultPlan knows the handle by.
    MemoryStore(MemoryBackend& backend, runtime::Loop& loop, std::string name = "");
    ~MemoryStore() override;
    MemoryStore(const MemoryStore&) = delete;
    MemoryStore& operator=(const MemoryStore&) = delete;

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
    friend class MemoryBackend;
    using OnUpdate = std::move_only_function<void(WatchUpdate)>;

    template <class Result, class Serve, class Lost>
    void ask(const RequestInfo& info, Serve serve, std::move_only_function<void(Result)> done,
             Lost lost);
    void deliver(WatchId id, WatchUpdate update);

    MemoryBackend& backend_;
    std::shared_ptr<MemoryBackend::Client> client_;
    // Shared, so that a watcher may unwatch itself from within its own update.
    std::map<WatchId, std::shared_ptr<OnUpdate>> watchers_;
    std::uint64_t last_watch_ = 0;
};

}  // namespace khronos::store

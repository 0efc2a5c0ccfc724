// The scheduler's hands: takes and hands over the shards it is told to, feeds their engines with
// what the store says, writes each batch of decisions as one fire transaction and hands what fired
// to the dispatcher. What is decided is core/schedule's, which shards are its own is
// core/ownership's. Lives on one loop.
//
// Safety comes from the compares of store/txns: whatever happens here, a shard that is not ours
// or a catalog that is not new enough only makes transactions fail.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/ownership/ownership_engine.h"
#include "core/schedule/shard_engine.h"
#include "runtime/entropy.h"
#include "runtime/loop.h"
#include "store/mirror.h"
#include "store/store.h"
#include "store/txns.h"

namespace khronos::scheduler {

struct Fired {
    store::txns::Fence fence;
    core::Execution execution;
    Revision revision;
    std::optional<core::Job> job;  // its present version; nullopt: it was deleted
    bool resumed = false;  // was open already when the shard was taken
};

struct SchedulerConfig {
    std::string agent_id;
    std::string node;
    core::ShardRules rules;
    // Ticks are looked for at least this often, and the wall clock is read again.
    Duration longest_sleep = std::chrono::seconds(1);
    // A larger jump of the wall clock against the monotonic one is a step: hold, look again.
    Duration step_threshold = std::chrono::seconds(60);
    Duration hold_after_step = std::chrono::seconds(2);
    Duration relist_every{0};
    // How long a change of a job may be known to be there and not be seen.
    Duration jobs_patience = std::chrono::seconds(3);
};

struct SchedulerStats {
    std::uint64_t fired = 0;
    std::uint64_t skipped = 0;
    std::uint64_t coalesced = 0;
    std::uint64_t conflicts = 0;
    std::uint64_t unknown_schedules = 0;
    std::size_t jobs = 0;
    std::size_t shards_owned = 0;  // and decided for
};

class Scheduler {
  public:
    struct Events {
        // Its record is durable; bring it to a worker.
        std::move_only_function<void(Fired)> on_fired;
        // Every decision, after it became durable: for metrics and the event stream.
        std::move_only_function<void(const core::Execution&)> on_decided;
        std::move_only_function<void(JobUid)> on_job_deleted;
        // Something that a person should know.
        std::move_only_function<void(std::string)> on_warning;

        // take() ended: the shard is ours, its owner key has that revision; or it is not.
        std::move_only_function<void(ShardId, Epoch, Revision)> on_taken;
        std::move_only_function<void(ShardId)> on_not_taken;
        // All that is open in a taken shard was told through on_fired (resumed); it is decided for.
        std::move_only_function<void(ShardId)> on_loaded;
        // Nothing more may be written for the shard: it is another's, or about to be.
        std::move_only_function<void(ShardId)> on_gone;
        // hand_over() ended: the owner key says nobody since that revision. Or, where it was
        // another's already, and whenever that is noticed: lost.
        std::move_only_function<void(ShardId, Revision)> on_handed_over;
        std::move_only_function<void(ShardId)> on_lost;
        // The mirror of jobs does not come to a version that the store has: list them again.
        std::move_only_function<void()> on_jobs_lag;
    };

    Scheduler(store::Store& store, runtime::Loop& loop, runtime::Entropy& entropy,
              SchedulerConfig config, Events events);
    ~Scheduler();

    // Once, after the jobs were listed and before the first take().
    void start();
    // Answered by on_taken, and later on_loaded or on_lost; or by on_not_taken.
    void take(const core::TakeShard& order);
    // Decides nothing more there, then gives it back. Answered by on_handed_over or on_lost.
    void hand_over(ShardId shard);
    // The owner key says another agent.
    void lose(ShardId shard);
    // Decides nothing more; `done` when no transaction is under way. The shards stay ours, so
    // that what runs can still be ended.
    void quiesce(std::move_only_function<void()> done);

    // The catalog of jobs, from a mirror of `jobs/`; in its order.
    void jobs_list_begins();
    void put_job(const store::KeyValue& kv);
    void erase_job(std::string_view name, Revision revision);
    void jobs_listed();
    void jobs_reached(Revision revision);

    // An execution has ended: its place is free.
    void ended(ShardId shard, const core::ExecutionId& id);
    // One that waited for a place of its job's may have taken it.
    void claimed(const core::Execution& execution);

    SchedulerStats stats() const;
    // Taken and loaded.
    bool owns(ShardId shard) const { return shards_[shard.value]->state == State::owned; }
    // Of a shard that is owned; unset otherwise.
    WallTime decided_up_to(ShardId shard) const;
    // The earliest tick to be decided; WallTime::max(): none.
    WallTime next_due() const;

  private:
    enum class State : std::uint8_t { others, taking, loading, owned, leaving };
    // What is read of a taken shard before it is decided for.
    struct Load {
        int missing = 2;  // its keys, and the list of what is open
        std::vector<std::pair<core::Execution, Revision>> open;
    };
    struct Shard {
        Shard(ShardId shard, core::ShardRules rules) : id(shard), engine(shard, rules) {}
        ShardId id;
        core::ShardEngine engine;
        State state = State::others;
        bool resyncing = false;
        bool writing = false;  // a batch is under way
        Revision owner_revision;
        Epoch epoch;
        // The job-set version that was read; in force once the mirror of jobs has reached it.
        Revision wait_for;
        MonoTime waits_since;
        std::shared_ptr<Load> load;  // of the take in force; an older one's answers are dropped
        // Triggers of a batch that lost: perhaps their executions were decided before.
        std::vector<core::ExecutionId> doubtful;
    };
    struct InFlight;

    Shard& at(ShardId shard) { return *shards_[shard.value]; }
    // What claims of the job's executions compare.
    static store::txns::Fence fence_of(const Shard& shard, JobUid job);
    void load(Shard& shard);
    void read_keys(Shard& shard, std::shared_ptr<Load> load);
    void read_open(Shard& shard, std::shared_ptr<Load> load, std::string from);
    void read_execution(Shard& shard, std::shared_ptr<Load> load, core::ExecutionId id);
    void read_again(Shard& shard, std::shared_ptr<Load> load, std::move_only_function<void()> read);
    void unreadable(Shard& shard, const std::string& key, const std::string& why);
    void part_read(Shard& shard, const std::shared_ptr<Load>& load);
    void loaded(Shard& shard);
    void give_back(Shard& shard);
    void watch_triggers();
    void look_for_lag(MonoTime now);

    void run();
    void run_shard(Shard& shard, WallTime now);
    void write(Shard& shard, core::Batch batch);
    void on_written(Shard& shard, std::shared_ptr<InFlight> in_flight, store::WriteOutcome outcome);
    void resync(Shard& shard);
    void read_back(Shard& shard);
    void drop_decided_triggers(Shard& shard);
    void drop_trigger(Shard& shard, const core::ExecutionId& id);
    void learn_jobs_version(Shard& shard, Revision version);
    core::Execution record_of(const core::Decision& decision, const core::Job* job, WallTime now,
                              std::uint64_t nonce) const;
    void wake();
    void arm();
    bool clock_stepped(Now now);

    store::Store& store_;
    runtime::Loop& loop_;
    runtime::Entropy& entropy_;
    SchedulerConfig config_;
    Events events_;
    std::array<std::unique_ptr<Shard>, kShardCount> shards_;
    std::unique_ptr<store::Mirror> triggers_;
    std::move_only_function<void()> quiet_;
    bool running_ = false;
    bool jobs_listed_ = false;
    bool listing_ = false;
    Revision jobs_reached_;
    std::size_t in_flight_ = 0;
    std::optional<MonoTime> lag_told_;
    runtime::TimerId timer_;
    bool run_posted_ = false;
    Now last_look_;
    std::optional<MonoTime> hold_until_;
    WallTime stepped_to_;  // by the last step forward that was not taken back; unset: none
    SchedulerStats stats_;
};

}  // namespace khronos::scheduler

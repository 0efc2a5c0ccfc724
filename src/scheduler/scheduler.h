// The scheduler's hands: takes shards, feeds their engines with what the store says, writes each
// batch of decisions as one fire transaction and hands what fired to the dispatcher. All
// decisions are core/schedule's. Lives on one loop.
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
};

struct SchedulerStats {
    std::uint64_t fired = 0;
    std::uint64_t skipped = 0;
    std::uint64_t coalesced = 0;
    std::uint64_t conflicts = 0;
    std::uint64_t unknown_schedules = 0;
    std::size_t jobs = 0;
    std::size_t shards_owned = 0;
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
    };

    Scheduler(store::Store& store, runtime::Loop& loop, runtime::Entropy& entropy,
              SchedulerConfig config, Events events);
    ~Scheduler();

    // Takes every shard and begins to decide. `done` when all open executions have been handed
    // over through on_fired (resumed); the error is a sentence.
    void start(std::move_only_function<void(std::expected<void, std::string>)> done);
    // Decides nothing more; `done` when no transaction is under way. The shards stay ours, so
    // that what runs can still be ended.
    void quiesce(std::move_only_function<void()> done);
    // After that: gives the shards back, so that the next owner need not wait.
    void release(std::move_only_function<void()> done);

    // The catalog of jobs, from a mirror of `jobs/`; in its order.
    void jobs_list_begins();
    void put_job(const store::KeyValue& kv);
    void erase_job(std::string_view name, Revision revision);
    void jobs_listed();
    void jobs_reached(Revision revision);

    // An execution has ended: its place is free.
    void ended(ShardId shard, const core::ExecutionId& id);

    SchedulerStats stats() const;
    bool owns(ShardId shard) const { return shards_[shard.value]->owned; }
    // The earliest tick to be decided; WallTime::max(): none.
    WallTime next_due() const;

  private:
    struct Shard {
        Shard(ShardId shard, core::ShardRules rules) : id(shard), engine(shard, rules) {}
        ShardId id;
        core::ShardEngine engine;
        bool owned = false;
        bool resyncing = false;
        Revision owner_revision;
        Epoch epoch;
        // The job-set version that was read; in force once the mirror of jobs has reached it.
        Revision wait_for;
        // Triggers of a batch that lost: perhaps their executions were decided before.
        std::vector<core::ExecutionId> doubtful;
    };
    struct InFlight;

    void read_shards(std::move_only_function<void(const std::vector<store::KeyValue>&)> done);
    void take_all(const std::vector<store::KeyValue>& records);
    void take(Shard& shard, Revision owner_as_read, Epoch epoch, bool has_cursor);
    void take_again(Shard& shard);
    void load_all(const std::vector<store::KeyValue>& records);
    void load_open(std::string from);
    // What claims of the job's executions compare.
    static store::txns::Fence fence_of(const Shard& shard, JobUid job);
    void load_execution(ShardId shard, core::ExecutionId id);
    void part_begins() { ++parts_; }
    void part_ends();
    void fail(std::string why);

    void run();
    void run_shard(Shard& shard, WallTime now);
    void write(Shard& shard, core::Batch batch);
    void on_written(Shard& shard, std::shared_ptr<InFlight> in_flight, store::WriteOutcome outcome);
    void resync(Shard& shard);
    void lose(Shard& shard);
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
    std::move_only_function<void(std::expected<void, std::string>)> started_;
    std::move_only_function<void()> quiet_;
    std::size_t parts_ = 0;          // of what is under way at the start
    std::move_only_function<void()> next_part_;  // when they are all done
    bool running_ = false;
    bool jobs_listed_ = false;
    bool listing_ = false;
    Revision jobs_reached_;
    std::size_t in_flight_ = 0;
    runtime::TimerId timer_;
    bool run_posted_ = false;
    Now last_look_;
    std::optional<MonoTime> hold_until_;
    WallTime stepped_to_;  // by the last step forward that was not taken back; unset: none
    SchedulerStats stats_;
};

}  // namespace khronos::scheduler

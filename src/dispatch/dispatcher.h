// The dispatcher's hands: gives open executions to the dispatch engine, speaks to the workers
// and writes claims, retries and ends. All decisions are core/dispatch's. Lives on one loop.
//
// Invariant: what was begun under a fence that is over changes nothing here any more, however it
// ended; the store's compare has seen to the rest.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "core/dispatch/dispatch_engine.h"
#include "dispatch/heartbeats.h"
#include "runtime/entropy.h"
#include "runtime/loop.h"
#include "store/store.h"
#include "store/txns.h"
#include "wire/worker_link.h"

namespace khronos::dispatch {

struct DispatcherConfig {
    std::uint64_t token_base = 0;
    std::string agent;  // its name, for workers and people
    // Whether attempts have a guard (2-semantics "abandon means already dead"). With the embedded
    // store the only worker is this process's own, and its journal is the proof of death.
    bool guards = true;
    // For tests, which cannot wait a minute for a loss: no guard is longer; 0: as the jobs say.
    Duration guard_at_most{0};
    Duration margin = limits::kLostMargin;
    Duration heartbeats_collected_for = std::chrono::milliseconds(200);
    Duration look_every = std::chrono::milliseconds(500);
    std::size_t stats_cached = 65536;  // jobs whose statistics are kept in memory
    // Ends of a job between two looks at whether its history is longer than history_limit.
    std::uint32_t trim_every = 16;
    // Younger records stay in any case: what is sent late, or again, is known by them.
    Duration keep_at_least = std::chrono::minutes(5);
};

class Dispatcher {
  public:
    struct Events {
        // The end is durable: the place in the job's concurrency is free.
        std::move_only_function<void(ShardId, const core::Execution&)> on_ended;
        // A claim is durable: the run has its leave to start.
        std::move_only_function<void(const core::Execution&)> on_claimed;
        std::move_only_function<void(const core::Execution&, WallTime)> on_started;
        // An ephemeral job has succeeded.
        std::move_only_function<void(const std::string& job_name, JobUid)> on_ephemeral_done;
        std::move_only_function<void(std::string)> on_warning;
    };

    Dispatcher(store::Store& store, runtime::Loop& loop, runtime::Entropy& entropy,
               wire::AgentEnd& workers, DispatcherConfig config, Events events);
    ~Dispatcher();

    // An open execution of a shard that is ours, at any time. What has not started of a job that
    // is gone (fence.job_created is 0) ends as deleted. `job` is the job's present version;
    // another one is read when the execution was decided by that. A newer fence of the shard
    // replaces the older one and drops everything under it.
    void open(store::txns::Fence fence, core::Execution execution, Revision revision,
              std::optional<core::Job> job);
    // All that was open in it when it was taken has been opened: its offers may begin, and what
    // workers hold of it is looked at.
    void shard_loaded(ShardId shard);
    // It is another's, or about to be: drops everything of it without a write.
    void shard_lost(ShardId shard);
    // Workers may say hello. Any time; shards may be loaded before and after.
    void start();
    // Addresses of all agents: told to the workers, which connect to each.
    void set_agents(std::vector<std::string> addresses);
    // The worker gets nothing new from this agent; or does again.
    void drain_worker(const core::WorkerId& worker, bool on);
    // No more offers; `done` when nothing runs any more. Calling stop() ends the waiting.
    void drain(std::move_only_function<void()> done);
    void stop();

    void cancel(const core::ExecutionId& id, core::Reason reason,
                std::move_only_function<void(bool known)> done);
    void job_deleted(JobUid uid);

    core::DispatchStats stats() const { return engine_.stats(); }
    std::vector<core::WorkerView> workers() const { return engine_.workers(); }
    // The running (claimed) executions as they are now, the start time included.
    std::vector<core::Execution> running() const { return engine_.running(); }

  private:
    struct PendingEnd {
        core::WriteExecution write;
        store::txns::Fence fence;
    };
    struct Stats {
        ShardId shard;
        core::JobStats value;
        Revision revision;
        std::uint32_t ends = 0;
        std::uint32_t history_limit = 100;
        bool loaded = false;
        bool busy = false;  // an end of this job is being written
        std::list<PendingEnd> waiting;
    };
    struct Carried {
        store::txns::Fence fence;
        std::uint32_t history_limit = 100;
    };
    // A shard that is ours, or becomes so.
    struct Shard {
        Revision fence;           // 0: nothing was opened yet
        std::size_t opening = 0;  // executions whose version is being read
        bool loaded_told = false;
    };
    struct IdHash {
        std::size_t operator()(const core::ExecutionId& id) const {
            return std::hash<std::string>{}(core::to_text(id));
        }
    };

    void hear(const core::WorkerId& worker, core::FromWorker message);
    void read_version(store::txns::Fence fence, core::Execution execution, Revision revision,
                      std::optional<core::Job> job);
    Heartbeats::Events heartbeat_events();
    bool in_force(const store::txns::Fence& fence) const;
    void opened(const store::txns::Fence& fence);
    void check_held(core::CheckHeld effect);
    void look();
    void open_with(store::txns::Fence fence, core::Execution execution, Revision revision,
                   const core::Job& job, const core::JobSpec& present);
    void apply(core::DispatchEffects effects);
    void rewrite(core::WriteExecution effect);
    void end(core::WriteExecution effect);
    void next_end(JobUid uid);
    void write_end(JobUid uid, PendingEnd end);
    void end_lost(JobUid uid, PendingEnd end, const core::JobStats& counted);
    void end_written(JobUid uid, const PendingEnd& end, const core::JobStats& counted,
                     Revision revision);
    void claim_lost(const core::ExecutionId& id);
    void reload(const core::ExecutionId& id);
    void trim(JobUid uid, std::uint32_t keep);
    void trim_page(JobUid uid, std::uint32_t keep, std::string from, std::uint32_t kept);
    void arm();
    void check_drained();
    void evict_stats();

    store::Store& store_;
    runtime::Loop& loop_;
    runtime::Entropy& entropy_;
    wire::AgentEnd& link_;
    DispatcherConfig config_;
    Events events_;
    core::DispatchEngine engine_;
    std::unordered_map<core::ExecutionId, Carried, IdHash> carried_;
    std::unordered_map<JobUid, Stats> job_stats_;
    std::move_only_function<void()> drained_;
    runtime::TimerId timer_;
    WallTime armed_for_;
    runtime::TimerId look_timer_;
    std::map<ShardId, Shard> shards_;
    Heartbeats heartbeats_;
    bool stopped_ = false;
};

}  // namespace khronos::dispatch

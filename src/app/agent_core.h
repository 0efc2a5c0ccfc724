// What of an agent decides: scheduler, dispatcher, ownership of shards, and the mirrors that feed
// them, joined on the core loop. All calls on that loop.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/gauges.h"
#include "app/meter.h"
#include "app/store_source.h"
#include "base/error.h"
#include "cluster/cancel_requests.h"
#include "cluster/day_counts.h"
#include "cluster/job_writer.h"
#include "cluster/ownership.h"
#include "dispatch/dispatcher.h"
#include "runtime/entropy.h"
#include "runtime/log.h"
#include "runtime/metrics.h"
#include "scheduler/scheduler.h"
#include "store/metered_store.h"
#include "store/mirror.h"
#include "store/relay.h"
#include "wire/worker_link.h"

namespace khronos::app {

class AgentCore {
  public:
    struct Setup {
        const AgentConfig& config;
        std::string agent_id;
        std::string predecessor;  // the id of this agent's former process; empty: none
        runtime::Entropy& entropy;
        runtime::Log& log;
        runtime::Metrics& metrics;
        // Somebody came, went or changed; a shard has another owner.
        std::function<void()> on_members = [] {};
        std::function<void(ShardId)> on_owner = [](ShardId) {};
        std::function<void()> on_second = [] {};
    };
    AgentCore(StoreSource& source, runtime::Loop& loop, Setup setup);
    ~AgentCore();
    AgentCore(const AgentCore&) = delete;
    AgentCore& operator=(const AgentCore&) = delete;

    store::Store& store() { return store_; }

    // Reads the jobs, tells `jobs` of them, takes shards, and begins to decide and to dispatch to
    // `workers`. `done` when every shard has an owner and ours are decided for.
    void start(std::uint64_t token_base, wire::AgentEnd& workers, store::Relay& jobs,
               std::move_only_function<void()> done);
    // Where others reach this agent; empty: nowhere.
    void set_addresses(std::string http, std::string rpc);

    // Hands its shards over and, where nobody else is there to go on, waits for what runs.
    void stop(std::move_only_function<void()> done);
    // After that, or instead: nothing more is said or asked.
    void take_apart();

    dispatch::Dispatcher& dispatcher() { return *dispatcher_; }
    scheduler::Scheduler& scheduler() { return *scheduler_; }
    cluster::Ownership& ownership() { return *ownership_; }
    WallTime started_at() const { return started_at_; }
    WallTime wall_now() const { return loop_.wall_now(); }

  private:
    scheduler::Scheduler::Events scheduler_events();
    dispatch::Dispatcher::Events dispatcher_events();
    cluster::Ownership::Config ownership_config() const;
    cluster::Ownership::Actions ownership_actions();
    cluster::CancelRequests::Actions cancel_actions();
    store::Mirror::Listener jobs_listener(store::Relay& relay);
    void begin();
    void check_started();
    void set_gauges();  // and again each second
    void delete_ephemeral(const std::string& name, JobUid uid);
    void stop_alone(std::move_only_function<void()> done);
    void leave(std::move_only_function<void()> done);

    runtime::Loop& loop_;
    Setup setup_;
    bool shared_;
    Meter meter_;
    Gauges gauges_;
    std::unique_ptr<store::Store> handle_;
    store::MeteredStore store_;
    WallTime started_at_;
    runtime::TimerId gauges_timer_;
    std::unique_ptr<cluster::DayCounter> days_;
    std::unique_ptr<cluster::JobWriter> writer_;  // deletes ephemeral jobs
    std::unique_ptr<dispatch::Dispatcher> dispatcher_;
    std::unique_ptr<scheduler::Scheduler> scheduler_;
    std::unique_ptr<cluster::Ownership> ownership_;
    std::unique_ptr<cluster::CancelRequests> cancels_;
    std::unique_ptr<store::Mirror> jobs_;
    std::move_only_function<void()> started_;
    bool begun_ = false;
    bool settled_ = false;
};

}  // namespace khronos::app

// One agent's process: the production drivers, put together as the application does it, on the
// simulated ports. Destroying it is a crash: nothing is said to anybody.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cluster/job_writer.h"
#include "cluster/ownership.h"
#include "dispatch/dispatcher.h"
#include "scheduler/scheduler.h"
#include "sim/net.h"
#include "sim/tampered_store.h"
#include "sim/world.h"
#include "store/memory/memory_backend.h"

namespace khronos::sim {

class Agent {
  public:
    struct Config {
        std::string name = "agent-1";
        Duration relist_every{0};
        bool alone = true;  // the only agent there can be
        bool guards = false;
    };
    struct Events {
        // It begins to take its shards.
        std::function<void()> on_begins;
        std::function<void(std::string)> on_warning;
    };

    Agent(World& world, const WallClock& clock, store::MemoryBackend& backend, Net& net,
          Config config, Events events, const Tampering& tampering, Seeded random);
    ~Agent();

    // Ends as after SIGTERM: decides nothing more, waits `patience` for what runs, hands its
    // shards back.
    void stop(Duration patience, std::function<void()> done);

    bool ready() const { return ready_; }
    // The whole process does nothing until then.
    void freeze_until(MonoTime until);
    const WallClock& clock() const { return clock_; }
    cluster::JobWriter& jobs() { return writer_; }
    const scheduler::Scheduler& scheduler() const { return scheduler_; }
    const cluster::Ownership& ownership() const { return ownership_; }
    dispatch::Dispatcher& dispatcher() { return dispatcher_; }

  private:
    scheduler::SchedulerConfig scheduler_config() const;
    scheduler::Scheduler::Events scheduler_events();
    dispatch::DispatcherConfig dispatcher_config() const;
    dispatch::Dispatcher::Events dispatcher_events();
    store::Mirror::Listener jobs_listener();
    cluster::Ownership::Config ownership_config() const;
    cluster::Ownership::Actions ownership_actions();
    void begin();
    void check_ready();
    void delete_ephemeral(const std::string& name, JobUid uid);

    Config config_;
    Events events_;
    const WallClock& clock_;
    SimLoop loop_;      // what decides
    SimLoop api_loop_;  // what answers
    Seeded random_;
    std::string id_;
    store::MemoryStore handle_;
    store::MemoryStore api_handle_;
    TamperedStore store_;
    TamperedStore api_store_;
    Net::AgentPort port_;
    cluster::JobWriter writer_;      // of the API
    cluster::JobWriter own_writer_;  // deletes ephemeral jobs
    dispatch::Dispatcher dispatcher_;
    scheduler::Scheduler scheduler_;
    cluster::Ownership ownership_;
    store::Mirror jobs_;
    bool begun_ = false;
    bool settled_ = false;
    bool ready_ = false;
    std::function<void()> stopped_;
};

}  // namespace khronos::sim

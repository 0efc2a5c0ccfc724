// One simulated installation and its judge: a store, an agent, a worker on its machine, the
// clients, and the checkers that look at every transaction and every process. What happens to it
// is said by a test, in words, or by a storm, from a seed (storm.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/agent.h"
#include "sim/judge.h"
#include "sim/machine.h"
#include "sim/model_worker.h"
#include "sim/net.h"
#include "sim/report.h"
#include "sim/store_faults.h"
#include "sim/world.h"

namespace khronos::sim {

struct SimulationOptions {
    std::uint64_t seed = 1;
    WallTime start = WallTime::from_seconds(1704067200);  // 2024-01-01
    // One line for each change of state, as it happens.
    std::function<void(const std::string&)> story;
    ModelWorker::Rules worker;
    Agent::Config agent;
    bool worker_dies_with_agent = true;  // it is the built-in one
    Tampering tampering;
    bool keep_history = false;
};

class Simulation {
  public:
    explicit Simulation(SimulationOptions options);
    ~Simulation();

    // ---- what happens to it

    void start_agent();
    void crash_agent();
    void stop_agent(Duration patience);  // in good order; takes a while
    bool agent_lives() const { return agent_ != nullptr; }
    bool agent_ready() const { return agent_ && agent_->ready(); }
    void start_worker();
    void crash_worker();
    bool worker_lives() const { return worker_ != nullptr; }
    void step_clock(Duration by);
    void note(const std::string& text);

    World& world() { return world_; }
    SimLoop& fate() { return fate_; }  // a loop outside of all processes
    Clients& clients() { return clients_; }
    Agent& agent() { return *agent_; }
    StoreFaults& store_faults() { return faults_; }
    store::MemoryBackend& store() { return backend_; }
    Net& net() { return net_; }
    Machine& machine() { return machine_; }

    // ---- time

    void run_for(Duration time);
    // Until `done` holds; false if it did not within `most`.
    bool run_until(const std::function<bool()>& done, Duration most);

    // ---- what came of it

    const Seen& seen() const { return judge_.seen(); }
    const std::vector<TxnSeen>& history() const { return history_; }  // where it is kept
    const World& world() const { return world_; }
    const Fleet& fleet() const { return fleet_; }
    const WallClock& clock() const { return clock_; }
    const Ledger& ledger() const { return ledger_; }
    const Report& report() const { return report_; }
    WallTime wall() const { return world_.wall(clock_); }
    bool failed() const { return !report_.violations().empty(); }
    // Everything by which two runs of one seed are compared.
    std::uint64_t hash() const { return world_.hash(); }

    void check_punctual(Duration late) { judge_.check_punctual(late); }
    // Nothing open, running, held or asked for.
    bool at_rest() const;
    void check_at_rest();
    // What can only be judged when all is over.
    void check_end();

  private:
    void watch_store();
    void say(const std::string& text);

    SimulationOptions options_;
    World world_;
    WallClock clock_;
    SimLoop fate_;
    Report report_;
    store::MemoryBackend backend_;
    StoreFaults faults_;
    Net net_;
    Ledger ledger_;
    Machine machine_;
    Fleet fleet_;
    Clients clients_;
    Judge judge_;
    Revision read_;  // of the store's history
    std::vector<TxnSeen> history_;
    std::unique_ptr<ModelWorker> worker_;
    std::unique_ptr<Agent> agent_;
    std::uint64_t lives_ = 0;  // changes when the agent starts and when it dies
    std::uint64_t worker_lives_ = 0;
};

}  // namespace khronos::sim

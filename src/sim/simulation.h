// One simulated installation and its judge: a store, agents, each with a worker on its machine,
// the clients, and the checkers that look at every transaction and every process. What happens to
// it is said by a test, in words, or by a storm, from a seed (storm.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/agent.h"
#include "sim/judge.h"
#include "sim/machine.h"
#include "sim/net.h"
#include "sim/report.h"
#include "sim/sim_worker.h"
#include "sim/store_faults.h"
#include "sim/world.h"

namespace khronos::sim {

struct SimulationOptions {
    std::uint64_t seed = 1;
    WallTime start = WallTime::from_seconds(1704067200);  // 2024-01-01
    // One line for each change of state, as it happens.
    std::function<void(const std::string&)> story;
    SimWorker::Rules worker;
    Agent::Config agent;
    std::size_t agents = 1;  // `agent-1` and so on, each on a machine with a clock of its own
    bool guards = false;     // also where there is one agent; with several there are always
    bool worker_dies_with_agent = true;  // it is the built-in one
    Tampering tampering;
    bool keep_history = false;
};

class Simulation {
  public:
    explicit Simulation(SimulationOptions options);
    ~Simulation();

    // ---- what happens to it

    std::size_t agents() const { return hosts_.size(); }
    void start_agent(std::size_t i = 0);
    void crash_agent(std::size_t i = 0);
    void stop_agent(Duration patience, std::size_t i = 0);  // in good order; takes a while
    bool agent_lives(std::size_t i = 0) const { return hosts_[i]->agent != nullptr; }
    bool agent_ready(std::size_t i = 0) const {
        return agent_lives(i) && hosts_[i]->agent->ready();
    }
    void start_worker(std::size_t i = 0);
    void crash_worker(std::size_t i = 0);
    bool worker_lives(std::size_t i = 0) const { return hosts_[i]->worker != nullptr; }
    void freeze_worker(Duration time, std::size_t i = 0);
    void cut_off_worker(Duration time, std::size_t i = 0);
    void reboot_machine(std::size_t i = 0);  // the worker's; it is not started again by itself
    void step_clock(Duration by, std::size_t i = 0);
    void freeze_agent(Duration time, std::size_t i = 0);
    void note(const std::string& text);

    World& world() { return world_; }
    SimLoop& fate() { return fate_; }  // a loop outside of all processes
    Clients& clients() { return clients_; }
    Agent& agent(std::size_t i = 0) { return *hosts_[i]->agent; }
    StoreFaults& store_faults() { return faults_; }
    store::MemoryBackend& store() { return backend_; }
    Net& net() { return net_; }
    Machine& machine(std::size_t i = 0) { return hosts_[i]->machine; }

    // ---- time

    void run_for(Duration time);
    // Until `done` holds; false if it did not within `most`.
    bool run_until(const std::function<bool()>& done, Duration most);

    // ---- what came of it

    const Seen& seen() const { return judge_.seen(); }
    const std::vector<TxnSeen>& history() const { return history_; }  // where it is kept
    const World& world() const { return world_; }
    const Fleet& fleet() const { return fleet_; }
    const WallClock& clock(std::size_t i = 0) const { return hosts_[i]->clock; }
    const Ledger& ledger() const { return ledger_; }
    const Report& report() const { return report_; }
    WallTime wall(std::size_t i = 0) const { return world_.wall(hosts_[i]->clock); }
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
    // A machine, its clock and its disk, and what lives there.
    struct Host {
        Host(World& world, Ledger& ledger, std::size_t number, std::uint64_t seed);
        std::string name;  // the agent's
        WallClock clock;
        Machine machine;
        std::unique_ptr<SimWorker> worker;
        std::unique_ptr<Agent> agent;
        std::uint64_t lives = 0;  // changes when the agent starts and when it dies
        std::uint64_t worker_lives = 0;
    };
    void watch_store();
    void verify_store();
    void say(const std::string& text);
    std::string which(std::size_t i) const;  // for the story

    SimulationOptions options_;
    World world_;
    WallClock true_clock_;
    SimLoop fate_;
    Report report_;
    store::MemoryBackend backend_;
    StoreFaults faults_;
    Net net_;
    Ledger ledger_;
    std::vector<std::unique_ptr<Host>> hosts_;
    Fleet fleet_;
    Clients clients_;
    Judge judge_;
    Revision read_;  // of the store's history
    std::vector<TxnSeen> history_;
};

}  // namespace khronos::sim

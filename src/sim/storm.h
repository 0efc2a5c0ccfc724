// A simulation driven by a seed: which features and which faults there are, what the clients ask
// for and when, and what breaks. In the end the faults stop, everything that waits has to come to
// its end, and nothing may be left over.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/simulation.h"

namespace khronos::sim {

struct StormResult {
    std::uint64_t seed = 0;
    std::vector<Violation> violations;
    std::uint64_t hash = 0;
    std::uint64_t events = 0;
    Duration simulated{0};
    std::size_t decisions = 0;  // records
    std::size_t runs = 0;       // processes
    std::size_t operations = 0;  // of clients, acknowledged
    std::string story;           // what kind of storm it was
};

// Which faults and features a storm has; each is there or not by the seed.
struct StormPlan {
    // Faults.
    bool unknown_writes = false, failing_reads = false, slow_store = false;
    bool store_outages = false, store_full = false;
    bool lagging_watches = false, lost_watches = false, compaction = false;
    bool silent_watches = false, doubled_watches = false;
    bool agent_crashes = false, long_outages = false, clean_restarts = false, freezes = false;
    bool worker_crashes = false, separate_worker = false, broken_links = false;
    bool machine_reboots = false, refusing_worker = false, few_slots = false;
    bool small_steps = false, forward_steps = false, backward_steps = false;
    bool late_timers = false;
    bool several_agents = false, revoked_sessions = false;
    bool guards = false, cut_off_workers = false, frozen_workers = false, dead_workers = false;
    // Features.
    bool one_shard = false, every_second = false, zones = false, once_schedules = false;
    bool limits = false, misfire_policies = false, failures = false, retries = false;
    bool timeouts = false, spread = false, deadlines = false, windows = false;
    bool short_history = false, ephemeral = false, lost_policies = false;
    bool edits = false, deletes = false, manual_runs = false;

    std::string text() const;
};

struct StormOptions {
    std::uint64_t seed = 1;
    Duration length{0};  // of the time with faults; 0: by the seed
    std::function<void(const std::string&)> story;  // see SimulationOptions
    Tampering tampering;
    bool keep_history = false;
};

class Storm {
  public:
    explicit Storm(StormOptions options);
    ~Storm();

    StormResult run();
    const Simulation& simulated() const { return *sim_; }

  private:
    static StormPlan plan_of(Seeded& random);
    SimulationOptions simulation();
    core::JobSpec random_spec(const std::string& name);
    std::string random_schedule();
    void change(core::JobSpec& spec);
    void set_store_rules();
    void next_operation();
    void operate();
    void next_trouble();
    void trouble();
    void bring_back(Duration after, std::size_t agent);
    std::optional<std::size_t> some_agent(bool ready);
    void revoke_a_session();
    void calm();
    bool quieten();

    StormOptions options_;
    Seeded random_;
    StormPlan plan_;
    Duration length_;
    std::string zone_;
    std::unique_ptr<Simulation> sim_;
    std::vector<std::string> names_;
    bool calm_ = false;
};

}  // namespace khronos::sim

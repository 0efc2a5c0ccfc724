// A machine that runs processes for a worker: its runner, the processes, and the worker's disk.
// All of it outlives the worker's own process.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "sim/ledger.h"
#include "sim/world.h"

namespace khronos::sim {

// What a simulated process does, as the command of its job: `work <shortest> <longest> <fails>`,
// two durations between which each run's length lies, and how many of a hundred runs fail.
std::string work(Duration shortest, Duration longest, int fails_of_100);

class Machine {
  public:
    struct Note {
        core::HeldState state = core::HeldState::accepted;
        core::RunSpec spec;
        FenceToken token;
        core::RunResult result;
    };

    Machine(World& world, const WallClock& clock, Ledger& ledger, std::string worker,
            std::uint64_t seed);

    // Starts a process for the attempt.
    void run(const core::RunSpec& spec, FenceToken token);
    // SIGTERM: it ends soon, at the latest after its kill_grace.
    void kill(const core::AttemptId& id);
    bool runs(const core::AttemptId& id) const { return processes_.contains(id); }
    std::size_t running() const { return processes_.size(); }

    const std::string& worker() const { return worker_; }
    // The worker's journal.
    std::map<core::AttemptId, Note> notes;
    std::map<core::AttemptId, FenceToken> refused;  // up to this token it will never be started
    // Set by the worker's process while it lives.
    std::function<void(const core::AttemptId&)> on_ended;

  private:
    struct Process {
        core::RunSpec spec;
        WallTime started_at;
        core::RunResult result;
        runtime::TimerId end_timer;
        runtime::TimerId timeout_timer;
        bool killed = false;
    };

    void end(const core::AttemptId& id);
    void terminate(const core::AttemptId& id, core::ExecutionState outcome, std::string message);

    World& world_;
    Ledger& ledger_;
    std::string worker_;
    std::uint64_t seed_;
    SimLoop loop_;
    std::map<core::AttemptId, Process> processes_;
};

}  // namespace khronos::sim

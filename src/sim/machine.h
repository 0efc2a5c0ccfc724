// A machine that runs processes for a worker: its runner, the processes, and the worker's disk.
// All of it outlives the worker's own process; only the disk outlives the machine's own death.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/attempt/attempt_notes.h"
#include "sim/ledger.h"
#include "sim/world.h"
#include "worker/process_host.h"

namespace khronos::sim {

// What a simulated process does, as the command of its job: `work <shortest> <longest> <fails>`,
// two durations between which each run's length lies, and how many of a hundred runs fail.
std::string work(Duration shortest, Duration longest, int fails_of_100);

class Machine {
  public:
    Machine(World& world, const WallClock& clock, Ledger& ledger, std::string worker,
            std::uint64_t seed);

    // ---- the runner; see worker::ProcessHost

    struct Listener {
        std::function<void(const core::AttemptId&, WallTime)> on_started;
        std::function<void(const core::AttemptId&, std::string)> on_refused;
        std::function<void(const core::AttemptId&, worker::ProcessEnd)> on_ended;
    };
    // The worker's process while it lives.
    void set_listener(Listener listener) { listener_ = std::move(listener); }
    void run(worker::ProcessSpec spec);
    void kill(const core::AttemptId& id, worker::KilledBy why, bool at_once);
    void extend_guards(MonoTime base, const std::vector<core::AttemptId>& except);
    void forget(const core::AttemptId& id);
    std::vector<worker::KnownProcess> known() const;

    // ---- the disk

    core::attempt::AttemptNotes& notes() { return notes_; }
    void sync_notes() { durable_ = notes_; }
    // The machine was started anew since the notes were last read.
    bool take_reboot();

    // ---- what happens to it

    // Everything that runs dies at once, and what was not on the disk is gone.
    void reboot();

    std::size_t running() const { return running_; }
    // Attempts that the worker still has to say something about.
    std::vector<core::AttemptId> held() const;
    const std::string& worker() const { return worker_; }

  private:
    struct Process {
        worker::ProcessSpec spec;
        WallTime started_at;
        worker::ProcessEnd end;
        bool ended = false;
        worker::KilledBy killed_by = worker::KilledBy::nobody;
        runtime::TimerId end_timer;
        runtime::TimerId timeout_timer;
        runtime::TimerId guard_timer;
        MonoTime deadline;  // 0: none
    };

    void arm_guard(const core::AttemptId& id, Process& process);
    void end(const core::AttemptId& id);

    World& world_;
    Ledger& ledger_;
    std::string worker_;
    std::uint64_t seed_;
    SimLoop loop_;
    Listener listener_;
    std::map<core::AttemptId, Process> processes_;  // until they are forgotten
    std::size_t running_ = 0;
    core::attempt::AttemptNotes notes_;
    core::attempt::AttemptNotes durable_;
    bool rebooted_ = false;
};

}  // namespace khronos::sim

// One run in the runner's table, from the moment it was asked for until its end is forgotten.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "runner/cgroup.h"
#include "runner/output_file.h"
#include "runner/protocol.h"
#include "runner/supervisor.h"

namespace khronos::runner {

// What epoll gives back: the runner's own descriptors, and from kFirstRun on a run's output,
// `Run::number + kFirstRun`.
enum Source : std::uint64_t { kListen, kClient, kSignals, kTimer, kNotify, kFirstRun };

enum class KillStage : std::uint8_t {
    none,
    asked,    // SIGTERM; SIGKILL follows at grace_until_us
    killing,  // the supervisor was told to kill the tree
    adopted,  // the supervisor is dead: the runner itself kills what it left
};

struct Run {
    Run(std::uint64_t n, std::string output_path) : number(n), output(std::move(output_path)) {}

    std::uint64_t number;  // of this runner's life; names the run in epoll's data
    std::string key;
    std::string mark;
    RunPhase phase = RunPhase::running;

    // While it runs.
    Slot* slot = nullptr;
    Cgroup* cgroup = nullptr;
    pid_t supervisor = 0;
    int output_fd = -1;
    OutputKeeper output;
    bool told_started = false;
    bool linger = false;
    KillStage stage = KillStage::none;
    KillReason reason = KillReason::none;
    bool forced = false;

    // CLOCK_BOOTTIME; 0: none.
    std::int64_t timeout_at_us = 0;
    std::int64_t deadline_us = 0;
    std::int64_t grace_until_us = 0;
    std::int64_t escalate_at_us = 0;
    std::int64_t memory_check_us = 0;
    std::int64_t wake_us = 0;  // its place in the timer queue
    std::int64_t grace_us = 0;
    std::int64_t guard_us = 0;
    std::uint64_t memory_bytes = 0;

    // Afterwards.
    RunEnd end;
    std::int64_t began_us = 0;  // real time
};

}  // namespace khronos::runner

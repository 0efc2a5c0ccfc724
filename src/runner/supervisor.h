// One run's supervisor: a tiny process between the runner and the run. Every process of the run,
// however often it forks, is its descendant (it is a subreaper), so it can kill the run whole; and
// the kernel tells it when the runner dies. It runs no code of the job and shares no descriptor
// with it.
//
// Signals from the runner, all blocked and taken one by one:
//   SIGTERM  ask the whole tree to end          SIGQUIT  kill the whole tree
//   SIGHUP   the runner is dead: kill the whole tree
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "runner/protocol.h"

namespace khronos::runner {

// In memory that runner and supervisor share; only the supervisor writes while it lives.
struct Slot {
    enum Phase : std::uint32_t {
        empty = 0,
        forked = 1,
        running = 2,
        lingering = 3,  // the command has ended, what it left behind may live on
        done = 4,       // the whole tree is dead and reaped
        failed = 5,     // the command was never started: see fork_errno
    };
    std::atomic<std::uint32_t> phase{empty};
    std::atomic<pid_t> command{0};  // process id, process group and session of the command
    std::int32_t status = 0;        // as waitpid gave it
    std::int32_t exec_errno = 0;
    std::int32_t fork_errno = 0;
    bool group_killed = false;  // its control group is used up
    std::int64_t started_us = 0;       // real time
    std::int64_t started_mono_us = 0;  // CLOCK_BOOTTIME
    std::int64_t finished_us = 0;      // real time
};

// Whether a process that is born in that group lives: see cgroup.h.
bool lives_in_cgroup(int directory_fd);

// What the supervisor needs, prepared before the fork so that neither child allocates.
struct Launch {
    explicit Launch(const StartRun& spec);
    const StartRun& spec;
    std::vector<char*> argv;
    std::vector<char*> envp;
    int stdin_fd = -1;
    int output_fd = -1;
    int cgroup_fd = -1;       // the control group's directory; -1: none
    int cgroup_kill_fd = -1;  // its cgroup.kill
    rlimit files{};           // what the run gets; the runner's own limit is higher
};

// The runner's event descriptor has this number. A supervisor has its control group's two at the
// next ones, and closes all that is above.
inline constexpr int kNotifyFd = 3;
inline constexpr int kCgroupFd = 4;
inline constexpr int kCgroupKillFd = 5;

// Never returns. All signals must be blocked already.
[[noreturn]] void supervise(const Launch& launch, Slot& slot, pid_t runner);

}  // namespace khronos::runner

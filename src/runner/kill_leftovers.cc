#include "runner/kill_leftovers.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <set>

#include "runner/clocks.h"
#include "runner/proc_tree.h"

namespace khronos::runner {
namespace {

bool belongs(pid_t pid, const ProcessStat& stat, const std::vector<const JournalRun*>& open) {
    for (const JournalRun* run : open) {
        if (!run->mark.empty() && carries_mark(pid, run->mark)) return true;
        if (run->command == 0 || stat.session != run->command) continue;
        // The number may be another session's by now: only its leader's start proves which.
        ProcessStat leader;
        if (!read_stat(run->command, leader)) continue;
        const std::int64_t tick_us = 1000000 / ::sysconf(_SC_CLK_TCK);
        const auto began_us = static_cast<std::int64_t>(leader.start_ticks) * tick_us;
        if (std::abs(began_us - run->command_started_us) < 10 * tick_us) return true;
    }
    return false;
}

}  // namespace

bool kill_leftovers(const std::vector<JournalRun>& runs, std::int64_t patience_us) {
    std::vector<const JournalRun*> open;
    for (const JournalRun& run : runs)
        if (!run.has_end) open.push_back(&run);
    if (open.empty()) return true;
    const std::int64_t until = mono_us() + patience_us;
    const pid_t self = ::getpid();
    for (;;) {
        std::set<pid_t> found;
        for (const pid_t pid : all_processes()) {
            ProcessStat stat;
            if (pid == self || pid == 1 || !read_stat(pid, stat) || stat.state == 'Z') continue;
            if (!belongs(pid, stat, open)) continue;
            found.insert(pid);
            for (const pid_t below : descendants_of(pid))
                found.insert(below);
        }
        found.erase(self);
        if (found.empty()) return true;
        // Stopped first, so that none forks out of sight while the others are killed.
        for (const pid_t pid : found)
            ::kill(pid, SIGSTOP);
        for (const pid_t pid : found)
            ::kill(pid, SIGKILL);
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        if (mono_us() > until) return false;
        const timespec pause{0, 5'000'000};
        ::nanosleep(&pause, nullptr);
    }
}

}  // namespace khronos::runner

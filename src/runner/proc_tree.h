// Reads process trees from /proc. A process's own list of children is exact while it does not
// wait for any of them; another's is a snapshot, so killing loops until nothing is left.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace khronos::runner {

// Children of all threads of `pid`, zombies included.
void children_of(pid_t pid, std::vector<pid_t>& out);
// Everything below `root`, nearest first, without `root`.
std::vector<pid_t> descendants_of(pid_t root);

struct ProcessStat {
    char state = '?';
    pid_t parent = 0;
    pid_t group = 0;
    pid_t session = 0;
    std::uint64_t start_ticks = 0;  // since boot
    std::uint64_t resident_pages = 0;
};
bool read_stat(pid_t pid, ProcessStat& out);

std::vector<pid_t> all_processes();
// Whether the environment a process was started with has every line of `mark` (`NAME=value`).
bool carries_mark(pid_t pid, const std::string& mark);

}  // namespace khronos::runner

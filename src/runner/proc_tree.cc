#include "runner/proc_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace khronos::runner {
namespace {

bool slurp(const char* path, std::string& out) {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    char buffer[4096];
    for (;;) {
        const ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        out.append(buffer, static_cast<std::size_t>(n));
    }
    ::close(fd);
    return true;
}

void numbers_in(const char* directory, std::vector<pid_t>& out) {
    DIR* dir = ::opendir(directory);
    if (!dir) return;
    while (const dirent* entry = ::readdir(dir)) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            out.push_back(static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10)));
    }
    ::closedir(dir);
}

}  // namespace

void children_of(pid_t pid, std::vector<pid_t>& out) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%d/task", pid);
    std::vector<pid_t> threads;
    numbers_in(path, threads);
    for (const pid_t thread : threads) {
        std::snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, thread);
        std::string text;
        if (!slurp(path, text)) {
            // A kernel without CONFIG_PROC_CHILDREN: ask every process for its parent.
            if (::access("/proc/self/task", F_OK) != 0 || ::access(path, F_OK) == 0) continue;
            std::snprintf(path, sizeof path, "/proc/%d", pid);
            if (::access(path, F_OK) != 0) return;
            for (const pid_t other : all_processes()) {
                ProcessStat stat;
                if (read_stat(other, stat) && stat.parent == pid) out.push_back(other);
            }
            return;
        }
        const char* at = text.c_str();
        while (*at != '\0') {
            char* end = nullptr;
            const long child = std::strtol(at, &end, 10);
            if (end == at) break;
            out.push_back(static_cast<pid_t>(child));
            at = end;
            while (*at == ' ' || *at == '\n')
                ++at;
        }
    }
}

std::vector<pid_t> descendants_of(pid_t root) {
    std::vector<pid_t> all;
    children_of(root, all);
    // A number that is used again during the walk could make a ring; the bound ends it.
    constexpr std::size_t kMost = 1u << 16;
    for (std::size_t i = 0; i < all.size() && all.size() < kMost; ++i)
        children_of(all[i], all);
    return all;
}

bool read_stat(pid_t pid, ProcessStat& out) {
    char path[32];
    std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
    std::string text;
    if (!slurp(path, text)) return false;
    // The name is in parentheses and may contain anything, parentheses included.
    const std::size_t close = text.rfind(')');
    if (close == std::string::npos) return false;
    int parent = 0;
    int group = 0;
    int session = 0;
    unsigned long long start = 0;
    long resident = 0;
    const int fields =
        std::sscanf(text.c_str() + close + 1,
                    " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
                    "%*d %llu %*u %ld",
                    &out.state, &parent, &group, &session, &start, &resident);
    if (fields != 6) return false;
    out.parent = parent;
    out.group = group;
    out.session = session;
    out.start_ticks = start;
    out.resident_pages = resident < 0 ? 0 : static_cast<std::uint64_t>(resident);
    return true;
}

std::vector<pid_t> all_processes() {
    std::vector<pid_t> all;
    numbers_in("/proc", all);
    return all;
}

bool carries_mark(pid_t pid, const std::string& mark) {
    char path[32];
    std::snprintf(path, sizeof path, "/proc/%d/environ", pid);
    std::string text;
    if (!slurp(path, text)) return false;
    if (mark.empty()) return false;
    text.insert(text.begin(), '\0');
    for (std::size_t at = 0; at < mark.size();) {
        const std::size_t end = std::min(mark.find('\n', at), mark.size());
        std::string entry(1, '\0');
        entry.append(mark, at, end - at);
        entry += '\0';
        if (text.find(entry) == std::string::npos) return false;
        at = end + 1;
    }
    return true;
}

}  // namespace khronos::runner

#include "runner/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <string_view>

#include "runner/clocks.h"

namespace khronos::runner {
namespace {

// Above the numbers that supervisors give a meaning to.
constexpr int kLowestFd = 16;

std::string slurp(const std::string& path) {
    std::string text;
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return text;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(n));
    ::close(fd);
    return text;
}

int open_high(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
    if (fd < 0 || fd >= kLowestFd) return fd;
    const int high = ::fcntl(fd, F_DUPFD_CLOEXEC, kLowestFd);
    ::close(fd);
    return high;
}

std::string_view field(std::string_view line, int number) {
    for (; number > 0; --number) {
        const std::size_t blank = line.find(' ');
        if (blank == line.npos) return {};
        line.remove_prefix(blank + 1);
    }
    return line.substr(0, line.find(' '));
}

bool is_populated(const std::string& group) {
    return slurp(group + "/cgroup.events").find("populated 1") != std::string::npos;
}

void remove_groups_in(const std::string& root) {
    DIR* dir = ::opendir(root.c_str());
    if (!dir) return;
    while (const dirent* entry = ::readdir(dir))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            ::rmdir((root + "/" + entry->d_name).c_str());
    ::closedir(dir);
}

}  // namespace

std::string own_cgroup(const std::string& mountinfo, const std::string& own) {
    std::string path;
    std::string_view rest = own;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (line.starts_with("0::")) path = line.substr(3);
    }
    if (path.empty()) return {};
    rest = mountinfo;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        const std::size_t type = line.find(" - cgroup2 ");
        if (type == line.npos) continue;
        // A container may see only a part of the tree: then the root of the mount is not `/`.
        const std::string_view root = field(line, 3);
        std::string_view below = path;
        if (root != "/") {
            if (!below.starts_with(root)) continue;
            below.remove_prefix(root.size());
        }
        std::string place(field(line, 4));
        if (below != "/") place += below;
        return place;
    }
    return {};
}

void kill_cgroup(int kill_fd) {
    [[maybe_unused]] const ssize_t n = ::write(kill_fd, "1", 1);
}

CgroupPool::~CgroupPool() { close(); }

void CgroupPool::close() {
    if (root_.empty()) return;
    for (const auto& group : all_) {
        ::close(group->directory_fd);
        ::close(group->kill_fd);
        ::rmdir((root_ + "/" + group->name).c_str());
    }
    all_.clear();
    free_.clear();
    for (const std::string& name : doomed_) ::rmdir((root_ + "/" + name).c_str());
    doomed_.clear();
    ::rmdir(root_.c_str());
    root_.clear();
}

void CgroupPool::give_back(Cgroup* group, bool killed) {
    if (!killed) return free_.push_back(group);
    std::erase_if(doomed_, [this](const std::string& name) {
        return ::rmdir((root_ + "/" + name).c_str()) == 0 || errno == ENOENT;
    });
    ::close(group->directory_fd);
    ::close(group->kill_fd);
    if (::rmdir((root_ + "/" + group->name).c_str()) != 0) doomed_.push_back(group->name);
    std::erase_if(all_, [group](const auto& one) { return one.get() == group; });
}

bool CgroupPool::open(const std::string& name, std::int64_t patience_us) {
    const std::string own = own_cgroup(slurp("/proc/self/mountinfo"), slurp("/proc/self/cgroup"));
    if (own.empty()) return false;
    const std::string root = own + "/" + name;
    if (::mkdir(root.c_str(), 0700) != 0 && errno != EEXIST) return false;
    const int kill_fd = ::open((root + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC);
    if (kill_fd < 0) {
        ::rmdir(root.c_str());
        return false;
    }
    const std::int64_t until = mono_us() + patience_us;
    while (is_populated(root) && mono_us() < until) {
        kill_cgroup(kill_fd);
        const timespec pause{0, 2'000'000};
        ::nanosleep(&pause, nullptr);
    }
    ::close(kill_fd);
    if (is_populated(root)) return false;
    remove_groups_in(root);
    root_ = root;
    return true;
}

Cgroup* CgroupPool::take() {
    if (root_.empty()) return nullptr;
    if (!free_.empty()) {
        Cgroup* group = free_.back();
        free_.pop_back();
        return group;
    }
    auto group = std::make_unique<Cgroup>();
    group->name = "r" + std::to_string(made_++);
    const std::string path = root_ + "/" + group->name;
    if (::mkdir(path.c_str(), 0700) != 0) return nullptr;
    group->directory_fd = open_high(path, O_RDONLY | O_DIRECTORY);
    group->kill_fd = open_high(path + "/cgroup.kill", O_WRONLY);
    if (group->directory_fd < 0 || group->kill_fd < 0) {
        if (group->directory_fd >= 0) ::close(group->directory_fd);
        if (group->kill_fd >= 0) ::close(group->kill_fd);
        ::rmdir(path.c_str());
        return nullptr;
    }
    all_.push_back(std::move(group));
    return all_.back().get();
}

}  // namespace khronos::runner

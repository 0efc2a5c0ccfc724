// Control groups (v2) for runs, where the machine lets us have them: one write kills a whole group
// at once, and what a dead runner left is found without a doubt. They are kept and used again,
// because making one costs more than a small run; but never one that was killed: kernels from 6.12
// on count the kills of a group, compare the count of the group that a process is born into with
// that of its parent's, and kill it at once where they differ.
//
// Runs that may linger are in none. Without control groups the tree of processes is enough.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace khronos::runner {

struct Cgroup {
    int directory_fd = -1;
    int kill_fd = -1;
    std::string name;
};

void kill_cgroup(int kill_fd);

class CgroupPool {
  public:
    CgroupPool() = default;
    ~CgroupPool();
    CgroupPool(const CgroupPool&) = delete;
    CgroupPool& operator=(const CgroupPool&) = delete;

    // Makes or takes over the group `name` below our own and kills what is in it. False: there are
    // no control groups for us (take() then gives none), or `patience_us` was not enough.
    bool open(const std::string& name, std::int64_t patience_us);
    // nullptr: none to be had.
    Cgroup* take();
    // `killed`: kill_cgroup() was called for it.
    void give_back(Cgroup* group, bool killed);
    // No more groups: runs go without.
    void close();

  private:
    std::string root_;  // empty: no control groups
    std::vector<std::unique_ptr<Cgroup>> all_;
    std::vector<Cgroup*> free_;
    std::vector<std::string> doomed_;  // not empty yet when they were to be removed
    std::uint64_t made_ = 0;
};

// Where this process may make groups: the mounted v2 tree and its place in it. Empty: nowhere.
std::string own_cgroup(const std::string& mountinfo, const std::string& own);

}  // namespace khronos::runner

#include "runner/supervisor.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>

#include "runner/cgroup.h"
#include "runner/clocks.h"
#include "runner/proc_tree.h"

namespace khronos::runner {
namespace {

constexpr unsigned kRunUmask = 022;

void notify_runner() {
    const std::uint64_t one = 1;
    // The counter cannot overflow; a failure means that the runner is gone.
    [[maybe_unused]] const ssize_t n = ::write(kNotifyFd, &one, sizeof one);
}

// In the vforked child: raw calls only, the parent's memory is shared and the parent stopped.
[[noreturn]] void become_command(const Launch& launch, Slot& slot, pid_t supervisor) {
    const StartRun& spec = launch.spec;
    ::setsid();
    ::umask(kRunUmask);
    long failed = 0;
    if (spec.switch_user) {
        // Raw: the library's wrappers would tell every thread, and there is only this one.
        failed |= ::syscall(SYS_setgroups, spec.groups.size(), spec.groups.data());
        failed |= ::syscall(SYS_setresgid, spec.gid, spec.gid, spec.gid);
        failed |= ::syscall(SYS_setresuid, spec.uid, spec.uid, spec.uid);
        failed |= ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    }
    if (failed == 0 && ::chdir(spec.cwd.empty() ? "/" : spec.cwd.c_str()) != 0) failed = -1;
    if (failed != 0) {
        slot.exec_errno = -errno;  // negative: before the exec, in setting up
        ::_exit(126);
    }
    // After the change of user, which resets it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != supervisor) ::_exit(126);

    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    int error = ENOENT;
    for (const std::string& program : spec.programs) {
        ::execve(program.c_str(), launch.argv.data(), launch.envp.data());
        // As a shell does: what exists but may not be run is worth more than what is not there.
        if (errno != ENOENT && errno != ENOTDIR && (errno != EACCES || error == ENOENT))
            error = errno;
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
    }
    slot.exec_errno = error;
    ::_exit(error == ENOENT ? 127 : 126);
}

void place(int fd, int at) {
    if (fd == at) return;
    while (::dup2(fd, at) < 0 && errno == EINTR) {
    }
}

// Like vfork(), with the child born in a control group: to move it there later would cost
// milliseconds. Inlined, so that the child returns into a frame that is still there. A negative
// number: it cannot be done here.
[[gnu::always_inline]] inline long vfork_into(int cgroup) {
#ifdef __x86_64__
    clone_args args{};
    args.flags = CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP;
    args.exit_signal = SIGCHLD;
    args.cgroup = static_cast<std::uint64_t>(cgroup);
    long result = 0;
    asm volatile("syscall"
                 : "=a"(result)
                 : "0"(static_cast<long>(SYS_clone3)), "D"(&args), "S"(sizeof args)
                 : "rcx", "r11", "memory");
    return result;
#else
    (void)cgroup;
    return -ENOSYS;
#endif
}

class Supervisor {
  public:
    Supervisor(Slot& slot, bool linger, bool in_cgroup)
        : slot_(slot), linger_(linger), in_cgroup_(in_cgroup) {}

    [[noreturn]] void run(pid_t command) {
        command_ = command;
        sigset_t all;
        sigfillset(&all);
        for (;;) {
            reap();
            if (!has_children_) finish();
            if (!command_alive_ && !linger_) {
                kill_everything();
                finish();
            }
            const int signal = ::sigwaitinfo(&all, nullptr);
            if (signal == SIGTERM && command_alive_) ask_to_end();
            if (signal == SIGQUIT || (signal == SIGHUP && command_alive_)) {
                kill_everything();
                finish();
            }
        }
    }

  private:
    void reap() {
        for (;;) {
            int status = 0;
            const pid_t pid = ::waitpid(-1, &status, WNOHANG);
            if (pid < 0 && errno == EINTR) continue;
            has_children_ = pid >= 0;
            if (pid <= 0) return;
            if (pid != command_) continue;
            command_alive_ = false;
            slot_.status = status;
            slot_.finished_us = wall_us();
            if (linger_) {
                slot_.phase.store(Slot::lingering, std::memory_order_release);
                notify_runner();
            }
        }
    }

    // A killed process's children become ours, so each round is one generation nearer to none;
    // and a process that has SIGKILL pending cannot fork any more.
    void kill_everything() {
        // Not after it was reaped: its number may be another's by now.
        if (command_alive_) ::kill(-command_, SIGKILL);
        sigset_t child;
        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        for (;;) {
            if (in_cgroup_) {
                slot_.group_killed = true;
                kill_cgroup(kCgroupKillFd);
            }
            std::vector<pid_t> children;
            children_of(::getpid(), children);
            for (const pid_t pid : children)
                ::kill(pid, SIGKILL);
            reap();
            if (!has_children_) return;
            const timespec pause{0, 5'000'000};
            ::sigtimedwait(&child, nullptr, &pause);
        }
    }

    void ask_to_end() {
        const std::vector<pid_t> tree = descendants_of(::getpid());
        ::kill(-command_, SIGTERM);
        for (const pid_t pid : tree) {
            if (::getpgid(pid) != command_) ::kill(pid, SIGTERM);
        }
        // A stopped process gets its SIGTERM only when it goes on.
        ::kill(-command_, SIGCONT);
        for (const pid_t pid : tree)
            ::kill(pid, SIGCONT);
    }

    [[noreturn]] void finish() {
        slot_.phase.store(Slot::done, std::memory_order_release);
        ::_exit(0);
    }

    Slot& slot_;
    const bool linger_;
    const bool in_cgroup_;
    pid_t command_ = 0;
    bool command_alive_ = true;
    bool has_children_ = true;
};

}  // namespace

bool lives_in_cgroup(int directory_fd) {
    const long child = vfork_into(directory_fd);
    if (child == 0) ::_exit(0);
    if (child < 0) return false;
    int status = 0;
    while (::waitpid(static_cast<pid_t>(child), &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status);
}

Launch::Launch(const StartRun& s) : spec(s) {
    for (const std::string& v : spec.argv)
        argv.push_back(const_cast<char*>(v.c_str()));
    argv.push_back(nullptr);
    for (const std::string& v : spec.env)
        envp.push_back(const_cast<char*>(v.c_str()));
    envp.push_back(nullptr);
}

void supervise(const Launch& launch, Slot& slot, pid_t runner) {
    ::prctl(PR_SET_PDEATHSIG, SIGHUP, 0, 0, 0);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (::getppid() != runner) ::_exit(1);
    place(launch.stdin_fd, STDIN_FILENO);
    place(launch.output_fd, STDOUT_FILENO);
    place(launch.output_fd, STDERR_FILENO);
    bool in_cgroup = launch.cgroup_fd >= 0 &&
                     ::dup3(launch.cgroup_fd, kCgroupFd, O_CLOEXEC) == kCgroupFd &&
                     ::dup3(launch.cgroup_kill_fd, kCgroupKillFd, O_CLOEXEC) == kCgroupKillFd;
    ::close_range(in_cgroup ? kCgroupKillFd + 1 : kNotifyFd + 1, ~0U, 0);
    ::setrlimit(RLIMIT_NOFILE, &launch.files);

    const pid_t self = ::getpid();
    slot.started_us = wall_us();
    slot.started_mono_us = mono_us();
    long command = -1;
    if (in_cgroup) {
        command = vfork_into(kCgroupFd);
        if (command == 0) become_command(launch, slot, self);
        in_cgroup = command > 0;
    }
    if (command < 0) command = ::vfork();
    if (command == 0) become_command(launch, slot, self);
    if (command < 0) {
        slot.fork_errno = errno;
        slot.phase.store(Slot::failed, std::memory_order_release);
        ::_exit(1);
    }
    slot.command.store(static_cast<pid_t>(command), std::memory_order_relaxed);
    slot.phase.store(Slot::running, std::memory_order_release);
    notify_runner();
    Supervisor(slot, launch.spec.linger, in_cgroup).run(static_cast<pid_t>(command));
}

}  // namespace khronos::runner

// The life of a run: fork, time limits, output, death.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/limits.h"
#include "runner/clocks.h"
#include "runner/proc_tree.h"
#include "runner/runner.h"

namespace khronos::runner {
namespace {

// A supervisor that does not finish its killing (somebody stopped it) is replaced by the runner.
constexpr std::int64_t kEscalateUs = 1'000'000;
constexpr std::int64_t kMemoryCheckUs = 1'000'000;
constexpr std::int64_t kHuntEveryUs = 5'000;

int memory_file(const std::string& bytes) {
    const int fd = ::memfd_create("stdin", MFD_CLOEXEC);
    if (fd < 0) return -1;
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            ::close(fd);
            return -1;
        }
        done += static_cast<std::size_t>(n);
    }
    ::lseek(fd, 0, SEEK_SET);
    return fd;
}

void close_if(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
}

}  // namespace

void Runner::launch_pending() {
    if (pending_.empty()) return;
    if (!journal_.flush()) {
        const std::string why =
            std::string("the runner cannot write its journal: ") + std::strerror(errno);
        for (auto& [run, spec] : pending_)
            never_started(*run, why);
        pending_.clear();
        return;
    }
    for (auto& [run, spec] : pending_) {
        std::string why;
        if (!spawn(*run, spec, why)) never_started(*run, why);
    }
    pending_.clear();
}

bool Runner::spawn(Run& run, const StartRun& spec, std::string& why) {
    const auto failed = [&](const char* what) {
        why = std::string(what) + ": " + std::strerror(errno);
        return false;
    };
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return failed("cannot make a pipe");
    int input = -1;
    if (spec.has_stdin && (input = memory_file(spec.stdin_bytes)) < 0) {
        ::close(ends[0]);
        ::close(ends[1]);
        return failed("cannot keep the input");
    }
    Launch launch(spec);
    launch.stdin_fd = input >= 0 ? input : null_;
    launch.output_fd = ends[1];
    launch.files = files_;
    if (!run.linger) run.cgroup = cgroups_.take();
    if (run.cgroup) {
        launch.cgroup_fd = run.cgroup->directory_fd;
        launch.cgroup_kill_fd = run.cgroup->kill_fd;
    }
    run.slot = slots_.take();
    pid_t pid = -1;
    if (run.slot) {
        run.slot->phase.store(Slot::forked, std::memory_order_relaxed);
        pid = ::fork();
        if (pid == 0) supervise(launch, *run.slot, runner_pid_);
    }
    const int error = run.slot ? errno : ENOMEM;
    ::close(ends[1]);
    close_if(input);
    if (pid < 0) {
        ::close(ends[0]);
        errno = error;
        return failed("cannot fork");
    }
    run.supervisor = pid;
    run.output_fd = ends[0];
    ::fcntl(run.output_fd, F_SETFL, O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kFirstRun + run.number;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, run.output_fd, &event);
    by_supervisor_.emplace(pid, &run);
    watched_.insert(&run);
    const std::int64_t now = mono_us();
    if (spec.timeout_us > 0) run.timeout_at_us = now + spec.timeout_us;
    if (spec.memory_bytes > 0) run.memory_check_us = now + kMemoryCheckUs;
    rearm(run);
    return true;
}

void Runner::never_started(Run& run, const std::string& why) {
    send_refused(run.key, why);
    journal_.forgotten(run.key);
    remove(std::string(run.key));
}

void Runner::announce_start(Run& run) {
    // Of one that has ended already only the end is worth a line.
    if (!run.told_started && run.slot->phase.load(std::memory_order_relaxed) == Slot::running)
        journal_.spawned(run.key, run.slot->command.load(std::memory_order_relaxed),
                         run.slot->started_mono_us);
    run.told_started = true;
    if (!client_) return;
    Writer w(FrameType::started);
    w.text(run.key);
    w.i64(run.slot->started_us);
    client_->send(w.finish());
}

void Runner::told_to_end(Run& run, KillReason reason) {
    if (run.stage != KillStage::none) return;
    if (run.grace_us <= 0) return kill_tree(run, reason);
    run.stage = KillStage::asked;
    run.reason = reason;
    run.grace_until_us = mono_us() + run.grace_us;
    ::kill(run.supervisor, SIGTERM);
    rearm(run);
}

void Runner::kill_tree(Run& run, KillReason reason) {
    if (run.stage == KillStage::killing || run.stage == KillStage::adopted) return;
    if (run.stage == KillStage::none) run.reason = reason;
    run.stage = KillStage::killing;
    run.forced = true;
    run.escalate_at_us = mono_us() + kEscalateUs;
    ::kill(run.supervisor, SIGQUIT);
    rearm(run);
}

void Runner::check_time(Run& run, std::int64_t now) {
    if (run.phase != RunPhase::running || run.supervisor == 0) return;
    const auto due = [now](std::int64_t at) { return at != 0 && now >= at; };
    if (due(run.deadline_us)) kill_tree(run, KillReason::guard);
    if (due(run.timeout_at_us)) told_to_end(run, KillReason::timeout);
    if (run.stage == KillStage::asked && due(run.grace_until_us)) kill_tree(run, run.reason);
    if (run.stage == KillStage::killing && due(run.escalate_at_us)) {
        run.escalate_at_us = 0;
        ::kill(run.supervisor, SIGKILL);
    }
    if (due(run.memory_check_us)) {
        check_memory(run);
        run.memory_check_us = now + kMemoryCheckUs;
    }
    rearm(run);
}

void Runner::check_memory(Run& run) {
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    std::uint64_t used = 0;
    for (const pid_t pid : descendants_of(run.supervisor)) {
        ProcessStat stat;
        if (read_stat(pid, stat)) used += stat.resident_pages * page;
    }
    if (used > run.memory_bytes) kill_tree(run, KillReason::memory);
}

void Runner::rearm(Run& run) {
    std::int64_t next = 0;
    const auto consider = [&](std::int64_t at) {
        if (at != 0 && (next == 0 || at < next)) next = at;
    };
    if (run.phase == RunPhase::running) {
        const bool dying = run.stage == KillStage::killing || run.stage == KillStage::adopted;
        if (!dying) consider(run.deadline_us);
        if (!dying) consider(run.memory_check_us);
        if (run.stage == KillStage::none) consider(run.timeout_at_us);
        if (run.stage == KillStage::asked) consider(run.grace_until_us);
        if (run.stage == KillStage::killing) consider(run.escalate_at_us);
    }
    if (next == run.wake_us) return;
    if (run.wake_us != 0) timers_.erase({run.wake_us, &run});
    if (next != 0) timers_.emplace(next, &run);
    run.wake_us = next;
}

bool Runner::drain(Run& run) {
    static char buffer[65536];
    while (run.output_fd >= 0) {
        const ssize_t n = ::read(run.output_fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return true;
        if (n == 0) return false;
        run.output.append(std::string_view(buffer, static_cast<std::size_t>(n)));
        // One helping a round: a run that prints without end must not starve the others.
        if (run.phase == RunPhase::running && static_cast<std::size_t>(n) == sizeof buffer)
            return true;
    }
    return true;
}

void Runner::on_output(std::uint64_t number) {
    if (const auto at = discarded_.find(number); at != discarded_.end()) {
        char buffer[4096];
        const ssize_t n = ::read(at->second, buffer, sizeof buffer);
        if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) return;
        ::close(at->second);
        discarded_.erase(at);
        return;
    }
    const auto at = by_number_.find(number);
    if (at == by_number_.end()) return;
    // At the end of file epoll would report it for ever.
    if (!drain(*at->second)) close_if(at->second->output_fd);
}

void Runner::reap_children() {
    bool strangers = false;
    for (;;) {
        int status = 0;
        const pid_t pid = ::waitpid(-1, &status, WNOHANG);
        if (pid < 0 && errno == EINTR) continue;
        if (pid <= 0) break;
        if (const auto old = lingering_.find(pid); old != lingering_.end()) {
            slots_.give_back(old->second);
            lingering_.erase(old);
            if (!WIFEXITED(status)) strangers = true;
            continue;
        }
        const auto at = by_supervisor_.find(pid);
        if (at == by_supervisor_.end()) {
            strangers = true;
            for (Run* run : orphaned_)
                if (run->slot->command.load(std::memory_order_relaxed) == pid)
                    run->slot->status = status;
            continue;
        }
        Run& run = *at->second;
        by_supervisor_.erase(at);
        const std::uint32_t phase = run.slot->phase.load(std::memory_order_acquire);
        if (phase == Slot::done || phase == Slot::lingering) {
            finish(run);
        } else if (phase == Slot::failed) {
            never_started(run, std::string("cannot fork: ") + std::strerror(run.slot->fork_errno));
        } else {
            if (run.stage != KillStage::killing) run.reason = KillReason::supervisor_lost;
            run.stage = KillStage::adopted;
            run.slot->status = SIGKILL;
            rearm(run);
            orphaned_.insert(&run);
            strangers = true;
        }
    }
    if (strangers || !orphaned_.empty()) hunt_orphans();
}

void Runner::hunt_orphans() {
    hunt_at_us_ = 0;
    for (const Run* run : orphaned_)
        if (run->cgroup) {
            run->slot->group_killed = true;
            kill_cgroup(run->cgroup->kill_fd);
        }
    std::vector<pid_t> children;
    children_of(runner_pid_, children);
    bool found = false;
    for (const pid_t pid : children) {
        if (by_supervisor_.contains(pid) || lingering_.contains(pid)) continue;
        found = true;
        ::kill(pid, SIGKILL);
    }
    if (found) {
        hunt_at_us_ = mono_us() + kHuntEveryUs;
        return;
    }
    const std::vector<Run*> dead(orphaned_.begin(), orphaned_.end());
    orphaned_.clear();
    for (Run* run : dead)
        finish(*run);
}

void Runner::finish(Run& run) {
    Slot& slot = *run.slot;
    const std::uint32_t phase = slot.phase.load(std::memory_order_acquire);
    const bool lingers = by_supervisor_.contains(run.supervisor);
    if (!run.told_started && phase != Slot::forked) announce_start(run);
    run.phase = RunPhase::ended;
    rearm(run);
    const bool open = drain(run);
    RunEnd& end = run.end;
    end.key = run.key;
    end.status = slot.status;
    end.exec_errno = slot.exec_errno;
    end.killed = run.reason;
    end.forced = run.forced;
    end.started_us = slot.started_us != 0 ? slot.started_us : run.began_us;
    end.finished_us = slot.finished_us != 0 ? slot.finished_us : wall_us();
    end.output_bytes = run.output.total();
    end.output_in_file = run.output.in_file();
    end.tail = run.output.tail(limits::kOutputTailInRecord);
    run.output.close();
    by_number_.erase(run.number);
    watched_.erase(&run);
    if (lingers) {
        // What lives on may still print; without a reader it would be killed by SIGPIPE.
        by_supervisor_.erase(run.supervisor);
        lingering_.emplace(run.supervisor, std::exchange(run.slot, nullptr));
        if (open && run.output_fd >= 0) {
            discarded_.emplace(run.number, run.output_fd);
            run.output_fd = -1;
        }
    }
    release(run);
    close_if(run.output_fd);
    journal_.ended(end);
    sync_wanted_ = true;
    if (!client_) return;
    Writer w(FrameType::ended);
    write_end(w, end);
    client_->send(w.finish());
}

void Runner::release(Run& run) {
    // Without the slot nobody knows any more.
    const bool killed = !run.slot || run.slot->group_killed;
    if (run.slot) slots_.give_back(run.slot);
    if (run.cgroup) cgroups_.give_back(run.cgroup, killed);
    run.slot = nullptr;
    run.cgroup = nullptr;
}

void Runner::remove(const std::string& key) {
    const auto at = runs_.find(key);
    if (at == runs_.end()) return;
    Run& run = *at->second;
    if (run.wake_us != 0) timers_.erase({run.wake_us, &run});
    by_number_.erase(run.number);
    by_supervisor_.erase(run.supervisor);
    watched_.erase(&run);
    orphaned_.erase(&run);
    release(run);
    close_if(run.output_fd);
    runs_.erase(at);
}

}  // namespace khronos::runner

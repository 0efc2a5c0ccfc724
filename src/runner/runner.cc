#include "runner/runner.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "runner/clocks.h"
#include "runner/kill_leftovers.h"

namespace khronos::runner {
namespace {

constexpr std::int64_t kSweepPatienceUs = 10'000'000;
constexpr std::uint64_t kJournalSlackBytes = 4u << 20;

void watch(int epoll, int fd, std::uint64_t source, std::uint32_t events = EPOLLIN) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = source;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

}  // namespace

Runner::Runner(RunnerOptions options) : options_(std::move(options)), journal_("journal") {
    runner_pid_ = ::getpid();
    ::getrlimit(RLIMIT_NOFILE, &files_);
    rlimit most = files_;
    most.rlim_cur = most.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &most);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    // The notification's descriptor has a number that supervisors know.
    const int notify = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (notify != kNotifyFd) {
        ::dup3(notify, kNotifyFd, O_CLOEXEC);
        ::close(notify);
    }
    sigset_t taken;
    sigemptyset(&taken);
    sigaddset(&taken, SIGCHLD);
    sigaddset(&taken, SIGTERM);
    sigaddset(&taken, SIGINT);
    signals_ = ::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    timer_ = ::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    null_ = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    watch(epoll_, options_.listen_fd, kListen);
    watch(epoll_, signals_, kSignals);
    watch(epoll_, timer_, kTimer);
    watch(epoll_, kNotifyFd, kNotify);
}

bool Runner::prepare() {
    std::vector<JournalRun> found;
    if (!journal_.open(found)) {
        std::fprintf(stderr, "cannot read %s/journal: %s\n", options_.directory.c_str(),
                     std::strerror(errno));
        return false;
    }
    if (options_.cgroups) {
        // The directory's own name, whatever it is called today.
        struct stat here{};
        ::stat(".", &here);
        cgroups_.open("khronos-" + std::to_string(here.st_dev) + "-" + std::to_string(here.st_ino),
                      kSweepPatienceUs);
        // Where a process born in a group is dead at once, the tree of processes has to do.
        if (Cgroup* group = cgroups_.take()) {
            const bool lives = lives_in_cgroup(group->directory_fd);
            cgroups_.give_back(group, false);
            if (!lives) cgroups_.close();
        }
    }
    if (!kill_leftovers(found, kSweepPatienceUs)) {
        std::fprintf(stderr,
                     "processes of an earlier runner could not be killed; look for "
                     "KHRONOS_EXECUTION_ID in /proc/*/environ\n");
        return false;
    }
    for (JournalRun& old : found) {
        auto run = std::make_unique<Run>(next_number_++, "output/" + old.key);
        run->key = old.key;
        run->mark = old.mark;
        run->began_us = old.began_us;
        run->phase = RunPhase::ended;
        if (!old.has_end) {
            old.end.key = old.key;
            old.end.killed = KillReason::runner_lost;
            old.end.started_us = old.command != 0 ? old.began_us : 0;
            old.end.finished_us = wall_us();
            KeptOutput kept;
            if (read_output_file("output/" + old.key, kept)) {
                old.end.output_bytes = kept.total;
                old.end.output_in_file = true;
            }
            old.has_end = true;
        }
        run->end = old.end;
        runs_.emplace(run->key, std::move(run));
    }
    if (!journal_.rewrite(found)) {
        std::fprintf(stderr, "cannot write %s/journal: %s\n", options_.directory.c_str(),
                     std::strerror(errno));
        return false;
    }
    return true;
}

int Runner::serve() {
    idle_since_us_ = mono_us();
    settle();
    while (!stop_) {
        wait_for_events();
        settle();
        const bool idle = !client_ && runs_.empty() && lingering_.empty();
        if (!idle) idle_since_us_ = mono_us();
        if (idle && mono_us() - idle_since_us_ >= options_.idle_exit_us) return 0;
    }
    journal_.flush();
    journal_.sync();
    return 0;
}

void Runner::wait_for_events() {
    epoll_event events[64];
    const bool idle = !client_ && runs_.empty() && lingering_.empty();
    const int timeout_ms = idle ? static_cast<int>(options_.idle_exit_us / 1000 / 4 + 1) : -1;
    const int n = ::epoll_wait(epoll_, events, 64, timeout_ms);
    bool signals = false;
    for (int i = 0; i < n; ++i) {
        const std::uint64_t source = events[i].data.u64;
        if (source == kListen)
            accept_client();
        else if (source == kClient)
            on_client();
        else if (source == kSignals)
            signals = true;
        else if (source == kTimer)
            on_timers();
        else if (source == kNotify)
            on_notified();
        else
            on_output(source - kFirstRun);
    }
    // Last, so that what a run printed before its end has been read.
    if (signals) on_signals();
}

void Runner::accept_client() {
    const int fd = ::accept4(options_.listen_fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != ::geteuid()) {
        ::close(fd);
        return;
    }
    // A new worker takes over: the data directory's lock lets only one live.
    drop_client();
    client_ = std::make_unique<Client>(fd);
    watch(epoll_, fd, kClient);
}

void Runner::drop_client() {
    client_.reset();
    greeted_ = false;
}

void Runner::on_client() {
    if (!client_) return;
    const bool alive = client_->fill();
    FrameType type{};
    std::string_view body;
    while (client_ && client_->frames().next(type, body))
        handle(type, body);
    if (client_ && (!alive || client_->frames().wrong())) drop_client();
    launch_pending();
}

void Runner::handle(FrameType type, std::string_view body) {
    Reader r(body);
    if (type == FrameType::hello) return on_hello(r);
    if (!greeted_) return drop_client();
    switch (type) {
        case FrameType::start:
            return on_start(r);
        case FrameType::kill:
            return on_kill(r);
        case FrameType::guard:
            return on_guard(r);
        case FrameType::forget:
            return on_forget(r);
        case FrameType::read_output:
            return on_read_output(r);
        default:
            return drop_client();
    }
}

void Runner::on_hello(Reader& r) {
    const std::uint32_t version = r.u32();
    Writer welcome(FrameType::welcome);
    welcome.u32(kProtocolVersion);
    welcome.u32(static_cast<std::uint32_t>(runner_pid_));
    client_->send(welcome.finish());
    if (!r.ok() || version != kProtocolVersion) {
        client_->flush();
        return drop_client();
    }
    greeted_ = true;
    for (const auto& [key, run] : runs_) {
        Writer w(FrameType::run);
        w.u8(static_cast<std::uint8_t>(run->phase));
        w.text(key);
        if (run->phase == RunPhase::ended) write_end(w, run->end);
        client_->send(w.finish());
    }
    client_->send(Writer(FrameType::list_end).finish());
}

void Runner::on_start(Reader& r) {
    StartRun spec = decode_start(r);
    if (!r.ok() || !valid_key(spec.key) || spec.programs.empty() || spec.argv.empty())
        return drop_client();
    if (const auto at = runs_.find(spec.key); at != runs_.end()) {
        // Said twice: the answer is the same as before.
        Run& run = *at->second;
        if (run.phase == RunPhase::ended) {
            Writer w(FrameType::ended);
            write_end(w, run.end);
            client_->send(w.finish());
        } else if (run.told_started) {
            announce_start(run);
        }
        return;
    }
    if (spec.deadline_us != 0 && mono_us() >= spec.deadline_us)
        return send_refused(spec.key, "its guard ran out before it could start");
    auto run = std::make_unique<Run>(next_number_++, "output/" + spec.key);
    run->key = spec.key;
    run->mark = spec.mark;
    run->began_us = wall_us();
    run->deadline_us = spec.deadline_us;
    run->guard_us = spec.guard_us;
    run->grace_us = spec.grace_us;
    run->linger = spec.linger;
    run->memory_bytes = spec.memory_bytes;
    journal_.began(run->key, run->mark, run->began_us);
    pending_.emplace_back(run.get(), std::move(spec));
    by_number_.emplace(run->number, run.get());
    runs_.emplace(run->key, std::move(run));
}

void Runner::on_kill(Reader& r) {
    launch_pending();
    const auto at = runs_.find(r.text());
    const auto reason = static_cast<KillReason>(r.u8());
    const bool at_once = r.u8() != 0;
    if (!r.ok()) return drop_client();
    if (at == runs_.end() || at->second->phase == RunPhase::ended) return;
    if (at_once)
        kill_tree(*at->second, reason);
    else
        told_to_end(*at->second, reason);
}

void Runner::on_guard(Reader& r) {
    launch_pending();
    const std::int64_t base = r.i64();
    // Runs whose owner has not yet said that they are still this worker's.
    std::vector<std::string> except = r.texts();
    if (!r.ok()) return drop_client();
    std::sort(except.begin(), except.end());
    const std::int64_t now = mono_us();
    for (const auto& [supervisor, run] : by_supervisor_) {
        if (run->guard_us == 0 || run->deadline_us == 0) continue;
        if (std::binary_search(except.begin(), except.end(), run->key)) continue;
        // A deadline that has passed is final, even if its timer has not run yet.
        if (now < run->deadline_us)
            run->deadline_us = std::max(run->deadline_us, base + run->guard_us);
        check_time(*run, now);
    }
}

void Runner::on_forget(Reader& r) {
    const std::string key = r.text();
    if (!r.ok()) return drop_client();
    const auto at = runs_.find(key);
    if (at == runs_.end() || at->second->phase != RunPhase::ended) return;
    journal_.forgotten(key);
    remove(key);
}

void Runner::on_read_output(Reader& r) {
    const std::string key = r.text();
    if (!r.ok()) return drop_client();
    KeptOutput kept;
    bool known = false;
    if (const auto at = runs_.find(key); at != runs_.end()) {
        Run& run = *at->second;
        known = true;
        if (run.phase == RunPhase::running) {
            drain(run);
            kept = run.output.kept();
        } else if (!run.end.output_in_file || !read_output_file("output/" + key, kept)) {
            kept = {run.end.tail, "", run.end.output_bytes};
        }
    }
    Writer w(FrameType::output);
    w.text(key);
    w.u8(known);
    w.u64(kept.total);
    w.text(kept.head);
    w.text(kept.tail);
    client_->send(w.finish());
}

void Runner::on_signals() {
    signalfd_siginfo info[16];
    for (;;) {
        const ssize_t n = ::read(signals_, info, sizeof info);
        if (n <= 0) break;
        for (std::size_t i = 0; i < static_cast<std::size_t>(n) / sizeof info[0]; ++i)
            if (info[i].ssi_signo != SIGCHLD) stop_ = true;
    }
    reap_children();
}

void Runner::on_notified() {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t n = ::read(kNotifyFd, &count, sizeof count);
    std::vector<Run*> lingering;
    std::erase_if(watched_, [&](Run* run) {
        const std::uint32_t phase = run->slot->phase.load(std::memory_order_acquire);
        if (phase == Slot::running && !run->told_started) announce_start(*run);
        if (phase == Slot::lingering) lingering.push_back(run);
        return phase >= Slot::lingering || (phase == Slot::running && !run->linger);
    });
    for (Run* run : lingering)
        finish(*run);
}

void Runner::on_timers() {
    std::uint64_t expirations = 0;
    [[maybe_unused]] const ssize_t n = ::read(timer_, &expirations, sizeof expirations);
    timer_set_us_ = 0;
    const std::int64_t now = mono_us();
    while (!timers_.empty() && timers_.begin()->first <= now) {
        Run& run = *timers_.begin()->second;
        timers_.erase(timers_.begin());
        run.wake_us = 0;
        check_time(run, now);
    }
    if (hunt_at_us_ != 0 && now >= hunt_at_us_) hunt_orphans();
}

void Runner::settle() {
    if (!journal_.flush())
        std::fprintf(stderr, "cannot write %s/journal: %s\n", options_.directory.c_str(),
                     std::strerror(errno));
    // While a worker listens, it makes the ends durable itself.
    if (sync_wanted_ && !client_) journal_.sync();
    sync_wanted_ = false;
    compact_journal();
    if (client_) {
        const bool wanted = client_->wants_to_write();
        if (!client_->flush()) {
            drop_client();
        } else if (wanted) {
            epoll_event event{};
            event.events = EPOLLIN | (client_->wants_to_write() ? EPOLLOUT : 0u);
            event.data.u64 = kClient;
            if (client_->wants_to_write() || client_blocked_)
                ::epoll_ctl(epoll_, EPOLL_CTL_MOD, client_->fd(), &event);
            client_blocked_ = client_->wants_to_write();
        }
    }
    std::int64_t next = timers_.empty() ? 0 : timers_.begin()->first;
    if (hunt_at_us_ != 0 && (next == 0 || hunt_at_us_ < next)) next = hunt_at_us_;
    // An early wake-up does no harm, so only an earlier time is told to the kernel.
    if (next != 0 && (timer_set_us_ == 0 || next < timer_set_us_)) {
        itimerspec at{};
        at.it_value.tv_sec = next / 1000000;
        at.it_value.tv_nsec = next % 1000000 * 1000;
        if (next <= 0) at.it_value.tv_nsec = 1;
        ::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &at, nullptr);
        timer_set_us_ = next;
    }
}

void Runner::compact_journal() {
    if (journal_.size() < kJournalSlackBytes) return;
    const std::vector<JournalRun> view = journal_view();
    std::uint64_t live = 0;
    for (const JournalRun& run : view)
        live += 512 + run.end.tail.size();
    if (journal_.size() < kJournalSlackBytes + 4 * live) return;
    if (!journal_.rewrite(view))
        std::fprintf(stderr, "cannot rewrite %s/journal: %s\n", options_.directory.c_str(),
                     std::strerror(errno));
}

std::vector<JournalRun> Runner::journal_view() const {
    std::vector<JournalRun> view;
    for (const auto& [key, run] : runs_) {
        JournalRun j;
        j.key = key;
        j.mark = run->mark;
        j.began_us = run->began_us;
        if (run->phase == RunPhase::ended) {
            j.has_end = true;
            j.end = run->end;
        } else if (run->slot && run->told_started) {
            j.command = run->slot->command.load(std::memory_order_relaxed);
            j.command_started_us = run->slot->started_mono_us;
        }
        view.push_back(std::move(j));
    }
    return view;
}

void Runner::send_refused(const std::string& key, const std::string& why) {
    if (!client_) return;
    Writer w(FrameType::refused);
    w.text(key);
    w.text(why);
    client_->send(w.finish());
}

}  // namespace khronos::runner

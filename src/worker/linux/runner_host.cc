#include "worker/linux/runner_host.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/attempt/attempt_key.h"
#include "runner/output_file.h"

namespace khronos::worker {
namespace {

constexpr int kAlreadyRunning = 3;
constexpr std::string_view kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string key_of(const core::AttemptId& id) {
    return core::attempt::attempt_key(id);
}

runner::KillReason wire_reason(KilledBy why) {
    switch (why) {
        case KilledBy::nobody:
            return runner::KillReason::none;
        case KilledBy::timeout:
            return runner::KillReason::timeout;
        case KilledBy::cancel:
            return runner::KillReason::cancel;
        case KilledBy::guard:
            return runner::KillReason::guard;
        case KilledBy::memory:
            return runner::KillReason::memory;
        case KilledBy::supervisor:
            return runner::KillReason::supervisor_lost;
        case KilledBy::host:
            return runner::KillReason::runner_lost;
    }
    return runner::KillReason::none;
}

KilledBy killed_by(runner::KillReason reason) {
    switch (reason) {
        case runner::KillReason::none:
            return KilledBy::nobody;
        case runner::KillReason::timeout:
            return KilledBy::timeout;
        case runner::KillReason::cancel:
            return KilledBy::cancel;
        case runner::KillReason::guard:
            return KilledBy::guard;
        case runner::KillReason::memory:
            return KilledBy::memory;
        case runner::KillReason::supervisor_lost:
            return KilledBy::supervisor;
        case runner::KillReason::runner_lost:
            return KilledBy::host;
    }
    return KilledBy::nobody;
}

ProcessEnd process_end(runner::RunEnd end) {
    ProcessEnd p;
    if (WIFSIGNALED(end.status)) p.signal = WTERMSIG(end.status);
    if (WIFEXITED(end.status)) p.exit_code = WEXITSTATUS(end.status);
    p.exec_error = end.exec_errno;
    p.killed_by = killed_by(end.killed);
    p.forced = end.forced;
    if (end.started_us != 0) p.started_at = WallTime{end.started_us};
    p.finished_at = WallTime{end.finished_us};
    p.output_bytes = end.output_bytes;
    p.output_tail = std::move(end.tail);
    return p;
}

bool is_directory(const std::string& path) {
    struct stat info{};
    return !path.empty() && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

std::expected<void, Error> RunnerHostConfig::validate() const {
    if (::access(program.c_str(), X_OK) != 0)
        return std::unexpected(invalid("runner", fmt::format("{} is not a program", program)));
    if (directory.empty())
        return std::unexpected(invalid("data-dir", "the runner needs a directory"));
    return {};
}

RunnerHost::RunnerHost(RunnerHostConfig config, runtime::Loop& loop)
    : config_(std::move(config)), loop_(loop), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

RunnerHost::~RunnerHost() {
    stop([] {});
    alive_->store(false);
    ::close(wake_);
}

void RunnerHost::log(const std::string& line) const {
    if (config_.log) config_.log(line);
}

// ---- on the loop

void RunnerHost::start() {
    if (auto own = resolve_user("")) own_ = std::move(*own);
    thread_ = std::thread([this] { serve(); });
}

void RunnerHost::stop(std::move_only_function<void()> done) {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_, &one, sizeof one);
    if (thread_.joinable()) thread_.join();
    loop_.post(std::move(done));
}

void RunnerHost::enqueue(std::string frame) {
    bool was_empty = false;
    {
        const std::lock_guard lock(mutex_);
        if (open_connection_ != connection_) return;
        was_empty = outbox_.empty();
        outbox_ += frame;
    }
    if (!was_empty) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_, &one, sizeof one);
}

std::expected<runner::StartRun, std::string> RunnerHost::prepare(ProcessSpec& spec) const {
    RunUser user = own_;
    if (!spec.run_as.empty()) {
        auto found = resolve_user(spec.run_as);
        if (!found) return std::unexpected(found.error());
        user = std::move(*found);
        if (!config_.allowed_users.empty() &&
            std::ranges::find(config_.allowed_users, user.name) == config_.allowed_users.end())
            return std::unexpected(
                fmt::format("run_as: this worker does not run jobs as '{}'", user.name));
    }
    runner::StartRun start;
    start.key = key_of(spec.id);
    // A later entry of the same name wins; our own come last (shell_run.cc).
    std::map<std::string, std::string, std::less<>> env{
        {"PATH", std::string(kPath)},
        {"HOME", user.home.empty() ? "/" : user.home},
        {"USER", user.name},
        {"LOGNAME", user.name},
        {"SHELL", user.shell.empty() ? "/bin/sh" : user.shell},
        {"LANG", "C.UTF-8"}};
    for (auto& [name, value] : spec.env)
        env[name] = std::move(value);
    for (const auto& [name, value] : env)
        start.env.push_back(fmt::format("{}={}", name, value));
    start.mark = fmt::format("KHRONOS_EXECUTION_ID={}\nKHRONOS_TOKEN={}",
                             env["KHRONOS_EXECUTION_ID"], env["KHRONOS_TOKEN"]);
    start.cwd = !spec.cwd.empty() ? spec.cwd : is_directory(user.home) ? user.home : "/";
    const std::string& name = spec.argv.front();
    if (name.find('/') != name.npos) {
        start.programs.push_back(name);
    } else {
        std::string_view path = env["PATH"];
        while (!path.empty()) {
            const std::size_t colon = std::min(path.find(':'), path.size());
            const std::string_view part = path.substr(0, colon);
            // An empty part means the present directory; a job that wants it says so.
            if (!part.empty()) start.programs.push_back(fmt::format("{}/{}", part, name));
            path.remove_prefix(std::min(colon + 1, path.size()));
        }
        if (start.programs.empty()) start.programs.push_back("/nonexistent/" + name);
    }
    start.argv = std::move(spec.argv);
    start.switch_user = user.switched;
    start.uid = user.uid;
    start.gid = user.gid;
    start.groups = std::move(user.groups);
    start.timeout_us = spec.timeout.count();
    start.grace_us = spec.kill_grace.count();
    start.guard_us = spec.guard.count();
    start.deadline_us = spec.deadline.us;
    start.memory_bytes = spec.memory_bytes;
    start.linger = spec.linger;
    start.has_stdin = spec.has_input;
    start.stdin_bytes = std::move(spec.input);
    return start;
}

void RunnerHost::run(ProcessSpec spec) {
    const core::AttemptId id = spec.id;
    std::string why;
    if (!up_) {
        why = "the runner is not there";
    } else if (auto start = prepare(spec)) {
        return enqueue(encode(*start));
    } else {
        why = std::move(start.error());
    }
    std::vector<Event> events;
    events.push_back([id, why = std::move(why)](RunnerHost& host) mutable {
        if (host.handler_.on_refused) host.handler_.on_refused(id, std::move(why));
    });
    deliver(std::move(events));
}

void RunnerHost::kill(const core::AttemptId& id, KilledBy why, bool at_once) {
    kills_[id] = {why, at_once};
    if (!up_) return;  // said once the runner is back
    runner::Writer w(runner::FrameType::kill);
    w.text(key_of(id));
    w.u8(static_cast<std::uint8_t>(wire_reason(why)));
    w.u8(at_once);
    enqueue(w.finish());
}

void RunnerHost::extend_guards(MonoTime base, const std::vector<core::AttemptId>& except) {
    if (!up_) return;
    runner::Writer w(runner::FrameType::guard);
    w.i64(base.us);
    std::vector<std::string> keys;
    for (const core::AttemptId& id : except)
        keys.push_back(key_of(id));
    w.texts(keys);
    enqueue(w.finish());
}

void RunnerHost::forget(const core::AttemptId& id) {
    kills_.erase(id);
    if (!up_) return;  // it is listed again later, and forgotten then
    runner::Writer w(runner::FrameType::forget);
    w.text(key_of(id));
    enqueue(w.finish());
}

void RunnerHost::read_output(const core::AttemptId& id, OutputDone done) {
    const std::string key = key_of(id);
    if (!up_) {
        loop_.post([done = std::move(done)]() mutable {
            done(std::unexpected(Error{ErrorKind::unavailable, "", "the runner is not there"}));
        });
        return;
    }
    readers_[key].push_back(std::move(done));
    runner::Writer w(runner::FrameType::read_output);
    w.text(key);
    enqueue(w.finish());
}

void RunnerHost::deliver(std::vector<Event> events) {
    if (events.empty()) return;
    loop_.post([this, alive = alive_, events = std::move(events)]() mutable {
        for (Event& event : events) {
            if (!alive->load()) return;
            event(*this);
        }
    });
}

// ---- on the thread

bool RunnerHost::wait_a_little(int ms) {
    pollfd wait{wake_, POLLIN, 0};
    ::poll(&wait, 1, ms);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t n = ::read(wake_, &count, sizeof count);
    const std::lock_guard lock(mutex_);
    return stop_;
}

int RunnerHost::connect() {
    const int directory = ::open(config_.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return -1;
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // By way of the descriptor: the directory's name may be longer than an address allows.
    fmt::format_to_n(address.sun_path, sizeof address.sun_path - 1, "/proc/self/fd/{}/socket",
                     directory);
    const bool ok =
        fd >= 0 && ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool trusted = ok && ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
                         (peer.uid == ::geteuid() || peer.uid == 0);
    ::close(directory);
    if (trusted) {
        ::fcntl(fd, F_SETFL, O_NONBLOCK);
        return fd;
    }
    if (fd >= 0) ::close(fd);
    return -1;
}

bool RunnerHost::start_runner() {
    ::mkdir(config_.directory.c_str(), 0700);
    const std::string log_file = config_.directory + "/log";
    const std::string idle = std::to_string(config_.idle_exit / std::chrono::milliseconds(1));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                     0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<std::string> words{config_.program, "--dir", config_.directory, "--idle-exit-ms",
                                   idle};
    if (!config_.cgroups) words.emplace_back("--no-cgroups");
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    std::string path = fmt::format("PATH={}", kPath);
    char* env[] = {path.data(), nullptr};
    pid_t pid = 0;
    const int error =
        ::posix_spawn(&pid, config_.program.c_str(), &actions, &attributes, argv.data(), env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        log(fmt::format("cannot start {}: {}", config_.program, std::strerror(error)));
        return false;
    }
    // It goes into the background itself and this process of it ends when it can be spoken to.
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code != 0 && code != kAlreadyRunning)
        log(fmt::format("the runner did not start; {} says why", log_file));
    return code == 0;
}

void RunnerHost::serve() {
    find_old_outputs();
    int delay_ms = 10;
    for (;;) {
        int fd = connect();
        if (fd < 0 && start_runner()) fd = connect();
        if (fd >= 0) {
            const bool stopped = talk(fd);
            ::close(fd);
            // One that hangs up before it has told its list will do so again.
            if (list_complete_) delay_ms = 10;
            runner_pid_.store(0);
            if (stopped) return;
            std::vector<Event> events;
            events.push_back([](RunnerHost& host) {
                if (!std::exchange(host.up_, false)) return;
                for (auto& [key, readers] : std::exchange(host.readers_, {}))
                    for (OutputDone& done : readers)
                        done(std::unexpected(
                            Error{ErrorKind::unavailable, "", "the runner went away"}));
                if (host.handler_.on_gone) host.handler_.on_gone();
            });
            deliver(std::move(events));
            log("the connection to the runner broke");
        }
        if (wait_a_little(delay_ms)) return;
        delay_ms = std::min(delay_ms * 2, 1000);
    }
}

bool RunnerHost::talk(int fd) {
    runner::FrameCutter in;
    runner::Writer hello(runner::FrameType::hello);
    hello.u32(runner::kProtocolVersion);
    std::string out = hello.finish();
    listed_.clear();
    list_complete_ = false;
    {
        const std::lock_guard lock(mutex_);
        ++open_connection_;
        outbox_.clear();
    }
    std::vector<char> buffer(1 << 18);
    for (;;) {
        while (!out.empty()) {
            const ssize_t n = ::send(fd, out.data(), out.size(), MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno != EAGAIN) return false;
            if (n <= 0) break;
            out.erase(0, static_cast<std::size_t>(n));
        }
        pollfd wait[2] = {{fd, static_cast<short>(POLLIN | (out.empty() ? 0 : POLLOUT)), 0},
                          {wake_, POLLIN, 0}};
        if (::poll(wait, 2, -1) < 0 && errno != EINTR) return false;
        if (wait[1].revents != 0) {
            std::uint64_t count = 0;
            [[maybe_unused]] const ssize_t n = ::read(wake_, &count, sizeof count);
            const std::lock_guard lock(mutex_);
            out += std::exchange(outbox_, {});
            if (stop_) {
                if (!out.empty()) {
                    [[maybe_unused]] const ssize_t sent =
                        ::send(fd, out.data(), out.size(), MSG_NOSIGNAL);
                }
                return true;
            }
        }
        if (wait[0].revents == 0) continue;
        const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return false;
        if (n < 0) continue;
        in.feed(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
        std::vector<Event> events;
        runner::FrameType type{};
        std::string_view body;
        while (in.next(type, body))
            on_frame(type, body, events);
        if (in.wrong()) return false;
        deliver(std::move(events));
    }
}

void RunnerHost::on_frame(runner::FrameType type, std::string_view body,
                          std::vector<Event>& events) {
    using runner::FrameType;
    runner::Reader r(body);
    const auto ended = [&](runner::RunEnd end, auto&& take) {
        const auto id = core::attempt::attempt_from_key(end.key);
        if (!id) return;
        if (end.output_in_file) note_output(end.key);
        take(*id, process_end(std::move(end)));
    };
    switch (type) {
        case FrameType::welcome: {
            const std::uint32_t version = r.u32();
            runner_pid_.store(static_cast<int>(r.u32()));
            if (version != runner::kProtocolVersion)
                log(fmt::format(
                    "the runner in {} speaks version {}, this worker {}; it ends with its last run",
                    config_.directory, version, runner::kProtocolVersion));
            break;
        }
        case FrameType::run: {
            const auto phase = static_cast<runner::RunPhase>(r.u8());
            const std::string key = r.text();
            if (phase == runner::RunPhase::ended) {
                ended(runner::read_end(r), [&](const core::AttemptId& id, ProcessEnd end) {
                    listed_.push_back({id, true, std::move(end)});
                });
            } else if (const auto id = core::attempt::attempt_from_key(key)) {
                listed_.push_back({*id, false, {}});
            }
            break;
        }
        case FrameType::list_end:
            list_complete_ = true;
            events.push_back([list = std::exchange(listed_, {}),
                              connection = open_connection_](RunnerHost& host) mutable {
                host.up_ = true;
                host.connection_ = connection;
                for (const KnownProcess& run : list) {
                    const auto at = host.kills_.find(run.id);
                    if (at != host.kills_.end() && !run.ended)
                        host.kill(run.id, at->second.first, at->second.second);
                }
                if (host.handler_.on_ready) host.handler_.on_ready(std::move(list));
            });
            break;
        case FrameType::started: {
            const auto id = core::attempt::attempt_from_key(r.text());
            const WallTime at{r.i64()};
            if (!id) break;
            events.push_back([id = *id, at](RunnerHost& host) {
                if (host.handler_.on_started) host.handler_.on_started(id, at);
            });
            break;
        }
        case FrameType::refused: {
            const auto id = core::attempt::attempt_from_key(r.text());
            std::string why = r.text();
            if (!id) break;
            events.push_back([id = *id, why = std::move(why)](RunnerHost& host) mutable {
                host.kills_.erase(id);
                if (host.handler_.on_refused) host.handler_.on_refused(id, std::move(why));
            });
            break;
        }
        case FrameType::ended:
            ended(runner::read_end(r), [&](const core::AttemptId& id, ProcessEnd end) {
                events.push_back([id, end = std::move(end)](RunnerHost& host) mutable {
                    host.kills_.erase(id);
                    if (host.handler_.on_ended) host.handler_.on_ended(id, std::move(end));
                });
            });
            break;
        case FrameType::output: {
            const std::string key = r.text();
            const bool known = r.u8() != 0;
            runner::KeptOutput kept;
            kept.total = r.u64();
            kept.head = r.text();
            kept.tail = r.text();
            const bool found =
                known || runner::read_output_file(config_.directory + "/output/" + key, kept);
            events.push_back([key, found, kept = std::move(kept)](RunnerHost& host) mutable {
                const auto at = host.readers_.find(key);
                if (at == host.readers_.end()) return;
                std::vector<OutputDone> readers = std::move(at->second);
                host.readers_.erase(at);
                for (OutputDone& done : readers) {
                    if (found)
                        done(Output{kept.head, kept.tail, kept.total});
                    else
                        done(std::unexpected(
                            Error{ErrorKind::not_found, "", "this output is not kept any more"}));
                }
            });
            break;
        }
        default:
            break;  // of a newer runner
    }
}

void RunnerHost::note_output(const std::string& key) {
    if (std::ranges::find(output_files_, key) != output_files_.end()) return;
    output_files_.push_back(key);
    while (output_files_.size() > config_.outputs_kept) {
        ::unlink((config_.directory + "/output/" + output_files_.front()).c_str());
        output_files_.pop_front();
    }
}

void RunnerHost::find_old_outputs() {
    std::error_code error;
    std::vector<std::pair<std::filesystem::file_time_type, std::string>> found;
    for (const auto& entry :
         std::filesystem::directory_iterator(config_.directory + "/output", error)) {
        const auto time = entry.last_write_time(error);
        if (!error) found.emplace_back(time, entry.path().filename().string());
    }
    std::ranges::sort(found);
    for (auto& [time, key] : found)
        note_output(key);
}

}  // namespace khronos::worker

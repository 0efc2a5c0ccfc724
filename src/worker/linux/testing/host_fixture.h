// A runner of its own in a directory of its own, and what it reported.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "core/attempt/attempt_key.h"
#include "runner/proc_tree.h"
#include "runtime/manual_loop.h"
#include "worker/linux/runner_host.h"

namespace khronos::worker {

class TempDir {
  public:
    TempDir() {
        char name[] = "/tmp/khronos-test-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~TempDir() { std::filesystem::remove_all(path_); }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

inline std::string contents(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
}

// Waits until a process is gone, without its being a child.
inline void wait_for_death(pid_t pid) {
    const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (fd < 0) return;
    pollfd wait{fd, POLLIN, 0};
    ::poll(&wait, 1, -1);
    ::close(fd);
}

inline bool is_alive(pid_t pid) {
    runner::ProcessStat stat;
    return runner::read_stat(pid, stat) && stat.state != 'Z' && stat.state != 'X';
}

// A named pipe by which a job says how far it is: nothing has to sleep.
class Signpost {
  public:
    explicit Signpost(std::string path) : path_(std::move(path)) { ::mkfifo(path_.c_str(), 0666); }
    const std::string& path() const { return path_; }
    // Blocks until somebody has written a line; returns all that was written.
    std::string read() const { return contents(path_); }

  private:
    std::string path_;
};

inline core::AttemptId attempt_number(std::uint32_t n) {
    core::AttemptId id;
    id.execution.uid = JobUid{7};
    id.execution.trigger.at = WallTime::from_seconds(1704067200);
    id.attempt = AttemptNo{n};
    return id;
}

inline std::string mark_of(const core::AttemptId& id) {
    return "KHRONOS_EXECUTION_ID=" + to_text(id.execution) +
           "\nKHRONOS_TOKEN=" + std::to_string(id.attempt.value);
}

inline ProcessSpec process(core::AttemptId id, std::vector<std::string> argv) {
    ProcessSpec spec;
    spec.id = id;
    spec.argv = std::move(argv);
    spec.env = {{"KHRONOS_EXECUTION_ID", to_text(id.execution)},
                {"KHRONOS_TOKEN", std::to_string(id.attempt.value)}};
    spec.cwd = "/";
    spec.kill_grace = std::chrono::seconds(10);
    return spec;
}

inline ProcessSpec shell(core::AttemptId id, std::string script) {
    return process(id, {"/bin/sh", "-c", std::move(script)});
}

struct HostUnderTest {
    explicit HostUnderTest(std::string directory, bool cgroups = true)
        : host(config(std::move(directory), cgroups), loop) {
        ProcessHost::Handler h;
        h.on_ready = [this](std::vector<KnownProcess> runs) {
            ++ready;
            listed = std::move(runs);
        };
        h.on_gone = [this] { ++gone; };
        h.on_started = [this](const core::AttemptId& id, WallTime) { started[id] = true; };
        h.on_refused = [this](const core::AttemptId& id, std::string why) {
            refused[id] = std::move(why);
        };
        h.on_ended = [this](const core::AttemptId& id, ProcessEnd end) {
            ended[id] = std::move(end);
        };
        host.set_handler(std::move(h));
        host.start();
        wait([this] { return ready > 0; });
    }
    static RunnerHostConfig config(std::string directory, bool cgroups = true) {
        RunnerHostConfig c;
        c.program = KHRONOS_RUNNER;
        c.directory = std::move(directory);
        c.idle_exit = std::chrono::milliseconds(500);
        c.cgroups = cgroups;
        return c;
    }
    template <class Predicate>
    void wait(Predicate done) {
        loop.run_until(done);
    }
    ProcessEnd end_of(const core::AttemptId& id) {
        wait([&] { return ended.contains(id); });
        return ended[id];
    }
    ProcessEnd run(ProcessSpec spec) {
        const core::AttemptId id = spec.id;
        host.run(std::move(spec));
        return end_of(id);
    }
    std::expected<Output, Error> output(const core::AttemptId& id) {
        std::optional<std::expected<Output, Error>> answer;
        host.read_output(id, [&](std::expected<Output, Error> o) { answer = std::move(o); });
        wait([&] { return answer.has_value(); });
        return *answer;
    }

    runtime::ManualLoop loop;
    RunnerHost host;
    int ready = 0;
    int gone = 0;
    std::vector<KnownProcess> listed;
    std::map<core::AttemptId, bool> started;
    std::map<core::AttemptId, std::string> refused;
    std::map<core::AttemptId, ProcessEnd> ended;
};

// With control groups (where there are any) and without.
class WithRunner : public testing::TestWithParam<bool> {
  protected:
    void SetUp() override { ::alarm(240); }  // a test that waits for ever is stopped
    void TearDown() override {
        int pid = 0;
        if (host) pid = host->host.runner_pid();
        host.reset();
        if (pid != 0) {
            ::kill(pid, SIGTERM);
            wait_for_death(pid);
        }
        ::alarm(0);
    }
    void start_host() { host = std::make_unique<HostUnderTest>(dir / "runner", GetParam()); }

    TempDir dir;
    std::unique_ptr<HostUnderTest> host;
};

}  // namespace khronos::worker

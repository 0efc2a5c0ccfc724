// Processes by way of the runner (src/runner): finds the data directory's runner or starts one,
// and speaks its protocol from a thread of its own.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "runner/protocol.h"
#include "runtime/loop.h"
#include "worker/linux/run_user.h"
#include "worker/process_host.h"

namespace khronos::worker {

struct RunnerHostConfig {
    std::string program;    // of the runner, `…/khronos-runner`
    std::string directory;  // `<data-dir>/runner`; made when it is not there
    Duration idle_exit = std::chrono::seconds(10);  // a runner without work and worker ends
    std::size_t outputs_kept = 2000;                // files, of ended runs
    std::vector<std::string> allowed_users;         // empty: any
    bool cgroups = true;                            // use control groups where there are any
    std::function<void(std::string)> log;           // a line for the operator; from any thread

    std::expected<void, Error> validate() const;
};

class RunnerHost final : public ProcessHost {
  public:
    RunnerHost(RunnerHostConfig config, runtime::Loop& loop);
    ~RunnerHost() override;
    RunnerHost(const RunnerHost&) = delete;
    RunnerHost& operator=(const RunnerHost&) = delete;

    void set_handler(Handler handler) override { handler_ = std::move(handler); }
    void start() override;
    void stop(std::move_only_function<void()> done) override;
    void run(ProcessSpec spec) override;
    void kill(const core::AttemptId& id, KilledBy why, bool at_once) override;
    void extend_guards(MonoTime base, const std::vector<core::AttemptId>& except) override;
    void forget(const core::AttemptId& id) override;
    void read_output(const core::AttemptId& id, OutputDone done) override;

    // The runner's process id while connected, else 0.
    int runner_pid() const { return runner_pid_.load(); }

  private:
    using Event = std::move_only_function<void(RunnerHost&)>;  // run on the loop

    // On the loop.
    std::expected<runner::StartRun, std::string> prepare(ProcessSpec& spec) const;
    void enqueue(std::string frame);
    void deliver(std::vector<Event> events);

    // On the thread.
    void serve();
    int connect();
    bool start_runner();
    bool talk(int fd);  // until the connection ends; true: stop was asked for
    void on_frame(runner::FrameType type, std::string_view body, std::vector<Event>& events);
    void note_output(const std::string& key);
    void find_old_outputs();
    void log(const std::string& line) const;
    bool wait_a_little(int ms);  // true: stop was asked for

    const RunnerHostConfig config_;
    runtime::Loop& loop_;
    Handler handler_;

    // The loop's.
    RunUser own_;
    bool up_ = false;
    std::uint64_t connection_ = 0;  // the one whose list was delivered last
    std::map<core::AttemptId, std::pair<KilledBy, bool>> kills_;  // asked for, not ended
    std::map<std::string, std::vector<OutputDone>> readers_;

    // The thread's.
    std::vector<KnownProcess> listed_;
    bool list_complete_ = false;
    std::deque<std::string> output_files_;

    // Shared.
    std::mutex mutex_;
    std::string outbox_;
    // A message meant for an earlier connection must not be sent on this one: the new list has
    // already said that its run was never started.
    std::uint64_t open_connection_ = 0;
    bool stop_ = false;
    int wake_ = -1;
    std::atomic<int> runner_pid_{0};
    std::thread thread_;
    std::shared_ptr<std::atomic<bool>> alive_ = std::make_shared<std::atomic<bool>>(true);
};

}  // namespace khronos::worker

// Executions a second through a whole worker (protocol, notes on disk, runner, supervisor,
// process), against the bare loop that only spawns the same program and waits for it.
#include <benchmark/benchmark.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "runtime/manual_loop.h"
#include "wire/inproc_link.h"
#include "worker/linux/file_journal.h"
#include "worker/linux/runner_host.h"
#include "worker/noop.h"
#include "worker/worker.h"

namespace khronos::worker {
namespace {

class Bench {
  public:
    explicit Bench(std::string directory)
        : directory_(std::move(directory)),
          host_(
              {KHRONOS_RUNNER, directory_ + "/runner", std::chrono::seconds(1), 2000, {}, true, {}},
              loop_),
          journal_({directory_ + "/attempts", "boot"}, loop_),
          noop_(loop_),
          link_(loop_, loop_) {
        WorkerConfig config;
        config.id = "w";
        config.boot_id = "b";
        config.slots = 1000;
        wire::AgentEnd::Handler agent;
        agent.on_message = [this](const core::WorkerId&, core::FromWorker m) { hear(m); };
        link_.agent().set_handler(std::move(agent));
        worker_ = std::make_unique<Worker>(std::move(config), loop_, host_, journal_,
                                           std::map<std::string, Executor*>{{"noop", &noop_}},
                                           std::vector<wire::WorkerEnd*>{&link_.worker()});
        if (!worker_->start()) std::abort();
        link_.connect();
        loop_.run_until([this] { return ready_; });
    }
    ~Bench() {
        const int pid = host_.runner_pid();
        worker_.reset();
        if (pid != 0) ::kill(pid, SIGTERM);
    }

    // Runs `total` attempts, at most `open` at a time.
    void run(const std::string& executor, std::uint32_t total, std::uint32_t open) {
        executor_ = executor;
        done_ = 0;
        to_offer_ = total;
        for (std::uint32_t i = 0; i < std::min(open, total); ++i)
            offer();
        loop_.run_until([&] { return done_ == total; });
    }

  private:
    void offer() {
        if (to_offer_ == 0) return;
        --to_offer_;
        core::RunSpec spec;
        spec.id.execution.uid = JobUid{++count_};
        spec.id.execution.trigger.at = WallTime::from_seconds(1704067200);
        spec.id.attempt = AttemptNo{1};
        spec.job_name = "job";
        spec.executor = executor_;
        spec.executor_config["command"] = "/bin/true";
        link_.agent().send("w", core::Offer{std::move(spec)});
    }
    void hear(const core::FromWorker& m) {
        if (std::holds_alternative<core::Hello>(m)) ready_ = true;
        if (const auto* a = std::get_if<core::Accepted>(&m))
            link_.agent().send("w", core::Start{a->id, FenceToken{1}});
        if (const auto* f = std::get_if<core::Finished>(&m)) {
            if (f->result.outcome != core::ExecutionState::succeeded) std::abort();
            link_.agent().send("w", core::Acknowledge{f->id});
            ++done_;
            offer();
        }
    }

    const std::string directory_;
    runtime::ManualLoop loop_;
    RunnerHost host_;
    FileJournal journal_;
    Noop noop_;
    wire::InprocLink link_;
    std::unique_ptr<Worker> worker_;
    bool ready_ = false;
    std::string executor_;
    std::uint32_t to_offer_ = 0;
    std::uint32_t done_ = 0;
    std::uint64_t count_ = 0;
};

std::string temp_directory() {
    char name[] = "/tmp/khronos-bench-XXXXXX";
    return ::mkdtemp(name);
}

void worker_runs(benchmark::State& state, const std::string& executor) {
    const std::string directory = temp_directory();
    {
        Bench bench(directory);
        const auto open = static_cast<std::uint32_t>(state.range(0));
        constexpr std::uint32_t kRuns = 2000;
        for (auto _ : state)
            bench.run(executor, kRuns, open);
        state.SetItemsProcessed(state.iterations() * kRuns);
    }
    std::filesystem::remove_all(directory);
}

void ShellRuns(benchmark::State& state) {
    worker_runs(state, "shell");
}
void NoopRuns(benchmark::State& state) {
    worker_runs(state, "noop");
}

void BareSpawnLoop(benchmark::State& state) {
    char program[] = "/bin/true";
    char* argv[] = {program, nullptr};
    char* env[] = {nullptr};
    for (auto _ : state) {
        pid_t pid = 0;
        if (::posix_spawn(&pid, program, nullptr, nullptr, argv, env) != 0) std::abort();
        ::waitpid(pid, nullptr, 0);
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BareSpawnLoop)->UseRealTime();
BENCHMARK(ShellRuns)->Arg(1)->Arg(8)->Arg(64)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(NoopRuns)->Arg(1)->Arg(64)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace khronos::worker

#include "worker/linux/testing/worker_fixture.h"

namespace khronos::worker {
namespace {

using core::ExecutionState;

class WholeWorker : public testing::Test {
  protected:
    void SetUp() override {
        ::alarm(240);
        start();
    }
    void TearDown() override {
        const int pid = worker ? worker->host.runner_pid() : 0;
        worker.reset();
        if (pid != 0) {
            ::kill(pid, SIGTERM);
            wait_for_death(pid);
        }
        ::alarm(0);
    }
    void start() { worker = std::make_unique<WorkerUnderTest>(dir); }

    TempDir dir;
    std::unique_ptr<WorkerUnderTest> worker;
};

TEST_F(WholeWorker, RunsAJobFromOfferToAcknowledge) {
    const auto id = attempt_number(1);
    const core::RunResult r =
        worker->run(script(id, "echo hello $KHRONOS_JOB_NAME $KHRONOS_TOKEN; exit 3"));
    EXPECT_EQ(r.outcome, ExecutionState::failed);
    EXPECT_EQ(r.exit_code, 3);
    EXPECT_EQ(r.message, "exit status 3");
    EXPECT_EQ(r.output_tail, "hello job 101\n");
    EXPECT_TRUE(r.started_at.is_set());
    EXPECT_TRUE(worker->started.contains(id));
    worker->wait([&] { return worker->worker->stats().held == 0; });
    EXPECT_EQ(worker->run(script(attempt_number(2), "true")).outcome, ExecutionState::succeeded);
    EXPECT_EQ(worker->worker->stats().counts.succeeded, 1u);
    EXPECT_EQ(worker->worker->stats().counts.failed, 1u);
}

TEST_F(WholeWorker, SaysHowARunEnded) {
    core::RunResult r = worker->run(script(attempt_number(1), "kill -SEGV $$"));
    EXPECT_EQ(r.message, "killed by SIGSEGV");
    EXPECT_EQ(r.signal, SIGSEGV);
    r = worker->run(job(attempt_number(2), "shell", {{"command", "frobnicate --now"}}));
    EXPECT_EQ(r.outcome, ExecutionState::failed);
    EXPECT_EQ(r.reason, core::Reason::start_failed);
    EXPECT_EQ(r.exit_code, 127);
    EXPECT_EQ(r.message, "'frobnicate' was not found, or the program its first line names was not");
    core::RunSpec slow = script(attempt_number(3), "exec sleep 1000");
    slow.timeout = std::chrono::milliseconds(50);
    r = worker->run(slow);
    EXPECT_EQ(r.outcome, ExecutionState::timed_out);
    EXPECT_EQ(r.message, "timed out; ended by SIGTERM, killed by SIGTERM");
}

TEST_F(WholeWorker, CancelsWhatRuns) {
    const Signpost there(dir / "there");
    const auto id = attempt_number(1);
    worker->say(core::Offer{script(id, "echo x > " + there.path() + "; exec sleep 1000")});
    worker->wait([&] { return worker->started.contains(id); });
    there.read();
    worker->say(core::Cancel{id});
    const core::RunResult r = worker->end_of(id);
    EXPECT_EQ(r.outcome, ExecutionState::cancelled);
    EXPECT_EQ(r.reason, core::Reason::user);
}

TEST_F(WholeWorker, RefusesWhatItCouldNotDo) {
    worker->say(core::Offer{job(attempt_number(1), "")});
    worker->say(core::Offer{job(attempt_number(2), "telepathy")});
    worker->say(core::Offer{job(attempt_number(3), "shell", {{"command", "echo 'x"}})});
    core::RunSpec as = script(attempt_number(4), "true");
    as.run_as = "no-such-user";
    worker->say(core::Offer{as});
    worker->wait([&] { return worker->refused.size() == 4; });
    const auto refused = [&](std::uint32_t n) { return worker->refused[attempt_number(n)]; };
    EXPECT_EQ(refused(1).message, "Specified executor is not present: ''");
    EXPECT_EQ(refused(2).message, "Specified executor is not present: 'telepathy'");
    EXPECT_EQ(refused(2).reason, core::Reason::no_executor);
    EXPECT_FALSE(refused(2).retry_elsewhere);
    EXPECT_EQ(refused(3).message,
              "executor_config.command: the single quote at character 6 is never closed");
    EXPECT_FALSE(refused(3).retry_elsewhere);
    EXPECT_EQ(refused(4).message, "run_as: there is no user 'no-such-user' on this machine");
    EXPECT_TRUE(refused(4).retry_elsewhere);
    EXPECT_EQ(worker->worker->stats().busy, 0u);
}

TEST_F(WholeWorker, RunsInItsOwnProcessToo) {
    EXPECT_EQ(worker->run(job(attempt_number(1), "noop")).outcome, ExecutionState::succeeded);
    const auto id = attempt_number(2);
    worker->say(core::Offer{job(id, "endless")});
    worker->wait([&] { return worker->started.contains(id); });
    worker->say(core::Cancel{id});
    EXPECT_EQ(worker->end_of(id).outcome, ExecutionState::cancelled);
    std::optional<std::expected<Output, Error>> output;
    worker->worker->read_output(id, [&](auto o) { output = std::move(o); });
    worker->wait([&] { return output.has_value(); });
    EXPECT_EQ((*output)->head, "said\n");
}

TEST_F(WholeWorker, KeepsItsRunsOverItsOwnRestart) {
    const Signpost there(dir / "there");
    const Signpost go(dir / "go");
    const auto running = attempt_number(1);
    const auto unacknowledged = attempt_number(2);
    const auto local = attempt_number(3);
    worker->acknowledge = false;
    worker->say(core::Offer{
        script(running, "echo x > " + there.path() + "; read x < " + go.path() + "; exit 42")});
    worker->say(core::Offer{job(local, "endless")});
    EXPECT_EQ(worker->run(script(unacknowledged, "exit 5")).exit_code, 5);
    worker->wait(
        [&] { return worker->started.contains(running) && worker->started.contains(local); });
    there.read();

    worker.reset();
    start();
    const auto& held = worker->hello->held;
    ASSERT_EQ(held.size(), 3u);
    EXPECT_EQ(held[0], (core::HeldAttempt{running, FenceToken{101}, core::HeldState::running, {}}));
    EXPECT_EQ(held[1].id, unacknowledged);
    EXPECT_EQ(held[1].result.exit_code, 5);
    EXPECT_EQ(held[2].id, local);
    EXPECT_EQ(held[2].result.outcome, ExecutionState::lost);
    std::ofstream(go.path()) << "on\n";
    EXPECT_EQ(worker->end_of(running).exit_code, 42);
    worker->say(core::Acknowledge{unacknowledged});
    worker->say(core::Acknowledge{local});
    worker->wait([&] { return worker->worker->stats().held == 0; });

    worker.reset();
    start();
    EXPECT_TRUE(worker->hello->held.empty());
}

TEST_F(WholeWorker, ReportsRunsOfADeadRunnerAsLostAndGoesOn) {
    const Signpost there(dir / "there");
    const auto id = attempt_number(1);
    worker->say(core::Offer{script(id, "echo x > " + there.path() + "; exec sleep 1000")});
    worker->wait([&] { return worker->started.contains(id); });
    there.read();
    ::kill(worker->host.runner_pid(), SIGKILL);
    const core::RunResult r = worker->end_of(id);
    EXPECT_EQ(r.outcome, ExecutionState::lost);
    EXPECT_EQ(r.message, "killed: the runner that had started it died");
    EXPECT_EQ(worker->run(script(attempt_number(2), "true")).outcome, ExecutionState::succeeded);
}

TEST_F(WholeWorker, ShowsTheOutputOfARunThatIsOverAndDone) {
    const auto id = attempt_number(1);
    worker->run(job(id, "shell", {{"command", "seq 1 10000"}}));
    worker->wait([&] { return worker->worker->stats().held == 0; });
    std::optional<std::expected<Output, Error>> output;
    worker->worker->read_output(id, [&](auto o) { output = std::move(o); });
    worker->wait([&] { return output.has_value(); });
    ASSERT_TRUE(output->has_value());
    EXPECT_EQ((*output)->head.substr(0, 6), "1\n2\n3\n");
    EXPECT_EQ((*output)->total, 48894u);
}

TEST_F(WholeWorker, LosesAGuardedRunAtItsDeadlineEvenIfItIsFrozenItself) {
    // The worker's clock stands still, so it sends no heartbeat and notices no deadline.
    core::RunSpec spec = script(attempt_number(1), "trap '' TERM; exec sleep 1000");
    spec.guard = std::chrono::seconds(3);
    const core::RunResult r = worker->run(spec);
    EXPECT_TRUE(worker->started.contains(spec.id));
    EXPECT_EQ(r.outcome, ExecutionState::lost);
    EXPECT_EQ(r.reason, core::Reason::guard);
    EXPECT_EQ(r.signal, SIGKILL);
    EXPECT_GE(boot_time(), worker->loop.mono_now() + spec.guard);
}

TEST_F(WholeWorker, SaysItAllAgainOnANewConnection) {
    worker->acknowledge = false;
    const auto id = attempt_number(1);
    worker->run(script(id, "exit 4"));
    worker->link.disconnect();
    worker->hello.reset();
    worker->link.connect();
    worker->wait([&] { return worker->hello.has_value(); });
    ASSERT_EQ(worker->hello->held.size(), 1u);
    EXPECT_EQ(worker->hello->held[0].result.exit_code, 4);
}

}  // namespace
}  // namespace khronos::worker

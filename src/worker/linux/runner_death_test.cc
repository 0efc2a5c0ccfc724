// The runner and the worker each die, and what then becomes of the runs.
#include <sys/wait.h>

#include "worker/linux/testing/host_fixture.h"

namespace khronos::worker {
namespace {

class Death : public WithRunner {
  protected:
    // The one process on the way up from `pid` that is the runner's own child.
    pid_t supervisor_of(pid_t pid) const {
        for (;;) {
            runner::ProcessStat stat;
            if (!runner::read_stat(pid, stat) || stat.parent <= 1) return 0;
            if (stat.parent == host->host.runner_pid()) return pid;
            pid = stat.parent;
        }
    }
};

TEST_P(Death, OfTheWorkerLeavesItsRunsAndTheirTrueExitCodes) {
    const Signpost there(dir / "there");
    const Signpost go(dir / "go");
    const auto running = attempt_number(1);
    const auto ended = attempt_number(2);
    const pid_t worker = ::fork();
    if (worker == 0) {
        // Killed below: it never gets to the end of this.
        HostUnderTest first(dir / "runner", GetParam());
        first.host.run(shell(ended, "exit 23"));
        first.end_of(ended);
        first.host.run(
            shell(running, "echo x > " + there.path() + "; read x < " + go.path() + "; exit 42"));
        for (;;)
            first.loop.run_one_blocking();
    }
    there.read();
    ::kill(worker, SIGKILL);
    ::waitpid(worker, nullptr, 0);

    start_host();
    ASSERT_EQ(host->listed.size(), 2u);
    for (const KnownProcess& run : host->listed) {
        EXPECT_EQ(run.ended, run.id == ended);
        EXPECT_EQ(run.end.exit_code, run.ended ? 23 : 0);
    }
    std::ofstream(go.path()) << "on\n";
    EXPECT_EQ(host->end_of(running).exit_code, 42);
}

TEST_P(Death, OfTheWorkerWhileARunEndsLosesNothing) {
    const Signpost there(dir / "there");
    const Signpost go(dir / "go");
    const auto id = attempt_number(1);
    start_host();
    const int runner_pid = host->host.runner_pid();
    host->host.run(shell(id, "exec 3> " + there.path() + "; read x < " + go.path() + "; exit 9"));
    const int post = ::open(there.path().c_str(), O_RDONLY);
    host.reset();
    std::ofstream(go.path()) << "on\n";
    char byte = 0;
    EXPECT_EQ(::read(post, &byte, 1), 0);  // the run has ended
    ::close(post);
    start_host();
    EXPECT_EQ(host->host.runner_pid(), runner_pid);
    // Listed as running or as ended: the end comes either way.
    if (host->listed.at(0).ended)
        EXPECT_EQ(host->listed[0].end.exit_code, 9);
    else
        EXPECT_EQ(host->end_of(id).exit_code, 9);
}

TEST_P(Death, OfTheRunnerKillsItsRuns) {
    const Signpost there(dir / "there");
    const auto id = attempt_number(1);
    start_host();
    host->host.run(shell(id, "trap '' TERM HUP; (setsid sh -c 'echo $$ > " + there.path() +
                                 "; exec sleep 1000' &); while :; do sleep 1000; done"));
    const pid_t deep = std::stoi(there.read());
    ::kill(host->host.runner_pid(), SIGKILL);
    wait_for_death(deep);
    host->wait([&] { return host->ready == 2; });
    EXPECT_EQ(host->gone, 1);
    ASSERT_EQ(host->listed.size(), 1u);
    EXPECT_TRUE(host->listed[0].ended);
    EXPECT_EQ(host->listed[0].end.killed_by, KilledBy::host);
    host->host.forget(id);
    EXPECT_EQ(host->run(shell(attempt_number(2), "exit 1")).exit_code, 1);
}

TEST_P(Death, OfTheRunnerWithASupervisorIsSweptByTheNextRunner) {
    const Signpost there(dir / "there");
    start_host();
    host->host.run(shell(attempt_number(1), "(setsid sh -c 'echo $$ > " + there.path() +
                                                "; exec sleep 1000' &); exec sleep 1000"));
    const pid_t deep = std::stoi(there.read());
    const pid_t supervisor = supervisor_of(deep);
    ASSERT_NE(supervisor, 0);
    // Stopped first, so that it cannot do its duty when the runner dies.
    ::kill(supervisor, SIGSTOP);
    ::kill(host->host.runner_pid(), SIGKILL);
    ::kill(supervisor, SIGKILL);
    host->wait([&] { return host->ready == 2; });
    EXPECT_FALSE(is_alive(deep));
    ASSERT_EQ(host->listed.size(), 1u);
    EXPECT_EQ(host->listed[0].end.killed_by, KilledBy::host);
}

TEST_P(Death, OfTheRunnerComesByItselfWhenNobodyNeedsIt) {
    start_host();
    const auto id = attempt_number(1);
    host->run(shell(id, "true"));
    const int pid = host->host.runner_pid();
    host.reset();
    // Its result is not acknowledged: it stays.
    start_host();
    EXPECT_EQ(host->host.runner_pid(), pid);
    ASSERT_EQ(host->listed.size(), 1u);
    host->host.forget(id);
    host.reset();
    wait_for_death(pid);
    start_host();
    EXPECT_NE(host->host.runner_pid(), pid);
    EXPECT_TRUE(host->listed.empty());
}

TEST_P(Death, OfNobodyTwoRunnersForOneDirectory) {
    start_host();
    const std::string command = std::string(KHRONOS_RUNNER) + " --dir " + (dir / "runner");
    const int status = std::system(command.c_str());
    EXPECT_EQ(WEXITSTATUS(status), 3);
}

TEST(RunnerDirectory, MustBeClosedToOthers) {
    const TempDir dir;
    std::filesystem::permissions(dir.path(), std::filesystem::perms::all);
    const std::string command =
        std::string(KHRONOS_RUNNER) + " --foreground --dir " + dir.path() + " 2> " + (dir / "said");
    EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 1);
    EXPECT_NE(contents(dir / "said").find("0700"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Cgroups, Death, testing::Bool(), [](const auto& each) {
    return each.param ? std::string("With") : std::string("Without");
});

}  // namespace
}  // namespace khronos::worker

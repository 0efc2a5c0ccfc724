#include <sys/wait.h>

#include <cerrno>

#include "base/limits.h"
#include "runner/cgroup.h"
#include "worker/linux/testing/host_fixture.h"

namespace khronos::worker {
namespace {

class Runs : public WithRunner {
  protected:
    void SetUp() override {
        WithRunner::SetUp();
        start_host();
    }
    core::AttemptId next() { return attempt_number(++count_); }
    std::string text_of(const core::AttemptId& id) {
        const auto out = host->output(id);
        return out ? out->head + out->tail : "error: " + out.error().message;
    }

  private:
    std::uint32_t count_ = 0;
};

TEST_P(Runs, ReportTheTrueExitStatus) {
    struct Case {
        std::string script;
        int code;
        int signal;
    };
    for (const Case& c : {Case{"exit 0", 0, 0}, Case{"exit 3", 3, 0}, Case{"exit 255", 255, 0},
                          Case{"kill -SEGV $$", 0, SIGSEGV}, Case{"kill -KILL $$", 0, SIGKILL}}) {
        const ProcessEnd end = host->run(shell(next(), c.script));
        EXPECT_EQ(end.exit_code, c.code) << c.script;
        EXPECT_EQ(end.signal, c.signal) << c.script;
        EXPECT_EQ(end.killed_by, KilledBy::nobody) << c.script;
        EXPECT_GE(end.finished_at, end.started_at);
    }
}

TEST_P(Runs, MixBothOutputsInOrder) {
    const auto id = next();
    const ProcessEnd end = host->run(shell(id, "echo one; echo two >&2; echo three"));
    EXPECT_EQ(end.output_tail, "one\ntwo\nthree\n");
    EXPECT_EQ(end.output_bytes, 14u);
    EXPECT_EQ(text_of(id), "one\ntwo\nthree\n");
}

TEST_P(Runs, KeepTheHeadAndTheTailOfALongOutput) {
    const auto id = next();
    const ProcessEnd end = host->run(process(id, {"seq", "1", "200000"}));
    std::string expected;
    for (int i = 1; i <= 200000; ++i)
        expected += std::to_string(i) + "\n";
    EXPECT_EQ(end.output_bytes, expected.size());
    EXPECT_EQ(end.output_tail, expected.substr(expected.size() - limits::kOutputTailInRecord));
    const auto out = host->output(id);
    ASSERT_TRUE(out);
    EXPECT_EQ(out->total, expected.size());
    EXPECT_EQ(out->head, expected.substr(0, limits::kOutputHead));
    EXPECT_EQ(out->tail, expected.substr(expected.size() - limits::kOutputTail));
    host->host.forget(id);
    const auto after = host->output(id);
    ASSERT_TRUE(after);
    EXPECT_EQ(*after, *out);
}

TEST_P(Runs, AreNotHarmedByAGigabyteOfOutput) {
    const auto id = next();
    const ProcessEnd end = host->run(process(id, {"head", "-c", "1G", "/dev/zero"}));
    EXPECT_EQ(end.exit_code, 0);
    EXPECT_EQ(end.output_bytes, 1u << 30);
    EXPECT_LT(std::filesystem::file_size(dir / "runner/output/" + core::attempt::attempt_key(id)),
              limits::kOutputHead + limits::kOutputTail + 100);
}

TEST_P(Runs, ShowTheirOutputWhileTheyRun) {
    const auto id = next();
    const Signpost there(dir / "there");
    host->host.run(shell(id, "echo half; echo go > " + there.path() + "; exec sleep 1000"));
    there.read();
    EXPECT_EQ(text_of(id), "half\n");
    host->host.kill(id, KilledBy::cancel, true);
    host->end_of(id);
}

TEST_P(Runs, SayClearlyThatACommandCouldNotBeExecuted) {
    ProcessEnd end = host->run(process(next(), {"no-such-command"}));
    EXPECT_EQ(end.exec_error, ENOENT);
    EXPECT_EQ(end.exit_code, 127);
    std::ofstream(dir / "plain") << "echo hello\n";
    end = host->run(process(next(), {dir / "plain"}));
    EXPECT_EQ(end.exec_error, EACCES);
    EXPECT_EQ(end.exit_code, 126);
    std::filesystem::permissions(dir / "plain", std::filesystem::perms::owner_all);
    end = host->run(process(next(), {dir / "plain"}));
    EXPECT_EQ(end.exec_error, ENOEXEC);
    ProcessSpec lost = process(next(), {"true"});
    lost.cwd = "/no/such/place";
    end = host->run(std::move(lost));
    EXPECT_EQ(end.exec_error, -ENOENT);
    EXPECT_EQ(end.exit_code, 126);
}

TEST_P(Runs, HaveACleanWorld) {
    ::setenv("KHRONOS_TEST_SECRET", "leaked", 1);
    ::signal(SIGPIPE, SIG_IGN);
    const int inherited = ::open("/dev/null", O_RDONLY);  // no close-on-exec
    const auto id = next();
    ProcessSpec spec =
        shell(id,
              "env | grep -v '^PWD='; echo fds; ls /proc/$$/fd | tr '\\n' ' '; umask; pwd; "
              "grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status; "
              "test \"$(cut -d' ' -f6 /proc/$$/stat)\" = $$ && echo own session");
    spec.env.emplace_back("COLOUR", "blue");
    spec.cwd = "/tmp";
    host->run(std::move(spec));
    const std::string text = text_of(id);
    ::close(inherited);
    ::signal(SIGPIPE, SIG_DFL);
    EXPECT_EQ(text.find("leaked"), text.npos);
    EXPECT_NE(text.find("COLOUR=blue\n"), text.npos) << text;
    for (const char* name :
         {"PATH=/usr/local/sbin:", "HOME=", "USER=", "LOGNAME=", "SHELL=", "LANG=C.UTF-8\n"})
        EXPECT_NE(text.find(name), text.npos) << text;
    EXPECT_NE(text.find("fds\n0 1 2 "), text.npos) << text;
    EXPECT_NE(text.find("0022\n/tmp\n"), text.npos) << text;
    EXPECT_NE(text.find("SigBlk:\t0000000000000000"), text.npos) << text;
    EXPECT_NE(text.find("SigIgn:\t0000000000000000"), text.npos) << text;
    EXPECT_NE(text.find("own session\n"), text.npos) << text;
}

TEST_P(Runs, AreInAGroupOfTheirOwnWhereThereAreGroups) {
    if (runner::own_cgroup(contents("/proc/self/mountinfo"), contents("/proc/self/cgroup")).empty())
        GTEST_SKIP() << "no control groups (v2) here";
    const auto id = next();
    ProcessSpec spec = shell(id, "grep ^0:: /proc/self/cgroup");
    host->run(spec);
    const bool grouped = text_of(id).find("/khronos-") != std::string::npos;
    // Without the right to make groups there are none, and that is well.
    if (::geteuid() == 0) EXPECT_EQ(grouped, GetParam()) << text_of(id);
    const auto lingering = next();
    spec.id = lingering;
    spec.linger = true;
    host->run(spec);
    EXPECT_EQ(text_of(lingering).find("/khronos-"), std::string::npos);
}

TEST_P(Runs, ReadTheirInputOrNothing) {
    auto id = next();
    ProcessSpec spec = process(id, {"cat"});
    EXPECT_EQ(host->run(spec).output_bytes, 0u);
    id = next();
    spec.id = id;
    spec.has_input = true;
    spec.input = std::string("a\0b", 3) + std::string(200000, 'x');
    EXPECT_EQ(host->run(spec).output_bytes, spec.input.size());
    EXPECT_EQ(host->output(id)->head, spec.input.substr(0, limits::kOutputHead));
}

TEST_P(Runs, EndAsAskedWhenTheirTimeIsUp) {
    ProcessSpec spec = shell(next(), "trap 'exit 7' TERM; while :; do sleep 1000 & wait; done");
    spec.timeout = std::chrono::milliseconds(100);
    const ProcessEnd end = host->run(spec);
    EXPECT_EQ(end.killed_by, KilledBy::timeout);
    EXPECT_EQ(end.exit_code, 7);
    EXPECT_FALSE(end.forced);
}

TEST_P(Runs, AreKilledAfterTheGraceWhenTheyIgnoreTheAsking) {
    const Signpost there(dir / "there");
    const auto id = next();
    ProcessSpec spec = shell(id, "trap '' TERM; (trap '' TERM; setsid sleep 1000 & echo $! > " +
                                     there.path() + "); while :; do sleep 1000; done");
    spec.kill_grace = std::chrono::milliseconds(100);
    host->host.run(spec);
    const pid_t other_session = std::stoi(there.read());
    host->host.kill(id, KilledBy::cancel, false);
    const ProcessEnd end = host->end_of(id);
    EXPECT_EQ(end.killed_by, KilledBy::cancel);
    EXPECT_TRUE(end.forced);
    EXPECT_EQ(end.signal, SIGKILL);
    EXPECT_FALSE(is_alive(other_session));
}

TEST_P(Runs, GoOnAfterOthersWereKilled) {
    for (int i = 0; i < 3; ++i) {
        const Signpost there(dir / ("there" + std::to_string(i)));
        const auto id = next();
        ProcessSpec spec = shell(id, "trap '' TERM; echo $$ > " + there.path() +
                                         "; while :; do sleep 1000; done");
        spec.kill_grace = std::chrono::milliseconds(10);
        host->host.run(spec);
        there.read();
        host->host.kill(id, KilledBy::cancel, false);
        EXPECT_EQ(host->end_of(id).signal, SIGKILL);
        for (int run = 0; run < 3; ++run) {
            const ProcessEnd end = host->run(shell(next(), "sleep 0.02; exit 4"));
            EXPECT_EQ(end.exit_code, 4);
            EXPECT_EQ(end.signal, 0);
        }
    }
}

TEST_P(Runs, TakeTheDaemonsTheyLeaveBehindWithThem) {
    const Signpost there(dir / "there");
    const auto id = next();
    host->host.run(shell(
        id, "(setsid sh -c '(setsid sleep 1000 & echo $! > " + there.path() + ")' &); exit 5"));
    // The command has ended or will; the daemon may not have begun. Either is right.
    const ProcessEnd end = host->end_of(id);
    EXPECT_EQ(end.exit_code, 5);
    EXPECT_EQ(end.killed_by, KilledBy::nobody);
    for (const pid_t pid : runner::all_processes())
        EXPECT_FALSE(is_alive(pid) && runner::carries_mark(pid, mark_of(id))) << pid;
}

TEST_P(Runs, MayLeaveDaemonsBehindWhenTheyLinger) {
    const Signpost there(dir / "there");
    const Signpost on(dir / "on");
    const auto id = next();
    ProcessSpec spec =
        shell(id, "(setsid sh -c 'echo $$ > " + there.path() +
                      "; exec sleep 1000' > /dev/null 2>&1 &); read x < " + on.path());
    spec.linger = true;
    host->host.run(spec);
    const pid_t daemon = std::stoi(there.read());
    std::ofstream(on.path()) << "on\n";
    EXPECT_EQ(host->end_of(id).exit_code, 0);
    EXPECT_TRUE(is_alive(daemon));
    ::kill(daemon, SIGKILL);
    wait_for_death(daemon);
}

TEST_P(Runs, CannotBeOutrunByForkingAnew) {
    const Signpost there(dir / "there");
    const auto id = next();
    // Each generation outlives its parent and leaves its session.
    std::ofstream(dir / "chain") << "#!/bin/sh\nsetsid \"$0\" &\n";
    std::filesystem::permissions(dir / "chain", std::filesystem::perms::owner_all);
    host->host.run(shell(id, "(" + (dir / "chain") + " &); (" + (dir / "chain") +
                                 " &); echo go > " + there.path() + "; exec sleep 1000"));
    there.read();
    host->host.kill(id, KilledBy::cancel, true);
    EXPECT_EQ(host->end_of(id).killed_by, KilledBy::cancel);
    for (const pid_t pid : runner::all_processes())
        EXPECT_FALSE(is_alive(pid) && runner::carries_mark(pid, mark_of(id))) << pid;
}

TEST_P(Runs, DoNotStartAfterTheirGuardHasPassed) {
    const auto id = next();
    ProcessSpec spec = shell(id, "touch " + (dir / "started"));
    spec.guard = std::chrono::seconds(1);
    spec.deadline = MonoTime{1};
    host->host.run(spec);
    host->wait([&] { return host->refused.contains(id); });
    EXPECT_NE(host->refused[id].find("guard"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(dir / "started"));
}

std::int64_t boot_us() {
    timespec t{};
    ::clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

TEST_P(Runs, DieAtTheirGuardsDeadlineByThemselves) {
    ProcessSpec spec = shell(next(), "trap '' TERM; setsid sleep 1000");
    spec.guard = std::chrono::seconds(1);
    spec.deadline = MonoTime{boot_us() + 200000};
    const ProcessEnd end = host->run(spec);
    EXPECT_EQ(end.killed_by, KilledBy::guard);
    EXPECT_EQ(end.signal, SIGKILL);
    EXPECT_GE(boot_us(), spec.deadline.us);
}

TEST_P(Runs, LiveOnWhenTheirGuardIsExtended) {
    const Signpost there(dir / "there");
    const Signpost go(dir / "go");
    const auto guarded = next();
    const auto clock = next();
    ProcessSpec spec = shell(guarded, "echo x > " + there.path() + "; read x < " + go.path());
    spec.guard = std::chrono::hours(1);
    spec.deadline = MonoTime{boot_us() + 400000};
    host->host.run(spec);
    there.read();
    host->host.extend_guards(MonoTime{boot_us()}, {});
    // Another run's deadline, later than the first one's was, shows that time has passed.
    ProcessSpec other = shell(clock, "exec sleep 1000");
    other.deadline = MonoTime{spec.deadline.us + 200000};
    EXPECT_EQ(host->run(other).killed_by, KilledBy::guard);
    EXPECT_FALSE(host->ended.contains(guarded));
    std::ofstream(go.path()) << "on\n";
    EXPECT_EQ(host->end_of(guarded).exit_code, 0);
}

TEST_P(Runs, AreNotExtendedWhenTheyAreLeftOut) {
    ProcessSpec spec = shell(next(), "exec sleep 1000");
    spec.guard = std::chrono::hours(1);
    spec.deadline = MonoTime{boot_us() + 400000};
    const auto id = spec.id;
    host->host.run(spec);
    host->host.extend_guards(MonoTime{boot_us()}, {id});
    EXPECT_EQ(host->end_of(id).killed_by, KilledBy::guard);
}

TEST_P(Runs, AreKilledWhenTheyTakeMoreMemoryThanAllowed) {
    // tail keeps in memory whatever it is given until the end, which does not come.
    ProcessSpec spec = shell(next(), "(head -c 200M /dev/zero; sleep 1000) | tail");
    spec.memory_bytes = 50u << 20;
    const ProcessEnd end = host->run(spec);
    EXPECT_EQ(end.killed_by, KilledBy::memory);
}

TEST_P(Runs, SurviveNothingWhenTheirSupervisorIsKilled) {
    const auto id = next();
    const ProcessEnd end =
        host->run(shell(id, "(setsid sleep 1000 &); kill -9 $PPID; exec sleep 1000"));
    EXPECT_EQ(end.killed_by, KilledBy::supervisor);
    for (const pid_t pid : runner::all_processes())
        EXPECT_FALSE(is_alive(pid) && runner::carries_mark(pid, mark_of(id))) << pid;
}

TEST_P(Runs, AreKilledEvenIfTheyHaveStoppedTheirSupervisor) {
    ProcessSpec spec = shell(next(), "kill -STOP $PPID; exec sleep 1000");
    spec.timeout = std::chrono::milliseconds(50);
    spec.kill_grace = std::chrono::milliseconds(50);
    const ProcessEnd end = host->run(spec);
    EXPECT_EQ(end.killed_by, KilledBy::timeout);
    EXPECT_TRUE(end.forced);
}

TEST_P(Runs, AreStartedOnceWhenAskedForTwice) {
    const auto id = next();
    const ProcessSpec spec = shell(id, "echo run >> " + (dir / "count"));
    host->host.run(spec);
    host->host.run(spec);
    host->end_of(id);
    host->ended.clear();
    host->host.run(spec);
    host->end_of(id);
    EXPECT_EQ(contents(dir / "count"), "run\n");
}

TEST_P(Runs, ChangeTheirUserOnlyAsRoot) {
    const auto id = next();
    ProcessSpec spec =
        shell(id, "id -u; id -un; id -G; grep NoNewPrivs /proc/self/status; echo $HOME $USER");
    spec.run_as = "nobody";
    if (::geteuid() == 0) {
        host->run(spec);
        const std::string text = text_of(id);
        EXPECT_TRUE(text.starts_with("65534\nnobody\n65534\nNoNewPrivs:\t1\n")) << text;
        EXPECT_NE(text.find(" nobody\n"), text.npos);
    } else {
        host->host.run(spec);
        host->wait([&] { return host->refused.contains(id); });
        EXPECT_NE(host->refused[id].find("only a worker that runs as root"), std::string::npos);
    }
    const auto unknown = next();
    spec.id = unknown;
    spec.run_as = "no-such-user";
    host->host.run(spec);
    host->wait([&] { return host->refused.contains(unknown); });
    EXPECT_EQ(host->refused[unknown], "run_as: there is no user 'no-such-user' on this machine");
}

TEST_P(Runs, AreMany) {
    constexpr std::uint32_t kRuns = 500;
    for (std::uint32_t i = 1; i <= kRuns; ++i)
        host->host.run(shell(attempt_number(i), "exit " + std::to_string(i % 200)));
    for (std::uint32_t i = 1; i <= kRuns; ++i)
        EXPECT_EQ(host->end_of(attempt_number(i)).exit_code, static_cast<int>(i % 200));
}

INSTANTIATE_TEST_SUITE_P(Cgroups, Runs, testing::Bool(), [](const auto& each) {
    return each.param ? std::string("With") : std::string("Without");
});

}  // namespace
}  // namespace khronos::worker

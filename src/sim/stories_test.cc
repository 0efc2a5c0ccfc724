// Stories: what an installation goes through, in words, and what must have come of it. Every one
// of them is under the judge's eyes as well.
#include <gtest/gtest.h>

#include "sim/simulation.h"

namespace khronos::sim {
namespace {

using namespace std::chrono_literals;
using core::ExecutionState;
using core::Reason;

// The world of one story. 2024-01-01T00:00:00Z, an agent with its worker; the store answers fast.
class Story : public testing::Test {
  protected:
    void begin(SimulationOptions options = {}) {
        sim_ = std::make_unique<Simulation>(std::move(options));
        for (std::size_t i = 0; i < sim().agents(); ++i) sim().start_agent(i);
        ASSERT_TRUE(sim().run_until(
            [&] {
                for (std::size_t i = 0; i < sim().agents(); ++i)
                    if (!sim().agent_ready(i)) return false;
                return true;
            },
            20s));
    }
    void TearDown() override {
        if (!sim_) return;
        sim().check_end();
        for (const Violation& violation : sim().report().violations())
            ADD_FAILURE() << violation.invariant << ": " << violation.text;
    }
    Simulation& sim() { return *sim_; }

    static core::JobSpec job(const std::string& name, const std::string& schedule,
                             Duration length = 100ms) {
        core::JobSpec spec;
        spec.name = name;
        spec.schedule = schedule;
        spec.executor = "shell";
        spec.executor_config["command"] = work(length, length, 0);
        return spec;
    }
    void put(core::JobSpec spec) {
        sim().clients().put(sim().agent(), std::move(spec));
        settle();
    }
    template <class Change>
    void edit(const std::string& name, Change change) {
        sim().clients().edit(sim().agent(), name, change);
        settle();
    }
    // Until the clients have their answers.
    void settle() {
        ASSERT_TRUE(sim().run_until(
            [&] {
                for (const Op& op : sim().clients().ops())
                    if (!op.answered) return false;
                return true;
            },
            20s));
        ASSERT_TRUE(sim().clients().ops().back().acknowledged)
            << sim().clients().ops().back().error.message;
    }
    void crash_and_restart(Duration down) {
        sim().crash_agent();
        sim().run_for(down);
        sim().start_agent();
        ASSERT_TRUE(sim().run_until([&] { return sim().agent_ready(); }, 60s));
    }
    // The records of the job, in the order of their triggers.
    std::vector<core::Execution> records(const std::string& name) {
        std::vector<core::Execution> found;
        for (const auto& [id, execution] : sim().seen().executions)
            if (execution.now.job_name == name) found.push_back(execution.now);
        return found;
    }
    std::size_t count(const std::string& name, ExecutionState state, Reason reason) {
        std::size_t n = 0;
        for (const core::Execution& e : records(name))
            if (e.state == state && e.reason == reason) n += e.range_count;
        return n;
    }
    std::size_t runs(const std::string& name) {
        std::size_t n = 0;
        for (const auto& [id, run] : sim().ledger().entries()) {
            const auto at = sim().seen().executions.find(id.execution);
            if (at != sim().seen().executions.end() && at->second.now.job_name == name) ++n;
        }
        return n;
    }
    bool running(const std::string& name) {
        for (const auto& [id, run] : sim().ledger().running()) {
            const auto at = sim().seen().executions.find(id.execution);
            if (at != sim().seen().executions.end() && at->second.now.job_name == name) return true;
        }
        return false;
    }
    // On whose worker it ran.
    static std::size_t host_of(const LedgerEntry& run) {
        return static_cast<std::size_t>(run.worker.back() - '1');
    }
    // The next second of the wall clock, and a little more.
    void to_second(int seconds, Duration more = 0ms) {
        const WallTime then = sim().wall().floor_second() + Duration(std::chrono::seconds(seconds));
        sim().run_for(then + more - sim().wall());
    }
    // Answers of the store come this late from now on.
    void slow_store(Duration by) {
        StoreFaults::Rules rules;
        rules.shortest = rules.longest = by;
        sim().store_faults().set_rules(rules);
    }
    void lose_answers(double of_all) {
        StoreFaults::Rules rules;
        rules.unknown = of_all;
        sim().store_faults().set_rules(rules);
    }

  private:
    std::unique_ptr<Simulation> sim_;
};

TEST_F(Story, EachSecondRunsOnceInItsSecond) {
    begin();
    put(job("tick", "* * * * * *"));
    sim().run_for(60s);
    EXPECT_GE(runs("tick"), 58u);
    for (const core::Execution& e : records("tick")) {
        EXPECT_EQ(e.reason, Reason::none);
        EXPECT_LT(e.decided_at - e.scheduled_at, 100ms);
    }
}

TEST_F(Story, KillDuringFireLosesNoTick) {
    // Killed before the decision's answer, at every moment of the way.
    for (int ms = 0; ms <= 60; ms += 4) {
        begin();
        put(job("tick", "*/10 * * * * *"));
        slow_store(20ms);
        to_second(10 - static_cast<int>(sim().wall().seconds() % 10));
        sim().run_for(Duration(std::chrono::milliseconds(ms)));
        crash_and_restart(3s);
        sim().run_for(5s);
        EXPECT_EQ(runs("tick"), 1u) << "killed after " << ms << " ms";
        EXPECT_FALSE(sim().failed()) << "killed after " << ms << " ms";
    }
}

TEST_F(Story, UnknownFireThatWasAppliedIsNotRepeated) {
    begin();
    put(job("tick", "* * * * * *"));
    lose_answers(0.5);
    sim().run_for(60s);
    lose_answers(0);
    sim().run_for(20s);
    EXPECT_GE(runs("tick"), 70u);
    sim().check_punctual(2s);
}

TEST_F(Story, ForbidRunThatOutlivesTheAgentBlocksItsSuccessor) {
    begin();
    core::JobSpec spec = job("long", "*/5 * * * * *", 60s);
    spec.concurrency = core::Concurrency::forbid;
    put(spec);
    ASSERT_TRUE(sim().run_until([&] { return running("long"); }, 10s));
    crash_and_restart(2s);
    sim().run_for(20s);
    EXPECT_EQ(runs("long"), 1u);
    EXPECT_GE(count("long", ExecutionState::skipped, Reason::concurrency), 3u);
    ASSERT_TRUE(sim().run_until([&] { return runs("long") == 2; }, 60s));
    EXPECT_EQ(records("long").front().state, ExecutionState::succeeded);
}

TEST_F(Story, EditBetweenDueAndDecisionHonoursTheOldVersion) {
    begin();
    put(job("edited", "*/10 * * * * *"));
    to_second(10 - static_cast<int>(sim().wall().seconds() % 10), -500ms);
    // The tick comes while no decision can be written; then the job is edited.
    sim().agent().freeze_until(sim().world().now() + 2s);
    sim().run_for(1s);
    const WallTime tick = sim().wall().floor_second();
    sim().clients().edit(sim().agent(), "edited",
                         [](core::JobSpec& changed) { changed.schedule = "@every 1h"; });
    sim().run_for(5s);
    ASSERT_EQ(records("edited").size(), 1u);
    EXPECT_EQ(records("edited").front().scheduled_at, tick);
    EXPECT_EQ(records("edited").front().generation, Generation(1));
}

TEST_F(Story, ResumingMakesNoBurst) {
    begin();
    put(job("paused", "* * * * * *"));
    sim().run_for(5s);
    edit("paused", [](core::JobSpec& spec) { spec.disabled = true; });
    sim().run_for(1h);
    const std::size_t before = runs("paused");
    edit("paused", [](core::JobSpec& spec) { spec.disabled = false; });
    sim().run_for(10s);
    EXPECT_LE(runs("paused") - before, 11u);
    EXPECT_NEAR(count("paused", ExecutionState::skipped, Reason::disabled), 3600, 2);
}

TEST_F(Story, APauseThatWasNeverResumedRecordsNothing) {
    begin();
    put(job("paused", "* * * * * *"));
    sim().run_for(5s);
    edit("paused", [](core::JobSpec& spec) { spec.disabled = true; });
    const std::size_t before = records("paused").size();
    crash_and_restart(60s);
    sim().run_for(60s);
    EXPECT_EQ(records("paused").size(), before);
}

TEST_F(Story, ForwardStepIsMissedNotBurst) {
    begin();
    put(job("stepped", "* * * * * *"));
    sim().run_for(5s);
    const std::size_t before = runs("stepped");
    sim().step_clock(30min);
    sim().run_for(10s);
    // One for all that was missed, and those of ten seconds less the hold.
    EXPECT_LE(runs("stepped") - before, 12u);
    EXPECT_GE(count("stepped", ExecutionState::coalesced, Reason::misfire_once), 1790u);
}

TEST_F(Story, AClockErrorThatIsPutRightMissesNothing) {
    begin();
    core::JobSpec spec = job("skipping", "* * * * * *");
    spec.misfire = core::Misfire::skip;
    put(spec);
    sim().run_for(5s);
    sim().step_clock(1h);
    sim().run_for(1s);
    sim().step_clock(-1h);
    sim().run_for(30s);
    EXPECT_EQ(count("skipping", ExecutionState::skipped, Reason::misfire_skip), 0u);
    EXPECT_GE(runs("skipping"), 34u);
}

TEST_F(Story, AClockThatIsSetBackDecidesNothingTwice) {
    begin();
    put(job("back", "* * * * * *"));
    sim().run_for(20s);
    sim().step_clock(-10s);
    const std::size_t before = runs("back");
    sim().run_for(9s);
    EXPECT_LE(runs("back"), before + 1);
    sim().run_for(11s);
    EXPECT_GE(runs("back"), before + 9);
}

TEST_F(Story, EveryKeepsItsPhaseOverRestarts) {
    begin();
    put(job("phase", "@every 10s"));
    const WallTime anchor = sim().wall().floor_second();
    sim().run_for(25s);
    crash_and_restart(17s);
    edit("phase", [](core::JobSpec& spec) { spec.description = "another field"; });
    sim().run_for(33s);
    ASSERT_GE(records("phase").size(), 6u);
    for (const core::Execution& e : records("phase"))
        EXPECT_EQ((e.scheduled_at - anchor).count() % 10'000'000, 0);
}

TEST_F(Story, AnOutageOfAnHourRunsTheLatestOfEachJobOnce) {
    begin();
    put(job("hourly", "0 */10 * * * *"));
    core::JobSpec skips = job("skips", "0 */10 * * * *");
    skips.misfire = core::Misfire::skip;
    put(skips);
    core::JobSpec all = job("all", "0 */10 * * * *");
    all.misfire = core::Misfire::all;
    all.misfire_limit = 3;
    put(all);
    sim().run_for(30s);
    crash_and_restart(65min);
    sim().run_for(10s);
    EXPECT_EQ(runs("hourly"), 1u);
    EXPECT_EQ(count("hourly", ExecutionState::coalesced, Reason::misfire_once), 5u);
    EXPECT_EQ(runs("skips"), 0u);
    EXPECT_EQ(count("skips", ExecutionState::skipped, Reason::misfire_skip), 6u);
    EXPECT_EQ(runs("all"), 3u);
    EXPECT_EQ(count("all", ExecutionState::skipped, Reason::misfire_limit), 3u);
}

TEST_F(Story, AFailoverLosesNoPerSecondTick) {
    begin();
    put(job("seconds", "* * * * * *"));
    sim().run_for(10s);
    crash_and_restart(40s);
    sim().run_for(10s);
    EXPECT_GE(runs("seconds"), 59u);
    EXPECT_GE(count("seconds", ExecutionState::succeeded, Reason::late), 35u);
}

TEST_F(Story, AFailingRunIsTriedAgainAsOftenAsItSays) {
    begin();
    core::JobSpec spec = job("failing", "0 * * * * *");
    spec.executor_config["command"] = work(10ms, 10ms, 100);
    spec.retries = 2;
    spec.retry_delay = 1s;
    put(spec);
    sim().run_for(61s);
    sim().run_for(20s);
    EXPECT_EQ(runs("failing"), 3u);
    EXPECT_EQ(records("failing").front().state, ExecutionState::failed);
    EXPECT_EQ(records("failing").front().attempts.size(), 2u);
}

TEST_F(Story, ARetryWaitsForAFreeSlotLongerThanTheStartDeadline) {
    SimulationOptions options;
    options.worker.slots = 1;
    begin(std::move(options));
    core::JobSpec spec = job("failing", "@manually");
    spec.executor_config["command"] = work(10ms, 10ms, 100);
    spec.retries = 1;
    spec.retry_delay = 4s;
    spec.start_deadline = 1s;
    put(spec);
    put(job("long", "@manually", 30s));
    sim().clients().run(sim().agent(), "failing", "");
    sim().run_for(200ms);
    sim().clients().run(sim().agent(), "long", "");
    sim().run_for(60s);
    EXPECT_EQ(runs("failing"), 2u);
}

TEST_F(Story, AWorkerThatComesBackGoesOnWithItsRuns) {
    begin();
    put(job("long", "@manually", 30s));
    sim().clients().run(sim().agent(), "long", "");
    ASSERT_TRUE(sim().run_until([&] { return running("long"); }, 5s));
    sim().crash_worker();
    sim().run_for(5s);
    sim().start_worker();
    sim().run_for(60s);
    EXPECT_EQ(runs("long"), 1u);
    EXPECT_EQ(records("long").front().state, ExecutionState::succeeded);
}

TEST_F(Story, ARunOfAnEditedJobSurvivesTheAgent) {
    begin();
    put(job("edited", "@manually", 30s));
    sim().clients().run(sim().agent(), "edited", "");
    ASSERT_TRUE(sim().run_until([&] { return running("edited"); }, 5s));
    edit("edited", [](core::JobSpec& spec) { spec.description = "changed while it ran"; });
    crash_and_restart(1s);
    sim().run_for(60s);
    EXPECT_EQ(runs("edited"), 1u);
    EXPECT_EQ(records("edited").front().state, ExecutionState::succeeded);
    EXPECT_TRUE(sim().at_rest());
}

TEST_F(Story, AnEndUnderWayWhenTheWorkerSaysHelloAgainIsNotLost) {
    begin();
    put(job("short", "@manually", 2s));
    sim().clients().run(sim().agent(), "short", "");
    ASSERT_TRUE(sim().run_until([&] { return running("short"); }, 5s));
    sim().run_for(1s);
    sim().store_faults().out_until(sim().world().now() + 20s, true);
    sim().run_for(2s);  // it has ended; the end cannot be written
    sim().net().break_all();
    sim().run_for(2s);
    crash_and_restart(20s);
    sim().run_for(10s);
    EXPECT_EQ(records("short").front().state, ExecutionState::succeeded);
    EXPECT_EQ(runs("short"), 1u);
}

TEST_F(Story, DeletingEndsWhatWaitsAndLeavesWhatRuns) {
    SimulationOptions options;
    options.worker.slots = 1;
    begin(std::move(options));
    put(job("deleted", "@manually", 20s));
    sim().clients().run(sim().agent(), "deleted", "");
    ASSERT_TRUE(sim().run_until([&] { return running("deleted"); }, 5s));
    sim().clients().run(sim().agent(), "deleted", "");
    settle();
    sim().clients().remove(sim().agent(), "deleted");
    settle();
    sim().run_for(60s);
    ASSERT_EQ(records("deleted").size(), 2u);
    EXPECT_EQ(records("deleted")[0].state, ExecutionState::succeeded);
    EXPECT_EQ(records("deleted")[1].state, ExecutionState::cancelled);
    EXPECT_EQ(records("deleted")[1].reason, Reason::deleted);
    EXPECT_TRUE(sim().at_rest());
}

TEST_F(Story, WhatWaitedOfADeletedJobDoesNotStartAfterARestart) {
    SimulationOptions options;
    options.worker.slots = 1;
    begin(std::move(options));
    put(job("blocker", "@manually", 30s));
    put(job("deleted", "@manually"));
    sim().clients().run(sim().agent(), "blocker", "");
    ASSERT_TRUE(sim().run_until([&] { return running("blocker"); }, 5s));
    sim().clients().run(sim().agent(), "deleted", "");
    settle();
    sim().run_for(100ms);
    sim().clients().remove(sim().agent(), "deleted");
    // Dies as soon as the delete is durable.
    ASSERT_TRUE(sim().run_until([&] { return !sim().seen().names.contains("deleted"); }, 5s));
    crash_and_restart(1s);
    sim().run_for(60s);
    EXPECT_EQ(runs("deleted"), 0u);
    EXPECT_EQ(records("deleted").front().reason, Reason::deleted);
    EXPECT_TRUE(sim().at_rest());
}

TEST_F(Story, AJobOfTheSameNameIsAnotherJob) {
    begin();
    put(job("again", "@every 10s"));
    sim().run_for(15s);
    const JobUid first = sim().seen().names.at("again");
    sim().clients().remove(sim().agent(), "again");
    settle();
    put(job("again", "@every 10s"));
    sim().run_for(25s);
    EXPECT_NE(sim().seen().names.at("again"), first);
    EXPECT_EQ(runs("again"), 3u);
}

TEST_F(Story, TheSameKeyIsTheSameRun) {
    begin();
    put(job("keyed", "@manually"));
    lose_answers(0.4);
    for (int i = 0; i < 10; ++i) {
        sim().clients().run(sim().agent(), "keyed", "the key");
        sim().run_for(3s);
    }
    lose_answers(0);
    sim().run_for(30s);
    EXPECT_EQ(runs("keyed"), 1u);
}

TEST_F(Story, ASaveWithAnUnknownOutcomeIsNotRepeatedOverAnotherOne) {
    begin();
    for (int i = 0; i < 30; ++i) {
        lose_answers(0.6);
        sim().clients().put(sim().agent(), job("contended", "@every 1h"));
        sim().run_for(500ms);
        sim().clients().put(sim().agent(), job("contended", "@every 2h"));
        sim().run_for(500ms);
        sim().clients().remove(sim().agent(), "contended");
        sim().run_for(10s);
    }
    lose_answers(0);
    sim().run_for(30s);
}

TEST_F(Story, AtOfAMomentAgoThatAnotherVersionDecidedStopsNothing) {
    begin();
    put(job("every", "* * * * * *"));
    sim().run_for(10s);
    const WallTime decided = sim().wall().floor_second() - 5s;
    edit("every", [](core::JobSpec& spec) { spec.schedule = "@every 1h"; });
    sim().run_for(2s);
    edit("every",
         [&](core::JobSpec& spec) { spec.schedule = "@at " + to_rfc3339(decided); });
    sim().run_for(2s);
    const std::size_t before = runs("every");
    edit("every", [](core::JobSpec& spec) { spec.schedule = "* * * * * *"; });
    sim().run_for(10s);
    EXPECT_GE(runs("every"), before + 9);
    sim().check_punctual(2s);
}

TEST_F(Story, AtWhileTheShardIsAheadOfTheClockStartsOnTime) {
    begin();
    put(job("at", "* * * * * *"));
    sim().run_for(5s);
    edit("at", [](core::JobSpec& spec) { spec.schedule = "@every 1h"; });
    sim().step_clock(-60s);
    const WallTime then = sim().wall().floor_second() + 20s;
    // A new second, not one that was decided before the clock was set back.
    edit("at", [&](core::JobSpec& spec) { spec.schedule = "@at " + to_rfc3339(then); });
    sim().run_for(10s);
    EXPECT_EQ(runs("at"), 4u + (records("at").size() > 5 ? 1u : 0u));
    sim().run_for(20s);
    for (const core::Execution& e : records("at"))
        if (e.scheduled_at == then) EXPECT_GE(e.started_at, then);
}

TEST_F(Story, AFullStoreOnlyDelays) {
    begin();
    put(job("tick", "* * * * * *"));
    sim().run_for(5s);
    sim().store().set_no_space(true);
    sim().run_for(30s);
    sim().store().set_no_space(false);
    sim().run_for(10s);
    EXPECT_GE(runs("tick"), 44u);
    sim().check_punctual(2s);
}

TEST_F(Story, AStoreThatCannotBeReadBackDoesNotLoseAShard) {
    begin();
    put(job("tick", "* * * * * *"));
    StoreFaults::Rules rules;
    rules.read_fails = 0.7;
    rules.unknown = 0.3;
    sim().store_faults().set_rules(rules);
    for (int i = 0; i < 10; ++i) {
        sim().clients().edit(sim().agent(), "tick",
                             [](core::JobSpec& spec) { spec.description += "."; });
        sim().run_for(2s);
    }
    sim().store_faults().set_rules({});
    sim().run_for(30s);
    sim().check_punctual(2s);
}

TEST_F(Story, ACleanStopHandsOverWithoutLosingATick) {
    begin();
    put(job("tick", "* * * * * *", 2s));
    sim().run_for(10s);
    sim().stop_agent(5s);
    ASSERT_TRUE(sim().run_until([&] { return !sim().agent_lives(); }, 20s));
    sim().start_agent();
    sim().run_for(20s);
    sim().check_punctual(2s);
    EXPECT_FALSE(sim().failed());
}

// ---- several agents and workers; what is abandoned is dead

TEST_F(Story, ARunMovesToAnotherWorkerWhenItsOwnIsDead) {
    SimulationOptions options;
    options.agents = 3;
    begin(std::move(options));
    core::JobSpec spec = job("long", "@manually", 300s);
    spec.concurrency = core::Concurrency::forbid;
    spec.guard = 10s;
    put(spec);
    sim().clients().run(sim().agent(), "long", "");
    ASSERT_TRUE(sim().run_until([&] { return running("long"); }, 5s));
    const std::size_t i = host_of(*sim().ledger().running().begin()->second);
    sim().reboot_machine(i);
    // guard + margin, the heartbeat that had just been sent, and the way to the next one.
    ASSERT_TRUE(sim().run_until([&] { return running("long"); }, 17s));
    EXPECT_NE(host_of(*sim().ledger().running().begin()->second), i);
    EXPECT_EQ(records("long").front().lost_count, 1u);
}

TEST_F(Story, ARunIsDeadBeforeItsSuccessorStarts) {
    for (const bool frozen : {false, true}) {
        SimulationOptions options;
        options.agents = 3;
        options.seed = frozen ? 5 : 6;
        begin(std::move(options));
        core::JobSpec spec = job("long", "@manually", 600s);
        spec.concurrency = core::Concurrency::forbid;
        spec.guard = 10s;
        put(spec);
        sim().clients().run(sim().agent(), "long", "");
        ASSERT_TRUE(sim().run_until([&] { return running("long"); }, 5s));
        sim().run_for(3s);
        const std::size_t i = host_of(*sim().ledger().running().begin()->second);
        if (frozen) {
            sim().freeze_worker(120s, i);
        } else {
            sim().cut_off_worker(120s, i);
        }
        ASSERT_TRUE(sim().run_until([&] { return runs("long") == 2; }, 30s));
        EXPECT_TRUE(running("long"));
        sim().run_for(150s);  // it comes back and has nothing to say
        EXPECT_EQ(runs("long"), 2u);
        EXPECT_FALSE(sim().failed());
    }
}

TEST_F(Story, ARunGoesOnWhenTheAgentThatDispatchedItDies) {
    SimulationOptions options;
    options.agents = 3;
    options.worker_dies_with_agent = false;
    begin(std::move(options));
    core::JobSpec spec = job("long", "@manually", 60s);
    spec.guard = 10s;
    put(spec);
    sim().clients().run(sim().agent(), "long", "");
    ASSERT_TRUE(sim().run_until([&] { return running("long"); }, 5s));
    sim().crash_agent(0);
    sim().run_for(5s);
    sim().crash_agent(1);
    ASSERT_TRUE(sim().run_until([&] { return !running("long"); }, 70s));
    sim().run_for(10s);
    EXPECT_EQ(runs("long"), 1u);
    EXPECT_EQ(records("long").front().state, ExecutionState::succeeded);
}

TEST_F(Story, AWorkerThatIsCutOffForLessThanItsGuardKeepsItsRun) {
    SimulationOptions options;
    options.agents = 2;
    begin(std::move(options));
    put(job("long", "@manually", 120s));  // a guard of a minute
    sim().clients().run(sim().agent(), "long", "");
    ASSERT_TRUE(sim().run_until([&] { return running("long"); }, 5s));
    sim().cut_off_worker(40s, host_of(*sim().ledger().running().begin()->second));
    sim().run_for(200s);
    EXPECT_EQ(runs("long"), 1u);
    EXPECT_EQ(records("long").front().state, ExecutionState::succeeded);
}

TEST_F(Story, AMachineThatDiedBeforeTheStartWasOnItsDiskLosesItsRunAndSaysSo) {
    SimulationOptions options;
    options.worker.disk = 10s;
    begin(std::move(options));
    put(job("long", "@manually", 60s));
    sim().clients().run(sim().agent(), "long", "");
    ASSERT_TRUE(sim().run_until([&] { return running("long"); }, 60s));
    sim().reboot_machine();
    sim().start_worker();
    ASSERT_TRUE(sim().run_until([&] { return runs("long") == 2; }, 60s));
    EXPECT_EQ(records("long").front().lost_count, 1u);
}

TEST_F(Story, BothEdgesOfSummerTime) {
    SimulationOptions options;
    options.start = *parse_rfc3339("2024-03-31T00:00:00Z");
    begin(std::move(options));
    core::JobSpec fixed = job("fixed", "0 30 2 * * *");
    fixed.timezone = "Europe/Paris";
    put(fixed);
    core::JobSpec elastic = job("elastic", "0 */15 * * * *");
    elastic.timezone = "Europe/Paris";
    put(elastic);
    sim().run_for(3h);
    ASSERT_EQ(records("fixed").size(), 1u);
    EXPECT_EQ(to_rfc3339(records("fixed").front().scheduled_at), "2024-03-31T01:00:00Z");
    EXPECT_EQ(records("elastic").size(), 12u);
}

TEST_F(Story, TheRepeatedHourRunsOnce) {
    SimulationOptions options;
    options.start = *parse_rfc3339("2024-10-26T23:30:00Z");
    begin(std::move(options));
    core::JobSpec fixed = job("fixed", "0 30 2 * * *");
    fixed.timezone = "Europe/Paris";
    put(fixed);
    crash_and_restart(61min);  // dead at the first 02:30
    sim().run_for(2h);
    ASSERT_EQ(records("fixed").size(), 1u);
    EXPECT_EQ(to_rfc3339(records("fixed").front().scheduled_at), "2024-10-27T00:30:00Z");
}

}  // namespace
}  // namespace khronos::sim

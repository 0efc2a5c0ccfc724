// When an attempt is given up: the owner's part of the rules by which what is abandoned is dead.
// The worker's part is in core/attempt/worker_engine_test.cc.
#include "core/dispatch/dispatch_testing.h"

namespace khronos::core {
namespace {

// One execution runs on `w` under a guard of ten seconds; its heartbeat has revision 50.
class Lost : public Dispatch {
  protected:
    Lost() {
        start();
        hello("w");
        hello("v");
        beat("w", 50);
        RunPlan p = plan();
        p.lost_after = p.run.guard = 10s;
        p.tags = {};
        begin(p);
    }
    void begin(RunPlan p) {
        p.retry.lost_retries = 3;
        open(waiting(1), std::move(p));
        worker_ = std::get<SendToWorker>(effects_.back()).worker;
        other_ = worker_ == "w" ? "v" : "w";
        beat(worker_, 50);
        say(worker_, Accepted{attempt(1)});
        engine_.write_applied(id(1), Revision(60), now(), effects_);
        effects_.clear();
    }
    void beat(const WorkerId& worker, std::uint64_t revision, const std::string& boot = "") {
        engine_.heartbeat_seen(worker, Revision(revision), boot, wall_, now());
    }
    std::vector<WriteExecution> after(Duration time) {
        effects_.clear();
        pass(time);
        return writes();
    }
    WorkerId worker_, other_;
};

TEST_F(Lost, OnlyAfterGuardAndMarginSinceItsOwnFirstLook) {
    EXPECT_TRUE(after(14900ms).empty());
    const auto lost = after(100ms);
    ASSERT_EQ(lost.size(), 1u);
    EXPECT_EQ(lost[0].what, What::retry);
    EXPECT_EQ(lost[0].next.lost_count, 1u);
    EXPECT_EQ(lost[0].next.attempts.back().reason, Reason::worker_lost);
    // Compared in the same transaction: none was committed that was not seen.
    EXPECT_EQ(lost[0].silent, (SilentSince{worker_, Revision(50)}));
}

TEST_F(Lost, TheWaitBeginsAnewWithEveryNewerHeartbeat) {
    EXPECT_TRUE(after(14s).empty());
    beat(worker_, 51);
    EXPECT_TRUE(after(14s).empty());
    beat(worker_, 51);  // told once more, by a list
    const auto lost = after(1s);
    ASSERT_EQ(lost.size(), 1u);
    EXPECT_EQ(lost[0].silent->heartbeat, Revision(51));
}

TEST_F(Lost, AbsenceIsAFreshObservation) {
    beat(worker_, 0);
    EXPECT_TRUE(after(14s).empty());
    beat(worker_, 70);  // a new incarnation
    beat(worker_, 0);
    EXPECT_TRUE(after(14s).empty());
    ASSERT_EQ(after(1s).size(), 1u);
    EXPECT_EQ(writes()[0].silent->heartbeat, Revision(0));
}

TEST_F(Lost, ANewOwnersWaitBeginsWhenItLooks) {
    EXPECT_TRUE(after(14s).empty());
    Execution record = *engine_.find(id(1));
    RunPlan p = plan();
    p.lost_after = p.run.guard = 10s;
    engine_.shard_lost(ShardId(0));
    p.run.id.execution = record.id;
    engine_.open(record, Revision(60), p, now(), effects_);
    engine_.shard_loaded(ShardId(0), now(), effects_);
    EXPECT_TRUE(after(14s).empty());
    EXPECT_EQ(after(1s).size(), 1u);
}

TEST_F(Lost, AHeartbeatIsMadeDurableBeforeItIsAcknowledged) {
    say(worker_, Heartbeat{4, {}, {}});
    EXPECT_TRUE(sent<HeartbeatAck>().empty());
    ASSERT_EQ(effects_.size(), 1u);
    EXPECT_EQ(std::get<CommitHeartbeat>(effects_[0]).sequence, 4u);
}

TEST_F(Lost, SuspicionStopsOffersAndDoesNothingElse) {
    hello(other_, 0);
    effects_.clear();
    EXPECT_TRUE(after(3s).empty());
    open(waiting(2), plan());
    EXPECT_TRUE(sent<Offer>().empty());
    say(worker_, Load{});  // it is heard again
    ASSERT_EQ(sent<Offer>().size(), 1u);
}

TEST_F(Lost, AnOfferToASilentWorkerGoesElsewhere) {
    RunPlan p = plan();
    p.tags = {{"k", "v"}};
    Hello h;
    h.worker = "x";
    h.applications = {"default"};
    h.tags = {{"k", "v"}};
    say("x", h);
    open(waiting(2), p);
    ASSERT_EQ(sent<Offer>().size(), 1u);
    effects_.clear();
    pass(3s);
    h.worker = "y";
    say("y", h);
    ASSERT_EQ(sent<Offer>().size(), 1u);
    EXPECT_EQ(sent<Offer>()[0].spec.id, attempt(2));
}

TEST_F(Lost, AJobThatTakesTwoWorkersWithItIsPoison) {
    ASSERT_EQ(after(15s).size(), 1u);
    engine_.write_applied(id(1), Revision(61), now(), effects_);
    effects_.clear();
    hello(other_);
    ASSERT_EQ(sent<Offer>().size(), 1u);
    say(other_, Accepted{attempt(1, 2)});
    engine_.write_applied(id(1), Revision(62), now(), effects_);
    const auto second = after(15s);
    ASSERT_EQ(second.size(), 1u);
    EXPECT_EQ(second[0].what, What::end);
    EXPECT_EQ(second[0].next.state, ExecutionState::lost);
    EXPECT_EQ(second[0].next.reason, Reason::poison);
}

TEST_F(Lost, WhatWaitsForItsWorkerIsNeverGivenUp) {
    engine_.shard_lost(ShardId(0));
    engine_.shard_loaded(ShardId(0), now(), effects_);
    effects_.clear();
    begin(plan());  // lost_after is 0
    EXPECT_TRUE(after(1000s).empty());
}

TEST(LostPlan, HasNoGuardWhereNoSuccessorMayEverStart) {
    JobSpec spec;
    EXPECT_EQ(plan_of(spec, {}).run.guard, 60s);
    spec.on_lost = OnLost::wait;
    EXPECT_EQ(plan_of(spec, {}).run.guard, 0s);
    EXPECT_EQ(plan_of(spec, {}).lost_after, 0s);
    spec.on_lost = OnLost::fail;
    EXPECT_EQ(plan_of(spec, {}).run.guard, 0s);
    EXPECT_EQ(plan_of(spec, {}).lost_after, 60s);
    spec.concurrency = Concurrency::forbid;
    EXPECT_EQ(plan_of(spec, {}).run.guard, 60s);
}

TEST_F(Lost, TwoLiveBootsOfOneIdAreBothRefused) {
    const auto boot = [&](const std::string& id) {
        Hello h;
        h.worker = "twin";
        h.boot_id = id;
        h.applications = {"default"};
        say("twin", h);
    };
    boot("a");
    boot("b");  // a is dead, as far as one can tell
    EXPECT_TRUE(sent<Rejected>().empty());
    boot("a");
    EXPECT_EQ(sent<Rejected>().size(), 1u);
    effects_.clear();
    say("twin", Heartbeat{1, {}, {}});
    EXPECT_TRUE(effects_.empty());
    boot("b");
    EXPECT_EQ(sent<Rejected>().size(), 1u);
    effects_.clear();
    boot("c");  // started again after the other was put right
    EXPECT_EQ(sent<Welcome>().size(), 1u);
}

TEST_F(Lost, ABootThatSpeaksAfterAnothersHeartbeatWasCommittedElsewhereIsRefused) {
    Hello h;
    h.worker = "twin";
    h.boot_id = "a";
    say("twin", h);
    beat("twin", 70, "z");  // of a former boot, told late
    beat("twin", 71, "a");
    say("twin", Heartbeat{2, {}, {}});
    EXPECT_TRUE(sent<Rejected>().empty());
    beat("twin", 72, "b");
    say("twin", Heartbeat{3, {}, {}});
    EXPECT_EQ(sent<Rejected>().size(), 1u);
}

}  // namespace
}  // namespace khronos::core

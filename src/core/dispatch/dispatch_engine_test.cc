#include "core/dispatch/dispatch_engine.h"

#include <gtest/gtest.h>

namespace khronos::core {
namespace {

using namespace std::chrono_literals;
using What = WriteExecution::What;

WallTime at(std::int64_t seconds) { return WallTime::from_seconds(1704067200 + seconds); }

// A dispatcher whose writes and messages a test looks at, and answers.
class Dispatch : public testing::Test {
  protected:
    Dispatch() : engine_({1000, 1s}) {}

    Now now() const { return {wall_, MonoTime{wall_.us}}; }
    void start() { engine_.start(now(), effects_); }
    void hello(const WorkerId& id, std::uint32_t slots = 10, std::vector<HeldAttempt> held = {},
               std::vector<std::string> applications = {"default"}) {
        Hello h;
        h.worker = id;
        h.node = "node of " + id;
        h.applications = std::move(applications);
        h.slots = slots;
        h.held = std::move(held);
        say(id, h);
    }
    void say(const WorkerId& id, FromWorker message) {
        engine_.from_worker(id, message, now(), effects_, 0);
    }
    static ExecutionId id(std::uint64_t n) {
        return {JobUid(n), {TriggerKind::tick, at(0), 0}, 0};
    }
    static Execution waiting(std::uint64_t n) {
        Execution e;
        e.id = id(n);
        e.job_name = "job";
        e.scheduled_at = e.decided_at = at(0);
        return e;
    }
    Execution claimed(std::uint64_t n, const WorkerId& worker) {
        Execution e = waiting(n);
        e.state = ExecutionState::claimed;
        e.worker = worker;
        return e;
    }
    RunPlan plan() {
        RunPlan p;
        p.run.application = "default";
        return p;
    }
    void open(Execution e, RunPlan p) {
        p.run.id.execution = e.id;
        engine_.open(std::move(e), Revision(7), std::move(p), now(), effects_);
    }
    // Opened, offered, accepted, claimed and started on w.
    void run_one(RunPlan p) {
        open(waiting(1), std::move(p));
        say("w", Accepted{attempt(1)});
        engine_.write_applied(id(1), Revision(20), now(), effects_);
        effects_.clear();
    }
    static AttemptId attempt(std::uint64_t n, std::uint32_t number = 1) {
        return {id(n), AttemptNo(number)};
    }
    Finished finished(ExecutionState outcome, std::uint32_t number = 1,
                      std::uint64_t token = 1020) {
        Finished f{attempt(1, number), FenceToken(token), {}};
        f.result.outcome = outcome;
        f.result.finished_at = wall_;
        return f;
    }
    template <class Message>
    std::vector<Message> sent() const {
        std::vector<Message> found;
        for (const DispatchEffect& effect : effects_)
            if (const auto* send = std::get_if<SendToWorker>(&effect))
                if (const auto* message = std::get_if<Message>(&send->message))
                    found.push_back(*message);
        return found;
    }
    std::vector<WriteExecution> writes() const {
        std::vector<WriteExecution> found;
        for (const DispatchEffect& effect : effects_)
            if (const auto* write = std::get_if<WriteExecution>(&effect)) found.push_back(*write);
        return found;
    }

    DispatchEngine engine_;
    DispatchEffects effects_;
    WallTime wall_ = at(0);
};

TEST_F(Dispatch, OffersNothingBeforeItIsStarted) {
    hello("w");
    open(waiting(1), plan());
    EXPECT_TRUE(sent<Offer>().empty());
    start();
    ASSERT_EQ(sent<Offer>().size(), 1u);
    EXPECT_EQ(sent<Offer>()[0].spec.id, attempt(1));
}

TEST_F(Dispatch, NothingStartsBeforeItsClaimIsDurable) {
    start();
    hello("w");
    open(waiting(1), plan());
    say("w", Accepted{attempt(1)});
    EXPECT_TRUE(sent<Start>().empty());
    ASSERT_EQ(writes().size(), 1u);
    EXPECT_EQ(writes()[0].what, What::claim);
    EXPECT_EQ(writes()[0].expected, Revision(7));
    EXPECT_EQ(writes()[0].next.state, ExecutionState::claimed);
    EXPECT_EQ(writes()[0].next.worker, "w");
    engine_.write_applied(id(1), Revision(20), now(), effects_);
    ASSERT_EQ(sent<Start>().size(), 1u);
    EXPECT_EQ(sent<Start>()[0].token, FenceToken(1020));  // base + the claim's revision
}

TEST_F(Dispatch, AnAcknowledgementWaitsForTheEnd) {
    start();
    hello("w");
    run_one(plan());
    say("w", finished(ExecutionState::succeeded));
    EXPECT_TRUE(sent<Acknowledge>().empty());
    ASSERT_EQ(writes().size(), 1u);
    EXPECT_EQ(writes()[0].what, What::end);
    // Said once more meanwhile, and in a hello: still not.
    say("w", finished(ExecutionState::succeeded));
    hello("w", 10, {{attempt(1), FenceToken(1020), HeldState::ended, {}}});
    EXPECT_TRUE(sent<Acknowledge>().empty());
    EXPECT_TRUE(sent<Cancel>().empty());
    engine_.write_applied(id(1), Revision(21), now(), effects_);
    EXPECT_EQ(sent<Acknowledge>().size(), 1u);
    EXPECT_EQ(engine_.find(id(1)), nullptr);
}

TEST_F(Dispatch, AHelloWhileARetryIsWrittenAcknowledgesNothing) {
    start();
    hello("w");
    RunPlan p = plan();
    p.retry.retries = 1;
    run_one(p);
    say("w", finished(ExecutionState::failed));
    hello("w", 10, {{attempt(1), FenceToken(1020), HeldState::ended, {}}});
    EXPECT_TRUE(sent<Acknowledge>().empty());
    engine_.write_applied(id(1), Revision(21), now(), effects_);
    ASSERT_EQ(sent<Acknowledge>().size(), 1u);
    EXPECT_EQ(sent<Acknowledge>()[0].id, attempt(1));
}

TEST_F(Dispatch, AnOldTokenChangesNothing) {
    start();
    hello("w");
    run_one(plan());
    say("w", finished(ExecutionState::succeeded, 1, 1019));
    EXPECT_TRUE(effects_.empty());
}

TEST_F(Dispatch, AReportOfNobodysAttemptIsAcknowledgedAway) {
    start();
    hello("w");
    say("w", finished(ExecutionState::succeeded));
    EXPECT_EQ(sent<Acknowledge>().size(), 1u);
}

TEST_F(Dispatch, AFailureIsTriedAgainAfterItsDelay) {
    start();
    hello("w");
    RunPlan p = plan();
    p.retry.retries = 1;
    p.retry.delay = 10s;
    run_one(p);
    say("w", finished(ExecutionState::failed));
    ASSERT_EQ(writes().size(), 1u);
    EXPECT_EQ(writes()[0].what, What::retry);
    EXPECT_EQ(writes()[0].next.attempt, AttemptNo(2));
    EXPECT_EQ(writes()[0].next.failed_count, 1u);
    EXPECT_EQ(writes()[0].next.attempts.size(), 1u);
    EXPECT_FALSE(writes()[0].next.token);
    effects_.clear();
    engine_.write_applied(id(1), Revision(21), now(), effects_);
    ASSERT_EQ(sent<Offer>().size(), 1u);  // the jitter of this test is 0
    EXPECT_EQ(sent<Offer>()[0].spec.id, attempt(1, 2));
}

TEST_F(Dispatch, TheLastFailureIsTheEnd) {
    start();
    hello("w");
    run_one(plan());
    say("w", finished(ExecutionState::failed));
    ASSERT_EQ(writes().size(), 1u);
    EXPECT_EQ(writes()[0].next.state, ExecutionState::failed);
}

TEST_F(Dispatch, FailfastIsNotTriedAgain) {
    start();
    hello("w");
    RunPlan p = plan();
    p.retry.retries = 5;
    p.retry.on_failure = OnFailure::failfast;
    run_one(p);
    say("w", finished(ExecutionState::failed));
    EXPECT_EQ(writes()[0].what, What::end);
}

TEST_F(Dispatch, LostRunsHaveACountOfTheirOwn) {
    start();
    hello("w");
    RunPlan p = plan();
    p.retry.lost_retries = 1;
    run_one(p);
    hello("w");  // holds nothing any more
    ASSERT_EQ(writes().size(), 1u);
    EXPECT_EQ(writes()[0].what, What::retry);
    EXPECT_EQ(writes()[0].next.lost_count, 1u);
    EXPECT_EQ(writes()[0].next.failed_count, 0u);
}

TEST_F(Dispatch, ThatARunWasLateIsNotForgotten) {
    start();
    hello("w");
    Execution late = waiting(1);
    late.reason = Reason::late;
    open(late, plan());
    say("w", Accepted{attempt(1)});
    engine_.write_applied(id(1), Revision(20), now(), effects_);
    effects_.clear();
    say("w", finished(ExecutionState::succeeded));
    EXPECT_EQ(writes()[0].next.reason, Reason::late);
}

TEST_F(Dispatch, ARefusedOfferIsMadeAgainAfterAPause) {
    start();
    hello("w");
    open(waiting(1), plan());
    effects_.clear();
    say("w", Refused{attempt(1), Reason::no_worker, "full", true});
    EXPECT_TRUE(effects_.empty());
    EXPECT_EQ(engine_.next_wake(), at(1));
    wall_ = at(1);
    engine_.wake(now(), effects_);
    EXPECT_EQ(sent<Offer>().size(), 1u);
}

TEST_F(Dispatch, WhatNoWorkerCouldDoEnds) {
    start();
    hello("w");
    open(waiting(1), plan());
    say("w", Refused{attempt(1), Reason::no_executor, "no such executor", false});
    ASSERT_EQ(writes().size(), 1u);
    EXPECT_EQ(writes()[0].next.state, ExecutionState::failed);
    EXPECT_EQ(writes()[0].next.reason, Reason::no_executor);
}

TEST_F(Dispatch, AnOfferToAWorkerThatIsGoneGoesElsewhereAtOnce) {
    start();
    hello("w");
    open(waiting(1), plan());
    hello("other");
    effects_.clear();
    engine_.worker_gone("w", now(), effects_);
    ASSERT_EQ(sent<Offer>().size(), 1u);
    EXPECT_EQ(std::get<SendToWorker>(effects_[0]).worker, "other");
}

TEST_F(Dispatch, OnlyWorkersOfItsApplicationWithAFreeSlotAreAsked) {
    start();
    hello("other", 10, {}, {"web"});
    hello("small", 1);
    open(waiting(1), plan());
    open(waiting(2), plan());
    ASSERT_EQ(sent<Offer>().size(), 1u);
    hello("large");
    EXPECT_EQ(sent<Offer>().size(), 2u);
}

TEST_F(Dispatch, AResumedRunGoesOnWithItsToken) {
    open(claimed(1, "w"), plan());
    start();
    hello("w", 10, {{attempt(1), FenceToken(1007), HeldState::running, {}}});
    EXPECT_TRUE(sent<Cancel>().empty());
    EXPECT_TRUE(writes().empty());
    say("w", finished(ExecutionState::succeeded, 1, 1007));
    EXPECT_EQ(writes().size(), 1u);
}

TEST_F(Dispatch, AnAcceptedAttemptThatWasClaimedGetsItsLeaveAgain) {
    open(claimed(1, "w"), plan());
    start();
    hello("w", 10, {{attempt(1), {}, HeldState::accepted, {}}});
    ASSERT_EQ(sent<Start>().size(), 1u);
    EXPECT_EQ(sent<Start>()[0].token, FenceToken(1007));
}

TEST_F(Dispatch, WhatAWorkerHoldsWithoutAClaimIsTakenFromIt) {
    start();
    hello("w", 10, {{attempt(1), {}, HeldState::accepted, {}}});
    EXPECT_EQ(sent<Cancel>().size(), 1u);
}

TEST_F(Dispatch, AHelloWhileTheClaimIsWrittenTakesNothingAway) {
    start();
    hello("w");
    open(waiting(1), plan());
    say("w", Accepted{attempt(1)});
    effects_.clear();
    hello("w", 10, {{attempt(1), {}, HeldState::accepted, {}}});
    EXPECT_TRUE(sent<Cancel>().empty());
    engine_.write_applied(id(1), Revision(20), now(), effects_);
    EXPECT_EQ(sent<Start>().size(), 1u);
}

TEST_F(Dispatch, AClaimThatLostGivesTheWorkerItsSlotBack) {
    start();
    hello("w");
    open(waiting(1), plan());
    say("w", Accepted{attempt(1)});
    effects_.clear();
    Execution ended = waiting(1);
    ended.state = ExecutionState::cancelled;
    engine_.reload(id(1), ended, Revision(9), now(), effects_);
    EXPECT_EQ(sent<Cancel>().size(), 1u);
    EXPECT_EQ(engine_.workers()[0].used, 0u);
}

TEST_F(Dispatch, CancellingWhatWaitsEndsIt) {
    start();
    open(waiting(1), plan());
    engine_.cancel(id(1), Reason::user, now(), effects_);
    ASSERT_EQ(writes().size(), 1u);
    EXPECT_EQ(writes()[0].next.state, ExecutionState::cancelled);
    EXPECT_EQ(writes()[0].next.reason, Reason::user);
}

TEST_F(Dispatch, CancellingARunAsksItsWorkerAndDoesNotRetry) {
    start();
    hello("w");
    RunPlan p = plan();
    p.retry.retries = 3;
    run_one(p);
    engine_.cancel(id(1), Reason::user, now(), effects_);
    EXPECT_EQ(sent<Cancel>().size(), 1u);
    say("w", finished(ExecutionState::failed));
    ASSERT_EQ(writes().size(), 1u);
    EXPECT_EQ(writes()[0].what, What::end);
}

TEST_F(Dispatch, ACancelSurvivesAReload) {
    start();
    hello("w");
    open(waiting(1), plan());
    say("w", Accepted{attempt(1)});
    engine_.cancel(id(1), Reason::user, now(), effects_);
    effects_.clear();
    engine_.reload(id(1), waiting(1), Revision(9), now(), effects_);
    ASSERT_EQ(writes().size(), 1u);
    EXPECT_EQ(writes()[0].next.state, ExecutionState::cancelled);
}

TEST_F(Dispatch, OfADeletedJobWhatWaitsEndsAndWhatRunsIsNotTriedAgain) {
    start();
    hello("w", 1);
    RunPlan p = plan();
    p.retry.retries = 3;
    run_one(p);
    Execution second = waiting(1);
    second.id.trigger.at = at(1);
    open(second, plan());
    engine_.job_deleted(JobUid(1), now(), effects_);
    ASSERT_EQ(writes().size(), 1u);
    EXPECT_EQ(writes()[0].next.id, second.id);
    EXPECT_EQ(writes()[0].next.reason, Reason::deleted);
    EXPECT_TRUE(sent<Cancel>().empty());
    effects_.clear();
    say("w", finished(ExecutionState::failed));
    ASSERT_EQ(writes().size(), 1u);
    EXPECT_EQ(writes()[0].what, What::end);
}

TEST_F(Dispatch, TheStartDeadlineIsOfTheFirstAttempt) {
    start();
    RunPlan p = plan();
    p.start_deadline = 5s;
    open(waiting(1), p);
    EXPECT_EQ(engine_.next_wake(), at(5));
    wall_ = at(5);
    engine_.wake(now(), effects_);
    ASSERT_EQ(writes().size(), 1u);
    EXPECT_EQ(writes()[0].next.reason, Reason::deadline);

    Execution retry = waiting(2);
    retry.state = ExecutionState::retry_wait;
    retry.attempt = AttemptNo(2);
    p.run.id.execution = retry.id;
    effects_.clear();
    open(retry, p);
    engine_.wake(now(), effects_);
    EXPECT_TRUE(effects_.empty());
}

TEST_F(Dispatch, TheStartDeadlineCountsFromWhenItCouldStart) {
    start();
    RunPlan p = plan();
    p.start_deadline = 5s;
    Execution spread = waiting(1);
    spread.not_before = at(20);
    open(spread, p);
    EXPECT_EQ(engine_.next_wake(), at(20));
    wall_ = at(20);
    engine_.wake(now(), effects_);
    EXPECT_TRUE(effects_.empty());
    EXPECT_EQ(engine_.next_wake(), at(25));
}

TEST_F(Dispatch, NothingIsOfferedBeforeItsTime) {
    start();
    hello("w");
    effects_.clear();
    Execution later = waiting(1);
    later.not_before = at(10);
    open(later, plan());
    EXPECT_TRUE(effects_.empty());
    wall_ = at(10);
    engine_.wake(now(), effects_);
    EXPECT_EQ(sent<Offer>().size(), 1u);
}

TEST_F(Dispatch, WhileItDrainsNothingNewIsClaimed) {
    start();
    hello("w");
    open(waiting(1), plan());
    engine_.drain();
    effects_.clear();
    say("w", Accepted{attempt(1)});
    EXPECT_TRUE(writes().empty());
    EXPECT_EQ(sent<Cancel>().size(), 1u);
}

TEST_F(Dispatch, AnEphemeralJobIsDoneAfterItsFirstSuccess) {
    start();
    hello("w");
    RunPlan p = plan();
    p.ephemeral = true;
    run_one(p);
    say("w", finished(ExecutionState::succeeded));
    EXPECT_TRUE(writes()[0].ephemeral_done);
}

TEST_F(Dispatch, CountsWhatWaitsAndRuns) {
    start();
    hello("w", 1);
    run_one(plan());
    open(waiting(2), plan());
    EXPECT_EQ(engine_.stats().running, 1u);
    EXPECT_EQ(engine_.stats().waiting, 1u);
    EXPECT_EQ(engine_.running().size(), 1u);
    EXPECT_EQ(engine_.workers()[0].used, 1u);
}

}  // namespace
}  // namespace khronos::core

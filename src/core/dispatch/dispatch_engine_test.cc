#include "core/dispatch/dispatch_testing.h"

namespace khronos::core {
namespace {

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

TEST_F(Dispatch, AReportOfNobodysAttemptIsAcknowledgedOnlyWhenTheStoreSaysSo) {
    start();
    hello("w");
    say("w", finished(ExecutionState::succeeded));
    ASSERT_EQ(checks().size(), 1u);
    EXPECT_TRUE(sent<Acknowledge>().empty());
    const HeldAttempt held = checks()[0].held;
    // Another owner has claimed it with this worker.
    engine_.checked("w", held, claimed(1, "w"), effects_);
    EXPECT_TRUE(sent<Acknowledge>().empty());
    EXPECT_TRUE(sent<Cancel>().empty());
    Execution ended = claimed(1, "w");
    ended.state = ExecutionState::succeeded;
    engine_.checked("w", held, ended, effects_);
    EXPECT_EQ(sent<Acknowledge>().size(), 1u);
    engine_.checked("w", held, std::nullopt, effects_);
    EXPECT_EQ(sent<Acknowledge>().size(), 2u);
}

TEST_F(Dispatch, WhatAWorkerHoldsOfAShardThatIsNotLoadedIsNotJudged) {
    hello("w", 10, {{attempt(1), FenceToken(1007), HeldState::running, {}}});
    say("w", finished(ExecutionState::succeeded));
    say("w", Accepted{attempt(1)});
    EXPECT_TRUE(checks().empty());
    EXPECT_TRUE(sent<Acknowledge>().empty());
    EXPECT_TRUE(sent<Cancel>().empty());
}

TEST_F(Dispatch, ANewOwnerAsksTheWorkersThatAreConnectedAlready) {
    hello("w");
    hello("other");
    effects_.clear();
    open(claimed(1, "w"), plan());
    engine_.shard_loaded(ShardId(0), now(), effects_);
    const auto asks = sent<Ask>();
    ASSERT_EQ(asks.size(), 2u);
    EXPECT_TRUE(asks[0].attempts.empty());  // `other`: what it holds of the shard
    EXPECT_EQ(asks[0].shards, (std::vector<ShardId>{ShardId(0)}));
    EXPECT_EQ(asks[1].attempts, (std::vector<Claimed>{{attempt(1), FenceToken(1007)}}));
    effects_.clear();
    Answer answer{attempt(1), FenceToken(1007), AnswerState::accepted, {}, {}};
    say("w", answer);
    EXPECT_EQ(sent<Start>().size(), 1u);  // the leave is given again
    answer.state = AnswerState::ended;
    answer.result.outcome = ExecutionState::succeeded;
    say("w", answer);
    ASSERT_EQ(writes().size(), 1u);
    EXPECT_EQ(writes()[0].next.state, ExecutionState::succeeded);
}

TEST_F(Dispatch, AnAnswerOfNeverIsProofThatItDidNotRun) {
    start();
    hello("w");
    open(claimed(1, "w"), plan());
    // Of an older claim.
    say("w", Answer{attempt(1), FenceToken(1006), AnswerState::never, {}, {}});
    EXPECT_TRUE(writes().empty());
    say("w", Answer{attempt(1), FenceToken(1007), AnswerState::never, {}, {}});
    ASSERT_EQ(writes().size(), 1u);
    EXPECT_EQ(writes()[0].what, What::retry);
    EXPECT_EQ(writes()[0].next.failed_count, 0u);
    EXPECT_EQ(writes()[0].next.lost_count, 0u);
    EXPECT_FALSE(writes()[0].silent.has_value());
}

TEST_F(Dispatch, AShardThatIsLostIsForgottenWithoutAWrite) {
    start();
    hello("w", 2);
    run_one(plan());
    open(waiting(2), plan());
    effects_.clear();
    engine_.shard_lost(ShardId(0));
    EXPECT_TRUE(effects_.empty());
    EXPECT_EQ(engine_.find(id(1)), nullptr);
    EXPECT_EQ(engine_.stats().running + engine_.stats().waiting, 0u);
    EXPECT_EQ(engine_.workers()[0].used, 0u);
    say("w", finished(ExecutionState::succeeded));
    EXPECT_TRUE(effects_.empty());
    engine_.write_applied(id(1), Revision(30), now(), effects_);  // an old write's outcome
    EXPECT_TRUE(effects_.empty());
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
    hello("w", 10, {{attempt(1), {}, HeldState::ended, lost()}});  // its machine was started anew
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
    ASSERT_EQ(checks().size(), 1u);
    engine_.checked("w", checks()[0].held, waiting(1), effects_);
    EXPECT_EQ(sent<Cancel>().size(), 1u);
}

TEST_F(Dispatch, AHelloThatDoesNotNameAClaimedAttemptIsNoProof) {
    // It may have been on its way while another agent had the worker accept the attempt.
    start();
    open(claimed(1, "w"), plan());
    hello("w");
    EXPECT_TRUE(writes().empty());
    ASSERT_EQ(sent<Ask>().size(), 1u);
    EXPECT_EQ(sent<Ask>()[0].attempts, (std::vector<Claimed>{{attempt(1), FenceToken(1007)}}));
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

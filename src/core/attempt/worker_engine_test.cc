#include "core/attempt/worker_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace khronos::core::attempt {
namespace {

using std::chrono::seconds;

constexpr LinkId kA{1};
constexpr LinkId kB{2};
constexpr FenceToken kToken{50};

AttemptId attempt(std::uint32_t n, std::uint32_t no = 1) {
    AttemptId id;
    id.execution.uid = JobUid{n};
    id.execution.trigger.at = WallTime::from_seconds(1704067200);
    id.attempt = AttemptNo{no};
    return id;
}

RunSpec spec_of(AttemptId id, Duration guard = Duration(0)) {
    RunSpec spec;
    spec.id = id;
    spec.job_name = "job";
    spec.executor = "shell";
    spec.guard = guard;
    return spec;
}

RunResult success() {
    RunResult r;
    r.outcome = ExecutionState::succeeded;
    return r;
}

// An engine on a clock of its own, whose notes become durable when the test says so.
class EngineTest : public testing::Test {
  protected:
    EngineTest() { boot({}); }

    void boot(const Restored& restored, std::uint32_t slots = 3) {
        WorkerEngineConfig config;
        config.hello.worker = "w";
        config.hello.slots = slots;
        config.check = [](const RunSpec& spec) -> std::optional<Objection> {
            if (spec.executor == "shell" || spec.executor == "http") return std::nullopt;
            return Objection{Reason::no_executor, "no", false};
        };
        config.in_process = [](const RunSpec& spec) { return spec.executor == "http"; };
        engine = std::make_unique<WorkerEngine>(std::move(config), restored);
    }
    std::vector<WorkerEffect> step(WorkerEvent event) {
        std::vector<WorkerEffect> effects = engine->step(event, now);
        for (const WorkerEffect& e : effects) {
            if (const auto* note = std::get_if<WriteNote>(&e)) {
                last = note->number;
                notes.add(note->note);
            }
        }
        return effects;
    }
    std::vector<WorkerEffect> hear(ToWorker m, LinkId link = kA) {
        return step(AgentSaid{link, std::move(m)});
    }
    std::vector<WorkerEffect> sync() { return step(NotesDurable{last}); }
    void pass(Duration d) {
        now.mono = now.mono + d;
        now.wall = now.wall + d;
    }
    void connect(LinkId link = kA) { step(LinkUp{link}); }
    // Connected, with a heartbeat committed that was sent now.
    void connect_and_beat() {
        connect();
        hear(HeartbeatAck{1});
    }
    void accept(const RunSpec& spec) {
        hear(Offer{spec});
        ASSERT_EQ(said<Accepted>(sync()), 1u);
    }
    void run(const RunSpec& spec) {
        accept(spec);
        ASSERT_EQ(count<BeginRun>(hear(Start{spec.id, kToken})), 1u);
        ASSERT_EQ(said<Started>(step(RunStarted{spec.id, now.wall})), 1u);
    }
    void finish(AttemptId id) {
        step(RunEnded{id, success()});
        ASSERT_EQ(said<Finished>(sync()), 1u);
    }

    template <class Effect>
    static std::size_t count(const std::vector<WorkerEffect>& effects) {
        return static_cast<std::size_t>(std::ranges::count_if(
            effects, [](const WorkerEffect& e) { return std::holds_alternative<Effect>(e); }));
    }
    template <class Message>
    static std::vector<Message> all_said(const std::vector<WorkerEffect>& effects) {
        std::vector<Message> found;
        for (const WorkerEffect& e : effects)
            if (const auto* say = std::get_if<Say>(&e))
                if (const auto* m = std::get_if<Message>(&say->message)) found.push_back(*m);
        return found;
    }
    template <class Message>
    static std::size_t said(const std::vector<WorkerEffect>& effects) {
        return all_said<Message>(effects).size();
    }

    std::unique_ptr<WorkerEngine> engine;
    Now now{WallTime::from_seconds(1704067200), MonoTime{1'000'000'000}};
    NoteNumber last;
    AttemptNotes notes;
};

TEST_F(EngineTest, SaysAcceptedOnlyWhenItsIntentionIsDurable) {
    connect();
    const auto effects = hear(Offer{spec_of(attempt(1))});
    ASSERT_EQ(effects.size(), 1u);
    const auto& note = std::get<WriteNote>(effects[0]);
    EXPECT_EQ(note.note.step, AttemptStep::intended);
    EXPECT_TRUE(note.durable);
    EXPECT_EQ(sync(), (std::vector<WorkerEffect>{Say{kA, Accepted{attempt(1)}}}));
    EXPECT_TRUE(sync().empty());
}

TEST_F(EngineTest, GoesFromOfferToForgotten) {
    connect();
    const RunSpec spec = spec_of(attempt(1));
    accept(spec);
    auto effects = hear(Start{spec.id, kToken});
    ASSERT_EQ(effects.size(), 2u);
    EXPECT_EQ(std::get<WriteNote>(effects[0]).note.step, AttemptStep::started);
    EXPECT_EQ(std::get<BeginRun>(effects[1]), (BeginRun{spec, kToken, {}}));
    effects = step(RunStarted{spec.id, now.wall});
    EXPECT_EQ(effects, (std::vector<WorkerEffect>{Say{kA, Started{spec.id, kToken, now.wall}}}));
    effects = step(RunEnded{spec.id, success()});
    ASSERT_EQ(effects.size(), 1u);
    EXPECT_TRUE(std::get<WriteNote>(effects[0]).durable);
    EXPECT_EQ(engine->busy(), 0u);
    EXPECT_EQ(sync(), (std::vector<WorkerEffect>{Say{kA, Finished{spec.id, kToken, success()}}}));
    effects = hear(Acknowledge{spec.id});
    ASSERT_EQ(effects.size(), 2u);
    EXPECT_EQ(std::get<WriteNote>(effects[0]).note.step, AttemptStep::forgotten);
    EXPECT_EQ(std::get<ForgetRun>(effects[1]).id, spec.id);
    EXPECT_EQ(engine->held(), 0u);
    EXPECT_TRUE(notes.all().empty());
}

TEST_F(EngineTest, AnswersEveryRepetitionWithTheStateItIsIn) {
    connect();
    const RunSpec spec = spec_of(attempt(1));
    hear(Offer{spec});
    EXPECT_TRUE(hear(Offer{spec}).empty());
    sync();
    EXPECT_EQ(said<Accepted>(hear(Offer{spec})), 1u);
    hear(Start{spec.id, kToken});
    EXPECT_TRUE(hear(Start{spec.id, kToken}).empty());
    step(RunStarted{spec.id, now.wall});
    EXPECT_EQ(said<Started>(hear(Start{spec.id, kToken})), 1u);
    EXPECT_EQ(said<Started>(hear(Offer{spec})), 1u);
    finish(spec.id);
    EXPECT_EQ(said<Finished>(hear(Start{spec.id, kToken})), 1u);
    EXPECT_EQ(said<Finished>(hear(Offer{spec})), 1u);
    EXPECT_EQ(said<Finished>(hear(Cancel{spec.id})), 1u);
    EXPECT_TRUE(step(RunEnded{spec.id, success()}).empty());
}

TEST_F(EngineTest, StartsOnceWhenTheLeaveComesBeforeTheNoteIsDurable) {
    connect();
    hear(Offer{spec_of(attempt(1))});
    EXPECT_TRUE(hear(Start{attempt(1), kToken}).empty());
    EXPECT_EQ(count<BeginRun>(sync()), 1u);
}

TEST_F(EngineTest, RefusesAStartOfWhatItNeverAcceptedAndEverAfterUnderThatToken) {
    connect();
    EXPECT_EQ(said<Refused>(hear(Start{attempt(1), FenceToken{5}})), 0u);  // written down first
    EXPECT_EQ(said<Refused>(sync()), 1u);
    // A new owner offers it again; the old one's leave arrives late.
    accept(spec_of(attempt(1)));
    const auto effects = hear(Start{attempt(1), FenceToken{5}}, kB);
    EXPECT_EQ(count<BeginRun>(effects), 0u);
    EXPECT_EQ(said<Refused>(effects), 1u);
    EXPECT_EQ(count<BeginRun>(hear(Start{attempt(1), FenceToken{6}})), 1u);
}

TEST_F(EngineTest, RefusesUnderARefusedTokenEvenAfterItsOwnRestart) {
    connect();
    hear(Start{attempt(1), FenceToken{5}});
    sync();
    boot(restore(notes.all(), {}, true, now.wall));
    connect();
    accept(spec_of(attempt(1)));
    EXPECT_EQ(said<Refused>(hear(Start{attempt(1), FenceToken{5}})), 1u);
    EXPECT_EQ(count<BeginRun>(hear(Start{attempt(1), FenceToken{6}})), 1u);
}

TEST_F(EngineTest, NeverStartsWhatWasCancelledBeforeItsLeave) {
    connect();
    for (const bool durable : {false, true}) {
        const RunSpec spec = spec_of(attempt(durable ? 1 : 2));
        hear(Offer{spec});
        if (durable) sync();
        hear(Cancel{spec.id});
        auto effects = sync();
        EXPECT_EQ(said<Accepted>(effects), 0u);
        ASSERT_EQ(said<Refused>(effects), 1u);
        EXPECT_EQ(all_said<Refused>(effects)[0].reason, Reason::user);
        EXPECT_EQ(count<BeginRun>(hear(Start{spec.id, kToken})), 0u);
        EXPECT_EQ(said<Refused>(sync()), 1u);
    }
    EXPECT_EQ(engine->busy(), 0u);
}

TEST_F(EngineTest, KillsARunThatIsCancelled) {
    connect();
    run(spec_of(attempt(1)));
    EXPECT_EQ(hear(Cancel{attempt(1)}),
              (std::vector<WorkerEffect>{KillRun{attempt(1), KillWhy::cancelled}}));
}

TEST_F(EngineTest, RefusesWhatHasNoSlotButNotWhatHasEnded) {
    connect();
    for (std::uint32_t i = 1; i <= 3; ++i)
        run(spec_of(attempt(i)));
    auto effects = hear(Offer{spec_of(attempt(4))});
    ASSERT_EQ(said<Refused>(effects), 1u);
    EXPECT_TRUE(all_said<Refused>(effects)[0].retry_elsewhere);
    finish(attempt(2));
    accept(spec_of(attempt(4)));
}

TEST_F(EngineTest, RefusesWhatNoWorkerCouldDo) {
    connect();
    RunSpec spec = spec_of(attempt(1));
    spec.executor = "";
    EXPECT_EQ(hear(Offer{spec}), (std::vector<WorkerEffect>{Say{
                                     kA, Refused{attempt(1), Reason::no_executor, "no", false}}}));
}

TEST_F(EngineTest, TakesNothingNewWhileItDrains) {
    connect();
    run(spec_of(attempt(1)));
    step(DrainAsked{true});
    EXPECT_EQ(said<Refused>(hear(Offer{spec_of(attempt(2))})), 1u);
    finish(attempt(1));
    step(DrainAsked{false});
    accept(spec_of(attempt(2)));
}

TEST_F(EngineTest, PassesOnThatARunWasCertainlyNotStarted) {
    connect();
    accept(spec_of(attempt(1)));
    hear(Start{attempt(1), kToken});
    step(RunRefused{attempt(1), "cannot fork"});
    const auto effects = sync();
    ASSERT_EQ(said<Refused>(effects), 1u);
    EXPECT_EQ(all_said<Refused>(effects)[0].message, "cannot fork");
    EXPECT_TRUE(all_said<Refused>(effects)[0].retry_elsewhere);
    EXPECT_EQ(engine->busy(), 0u);
    EXPECT_EQ(said<Refused>(hear(Start{attempt(1), kToken})), 1u);
}

TEST_F(EngineTest, TellsEveryNewConnectionWhatItHolds) {
    connect();
    boot({}, 10);
    connect();
    accept(spec_of(attempt(1)));
    run(spec_of(attempt(2)));
    run(spec_of(attempt(3)));
    finish(attempt(3));
    hear(Offer{spec_of(attempt(4))});  // promised to nobody yet
    step(LinkDown{kA});
    const auto effects = step(LinkUp{kA});
    const auto hello = all_said<Hello>(effects).at(0);
    EXPECT_EQ(hello.held,
              (std::vector<HeldAttempt>{{attempt(1), {}, HeldState::accepted, {}},
                                        {attempt(2), kToken, HeldState::running, {}},
                                        {attempt(3), kToken, HeldState::ended, success()}}));
    EXPECT_EQ(said<Heartbeat>(effects), 1u);
}

TEST_F(EngineTest, ReportsOnALivingLinkWhenTheAskersIsGone) {
    connect(kA);
    connect(kB);
    run(spec_of(attempt(1)));
    step(LinkDown{kA});
    step(RunEnded{attempt(1), success()});
    EXPECT_EQ(sync(),
              (std::vector<WorkerEffect>{Say{kB, Finished{attempt(1), kToken, success()}}}));
}

TEST_F(EngineTest, KeepsAResultThatNobodyCouldBeTold) {
    connect();
    run(spec_of(attempt(1)));
    step(LinkDown{kA});
    step(RunEnded{attempt(1), success()});
    EXPECT_TRUE(sync().empty());
    EXPECT_EQ(all_said<Hello>(step(LinkUp{kA})).at(0).held.at(0).state, HeldState::ended);
}

TEST_F(EngineTest, GivesUpWhatGetsNoLeave) {
    connect();
    accept(spec_of(attempt(1)));
    pass(seconds(61));
    EXPECT_LE(engine->next_wake(), now.mono);
    step(TimePassed{});
    EXPECT_EQ(said<Refused>(sync()), 1u);
    EXPECT_EQ(engine->busy(), 0u);
    EXPECT_EQ(count<BeginRun>(hear(Start{attempt(1), kToken})), 0u);
}

TEST_F(EngineTest, SaysHowFullItIsOnEachLink) {
    connect(kA);
    pass(Duration(500000));
    EXPECT_EQ(all_said<Load>(step(LinkUp{kB})), (std::vector<Load>{{0, {}, false}}));
    EXPECT_EQ(engine->next_wake(), now.mono + Duration(500000));
    pass(Duration(500000));
    EXPECT_EQ(said<Load>(step(TimePassed{})), 1u);
    RunSpec spec = spec_of(attempt(1));
    spec.type = "heavy";
    run(spec);
    pass(seconds(1));
    EXPECT_EQ(all_said<Load>(step(TimePassed{})),
              (std::vector<Load>{{1, {{"heavy", 1}}, false}, {1, {{"heavy", 1}}, false}}));
    EXPECT_EQ(all_said<Load>(step(DrainAsked{true})).at(0).draining, true);
}

TEST_F(EngineTest, SendsItsHeartbeatsToOneAgentAndToTheNextWhenItIsSilent) {
    connect(kA);
    hear(HeartbeatAck{1});
    connect(kB);
    pass(seconds(10));
    auto effects = step(TimePassed{});
    ASSERT_EQ(said<Heartbeat>(effects), 1u);
    EXPECT_EQ(std::get<Say>(effects[0]).link, kA);
    EXPECT_EQ(all_said<Heartbeat>(effects)[0].sequence, 2u);
    pass(seconds(2));
    EXPECT_LE(engine->next_wake(), now.mono);
    effects = step(TimePassed{});
    ASSERT_EQ(said<Heartbeat>(effects), 1u);
    EXPECT_EQ(std::get<Say>(effects[0]).link, kB);
    EXPECT_EQ(all_said<Heartbeat>(effects)[0].sequence, 3u);
    hear(HeartbeatAck{3}, kB);
    step(LinkDown{kA});
    EXPECT_EQ(said<Heartbeat>(step(LinkDown{kB})), 0u);  // nobody is there
    effects = step(LinkUp{kA});
    EXPECT_EQ(said<Heartbeat>(effects), 1u);
}

TEST_F(EngineTest, BeatsAsOftenAsTheSmallestGuardWants) {
    connect_and_beat();
    accept(spec_of(attempt(1), seconds(60)));
    EXPECT_EQ(engine->next_wake(), now.mono + seconds(1));  // the load
    pass(seconds(9));
    EXPECT_EQ(said<Heartbeat>(step(TimePassed{})), 0u);
    accept(spec_of(attempt(2), seconds(30)));
    EXPECT_EQ(said<Heartbeat>(step(TimePassed{})), 1u);
    pass(seconds(5));
    EXPECT_EQ(said<Heartbeat>(step(TimePassed{})), 1u);
}

TEST_F(EngineTest, RepeatsAResultToAllUntilItIsAcknowledged) {
    connect(kA);
    connect(kB);
    run(spec_of(attempt(1)));
    finish(attempt(1));
    pass(seconds(5));
    EXPECT_LE(engine->next_wake(), now.mono);
    EXPECT_EQ(said<Finished>(step(TimePassed{})), 2u);
    pass(seconds(5));
    EXPECT_EQ(said<Finished>(step(TimePassed{})), 2u);
    hear(Acknowledge{attempt(1)}, kB);
    pass(seconds(5));
    EXPECT_EQ(said<Finished>(step(TimePassed{})), 0u);
}

TEST_F(EngineTest, RepeatsAlsoTheResultsOfItsFormerSelf) {
    connect();
    run(spec_of(attempt(1)));
    finish(attempt(1));
    boot(restore(notes.all(), {}, true, now.wall));
    connect();
    pass(seconds(5));
    EXPECT_EQ(said<Finished>(step(TimePassed{})), 1u);
}

TEST_F(EngineTest, KeepsToTheQuotaOfAType) {
    WorkerEngineConfig config;
    config.hello.slots = 10;
    config.hello.type_quotas = {{"heavy", 1}};
    engine = std::make_unique<WorkerEngine>(std::move(config), Restored{});
    connect();
    RunSpec spec = spec_of(attempt(1));
    spec.type = "heavy";
    run(spec);
    spec.id = attempt(2);
    EXPECT_EQ(said<Refused>(hear(Offer{spec})), 1u);
    accept(spec_of(attempt(3)));
    finish(attempt(1));
    accept(spec);
}

TEST_F(EngineTest, SaysNothingMoreWhenItsIdIsAnothersToo) {
    connect();
    EXPECT_EQ(hear(Rejected{"two of you"}), (std::vector<WorkerEffect>{GiveUp{"two of you"}}));
    EXPECT_TRUE(step(LinkUp{kA}).empty());
    pass(seconds(100));
    EXPECT_TRUE(step(TimePassed{}).empty());
}

// ---- what a new owner asks

TEST_F(EngineTest, AnswersANewOwnerWithWhatBecameOfEachAttempt) {
    boot({}, 10);
    connect(kA);
    connect(kB);
    accept(spec_of(attempt(1)));
    run(spec_of(attempt(2)));
    run(spec_of(attempt(3)));
    finish(attempt(3));
    const auto answers = all_said<Answer>(
        hear(Ask{{{attempt(1), kToken}, {attempt(2), kToken}, {attempt(3), kToken}}, {}}, kB));
    ASSERT_EQ(answers.size(), 3u);
    EXPECT_EQ(answers[0].state, AnswerState::accepted);
    EXPECT_EQ(answers[1], (Answer{attempt(2), kToken, AnswerState::running, {}}));
    EXPECT_EQ(answers[2], (Answer{attempt(3), kToken, AnswerState::ended, success()}));
    // From now on it is spoken of on that link.
    step(RunEnded{attempt(2), success()});
    EXPECT_EQ(sync(),
              (std::vector<WorkerEffect>{Say{kB, Finished{attempt(2), kToken, success()}}}));
}

TEST_F(EngineTest, SaysNeverOnlyWhenThatIsWrittenDownAndKeepsToIt) {
    connect();
    const auto asked = hear(Ask{{{attempt(1), FenceToken{5}}}, {}});
    EXPECT_EQ(said<Answer>(asked), 0u);
    const auto answers = all_said<Answer>(sync());
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].state, AnswerState::never);
    EXPECT_EQ(answers[0].token, FenceToken{5});
    // The leave to start of that claim was under way all the time.
    EXPECT_EQ(count<BeginRun>(hear(Start{attempt(1), FenceToken{5}}, kB)), 0u);
    boot(restore(notes.all(), {}, true, now.wall));
    connect();
    EXPECT_EQ(said<Answer>(hear(Ask{{{attempt(1), FenceToken{5}}}, {}})), 1u);
    accept(spec_of(attempt(1)));
    EXPECT_EQ(count<BeginRun>(hear(Start{attempt(1), FenceToken{5}})), 0u);
    EXPECT_EQ(count<BeginRun>(hear(Start{attempt(1), FenceToken{6}})), 1u);
}

TEST_F(EngineTest, TellsWhatElseItHoldsOfAShard) {
    connect();
    RunSpec spec = spec_of(attempt(1));
    spec.shard = ShardId{7};
    run(spec);
    spec.id = attempt(2);
    spec.shard = ShardId{8};
    run(spec);
    const auto answers = all_said<Answer>(hear(Ask{{}, {ShardId{7}}}));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].id, attempt(1));
    EXPECT_EQ(answers[0].shard, ShardId{7});
}

TEST_F(EngineTest, ACancelOfAnOlderLeaveDoesNotTouchANewerOne) {
    connect();
    run(spec_of(attempt(1)));
    EXPECT_TRUE(
        hear(Cancel{attempt(1), Reason::worker_lost, FenceToken{kToken.value - 1}}).empty());
    EXPECT_EQ(count<KillRun>(hear(Cancel{attempt(1), Reason::user, kToken})), 1u);
}

// ---- the guard

TEST_F(EngineTest, WaitsWithAcceptingUntilAHeartbeatIsCommitted) {
    connect();
    hear(Offer{spec_of(attempt(1), seconds(10))});
    EXPECT_EQ(said<Accepted>(sync()), 0u);
    EXPECT_EQ(said<Accepted>(hear(HeartbeatAck{1})), 1u);
}

TEST_F(EngineTest, CountsTheGuardFromTheSendingOfTheHeartbeat) {
    connect();
    const MonoTime sent = now.mono;
    pass(seconds(4));
    hear(HeartbeatAck{1});
    accept(spec_of(attempt(1), seconds(10)));
    const auto effects = hear(Start{attempt(1), kToken});
    EXPECT_EQ(std::get<BeginRun>(effects.back()).deadline, sent + seconds(10));
}

TEST_F(EngineTest, NeverStartsAfterTheGuardHasPassedWhateverIsAcknowledgedThen) {
    connect_and_beat();
    accept(spec_of(attempt(1), seconds(10)));
    pass(seconds(9));
    step(TimePassed{});  // heartbeat 2
    pass(seconds(1));
    hear(HeartbeatAck{2});  // too late by nothing: the deadline itself is late
    EXPECT_EQ(count<BeginRun>(hear(Start{attempt(1), kToken})), 0u);
    EXPECT_EQ(engine->busy(), 0u);
}

TEST_F(EngineTest, StartsWhenTheGuardWasExtendedInTime) {
    connect_and_beat();
    accept(spec_of(attempt(1), seconds(10)));
    pass(seconds(9));
    EXPECT_EQ(said<Heartbeat>(step(TimePassed{})), 1u);
    const MonoTime sent = now.mono;
    hear(HeartbeatAck{2});
    pass(seconds(5));
    const auto effects = hear(Start{attempt(1), kToken});
    ASSERT_EQ(count<BeginRun>(effects), 1u);
    EXPECT_EQ(std::get<BeginRun>(effects.back()).deadline, sent + seconds(10));
}

TEST_F(EngineTest, KillsAtTheDeadlineAndCallsTheRunLost) {
    connect_and_beat();
    run(spec_of(attempt(1), seconds(10)));
    pass(seconds(10));
    EXPECT_LE(engine->next_wake(), now.mono);
    const auto effects = step(TimePassed{});
    EXPECT_TRUE(std::ranges::find(effects, WorkerEffect{KillRun{attempt(1), KillWhy::guard}}) !=
                effects.end());
    EXPECT_EQ(count<KillRun>(step(TimePassed{})), 0u);
    RunResult killed;
    killed.outcome = ExecutionState::failed;
    step(RunEnded{attempt(1), killed});
    EXPECT_EQ(all_said<Finished>(sync()).at(0).result.outcome, ExecutionState::lost);
}

TEST_F(EngineTest, ExtendsRunsOnlyForwardAndOnlyByTheirOwnHeartbeats) {
    connect_and_beat();
    run(spec_of(attempt(1), seconds(10)));
    pass(seconds(2));
    step(TimePassed{});
    const MonoTime second = now.mono;
    pass(seconds(2));
    step(TimePassed{});
    const MonoTime third = now.mono;
    EXPECT_EQ(hear(HeartbeatAck{3}), (std::vector<WorkerEffect>{ExtendGuards{third, {}}}));
    EXPECT_TRUE(hear(HeartbeatAck{2}).empty());   // overtaken
    EXPECT_TRUE(hear(HeartbeatAck{99}).empty());  // never sent
    EXPECT_LT(second, third);
}

TEST_F(EngineTest, AsksForANewHeartbeatWhenTheLastIsHalfOver) {
    connect_and_beat();
    pass(seconds(5));
    hear(Offer{spec_of(attempt(1), seconds(10))});
    const auto effects = sync();
    EXPECT_EQ(said<Accepted>(effects), 0u);
    ASSERT_EQ(said<Heartbeat>(effects), 1u);
    EXPECT_EQ(said<Accepted>(hear(HeartbeatAck{2})), 1u);
}

TEST_F(EngineTest, ExtendsARunOfItsFormerSelfOnlyWhenTheOwnerSaysThatItIsStillItsOwn) {
    connect();
    run(spec_of(attempt(1)));
    boot(restore(notes.all(), {{attempt(1), false, {}}}, true, now.wall));
    connect();
    EXPECT_EQ(count<ExtendGuards>(hear(HeartbeatAck{1})), 0u);
    // Not of this claim.
    EXPECT_EQ(count<ExtendGuards>(hear(Start{attempt(1), FenceToken{49}})), 0u);
    EXPECT_EQ(count<ExtendGuards>(hear(Start{attempt(1), kToken})), 1u);
    pass(seconds(1));
    step(TimePassed{});
    EXPECT_EQ(hear(HeartbeatAck{2}), (std::vector<WorkerEffect>{ExtendGuards{now.mono, {}}}));
}

TEST_F(EngineTest, LeavesOnlyTheRunsOutWhoseOwnerHasNotSpoken) {
    boot({}, 10);
    connect();
    run(spec_of(attempt(1)));
    run(spec_of(attempt(2)));
    boot(restore(notes.all(), {{attempt(1), false, {}}, {attempt(2), false, {}}}, true, now.wall));
    connect();
    hear(Start{attempt(2), kToken});
    EXPECT_EQ(hear(HeartbeatAck{1}),
              (std::vector<WorkerEffect>{ExtendGuards{now.mono, {attempt(1)}}}));
}

TEST_F(EngineTest, NeedsNoHeartbeatWithoutAGuard) {
    connect();
    run(spec_of(attempt(1)));
    pass(std::chrono::hours(1000));
    EXPECT_EQ(count<KillRun>(step(TimePassed{})), 0u);
}

TEST_F(EngineTest, KillsARunThatIsNobodysAnyMoreAndForgetsIt) {
    connect();
    run(spec_of(attempt(1)));
    EXPECT_EQ(count<KillRun>(hear(Acknowledge{attempt(1)})), 1u);
    const auto effects = step(RunEnded{attempt(1), success()});
    EXPECT_EQ(count<ForgetRun>(effects), 1u);
    EXPECT_EQ(said<Finished>(sync()), 0u);
    EXPECT_EQ(engine->held(), 0u);
}

// ---- its own death

TEST(Restore, TellsTheTruthAboutEachAttempt) {
    const WallTime at = WallTime::from_seconds(5);
    AttemptNotes notes;
    const auto note = [&](AttemptStep step, std::uint32_t n, bool in_process = false) {
        AttemptNote v;
        v.step = step;
        v.id = attempt(n);
        v.token = step == AttemptStep::intended ? FenceToken{} : kToken;
        v.in_process = in_process;
        if (step == AttemptStep::ended) v.result = success();
        notes.add(v);
    };
    note(AttemptStep::intended, 1);  // no leave: never started
    note(AttemptStep::intended, 2);
    note(AttemptStep::started, 2);  // still runs
    note(AttemptStep::intended, 3);
    note(AttemptStep::started, 3);  // ended while nobody looked
    note(AttemptStep::intended, 4);
    note(AttemptStep::started, 4, true);  // died with the process
    note(AttemptStep::intended, 5);
    note(AttemptStep::started, 5);  // the host never heard of it
    note(AttemptStep::intended, 6);
    note(AttemptStep::ended, 6);  // not acknowledged
    note(AttemptStep::intended, 7);
    note(AttemptStep::forgotten, 7);  // the host has not been told
    RunResult seven;
    seven.outcome = ExecutionState::failed;
    seven.exit_code = 7;
    const std::vector<HostedRun> hosted = {{attempt(2), false, {}},
                                           {attempt(3), true, seven},
                                           {attempt(6), true, success()},
                                           {attempt(7), true, success()},
                                           {attempt(8), false, {}}};

    const Restored r = restore(notes.all(), hosted, true, at);
    ASSERT_EQ(r.held.size(), 4u);
    EXPECT_EQ(r.held[0], (HeldAttempt{attempt(2), kToken, HeldState::running, {}}));
    EXPECT_EQ(r.held[1], (HeldAttempt{attempt(3), kToken, HeldState::ended, seven}));
    EXPECT_EQ(r.held[2].id, attempt(4));
    EXPECT_EQ(r.held[2].result.outcome, ExecutionState::lost);
    EXPECT_EQ(r.held[3], (HeldAttempt{attempt(6), kToken, HeldState::ended, success()}));
    ASSERT_EQ(r.dead.size(), 2u);
    EXPECT_EQ(r.dead[0].id, attempt(1));
    EXPECT_EQ(r.dead[1].id, attempt(5));
    EXPECT_EQ(r.forget, std::vector<AttemptId>{attempt(7)});
    EXPECT_EQ(r.kill, std::vector<AttemptId>{attempt(8)});
}

TEST(Restore, CallsEverythingLostThatMayHaveRunBeforeTheMachineWentDown) {
    AttemptNotes notes;
    AttemptNote note;
    note.step = AttemptStep::intended;
    note.id = attempt(1);
    notes.add(note);
    const Restored r = restore(notes.all(), {}, false, WallTime::from_seconds(5));
    ASSERT_EQ(r.held.size(), 1u);
    EXPECT_EQ(r.held[0].state, HeldState::ended);
    EXPECT_EQ(r.held[0].result.outcome, ExecutionState::lost);
    EXPECT_EQ(r.notes.at(0).step, AttemptStep::ended);
}

TEST(AttemptNote, SurvivesItsEncoding) {
    AttemptNote note;
    note.step = AttemptStep::ended;
    note.id = attempt(9, 4);
    note.token = FenceToken{~0ull};
    note.result = success();
    note.result.exit_code = -1;
    note.result.signal = 9;
    note.result.reason = Reason::poison;
    note.result.started_at = WallTime{1};
    note.result.message = "m";
    note.result.output_tail = std::string("a\0b", 3);
    note.result.output_bytes = 1ull << 40;
    const std::string bytes = encode(note);
    EXPECT_EQ(decode_attempt_note(bytes), note);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut)
        EXPECT_EQ(decode_attempt_note(std::string_view(bytes).substr(0, cut)), std::nullopt) << cut;
}

TEST_F(EngineTest, SaysTheSameAfterItsNotesWereShortened) {
    boot({}, 10);
    connect();
    accept(spec_of(attempt(1)));
    run(spec_of(attempt(2)));
    run(spec_of(attempt(3)));
    finish(attempt(3));
    hear(Start{attempt(4), kToken});
    sync();
    AttemptNotes shortened;
    for (const AttemptNote& note : engine->live_notes())
        shortened.add(note);
    EXPECT_EQ(shortened.all(), notes.all());
}

}  // namespace
}  // namespace khronos::core::attempt

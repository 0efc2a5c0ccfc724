#include "wire/message_codec.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "base/utf8.h"

namespace khronos::wire {
namespace {

using core::AttemptId;
using core::ExecutionState;

AttemptId an_attempt(std::uint32_t number = 2) {
    core::ExecutionId id;
    id.uid = JobUid(0x018f3c2a5b6c7d8e);
    id.trigger = {core::TriggerKind::manual, WallTime{1763928000123456}, 0xfeed};
    id.index = 3;
    return {id, AttemptNo(number)};
}

core::RunResult a_result() {
    core::RunResult r;
    r.outcome = ExecutionState::timed_out;
    r.reason = core::Reason::user;
    r.exit_code = -1;
    r.signal = 9;
    r.started_at = WallTime{0};  // an instant like any other
    r.finished_at = WallTime{1763928000123456};
    r.message = "killed by SIGKILL after 10s";
    r.output_tail = std::string("\xff\x00tail", 6);
    r.output_bytes = 1ull << 40;
    return r;
}

core::Offer an_offer() {
    core::Offer offer;
    offer.spec.id = an_attempt();
    return offer;
}

// Through the bytes, as it travels.
template <class Message, class Proto>
std::expected<std::optional<Message>, std::string> travel(const Message& message) {
    Proto read;
    EXPECT_TRUE(read.ParseFromString(to_proto(message).SerializeAsString()));
    return from_proto(std::move(read));
}
core::FromWorker travelled(const core::FromWorker& message) {
    auto read = travel<core::FromWorker, pb::FromWorker>(message);
    EXPECT_TRUE(read && *read) << (read ? "" : read.error());
    return read && *read ? **read : core::FromWorker{};
}
core::ToWorker travelled(const core::ToWorker& message) {
    auto read = travel<core::ToWorker, pb::ToWorker>(message);
    EXPECT_TRUE(read && *read) << (read ? "" : read.error());
    return read && *read ? **read : core::ToWorker{};
}

TEST(MessageCodec, BringsEveryFieldOfWhatAWorkerSaysToTheAgent) {
    core::Hello hello;
    hello.worker = "w";
    hello.boot_id = "b";
    hello.node = "node-1";
    hello.applications = {"default", "spider"};
    hello.tags = {{"region", "eu"}, {"type", ""}};
    hello.slots = 8;
    hello.type_quotas = {{"crawl", 2}};
    hello.handlers = {"resize"};
    hello.held = {{an_attempt(1), FenceToken(7), core::HeldState::accepted, {}, ShardId(1)},
                  {an_attempt(2), FenceToken(8), core::HeldState::running, {}, ShardId(255)},
                  {an_attempt(3), FenceToken(9), core::HeldState::ended, a_result(), {}}};
    const core::FromWorker said[] = {
        hello,
        core::Accepted{an_attempt(), ShardId(3)},
        core::Refused{an_attempt(), core::Reason::no_worker, "no free slot", true, {}},
        core::Refused{an_attempt(), core::Reason::no_executor, "", false, ShardId(4)},
        core::Started{an_attempt(), FenceToken(UINT64_MAX), WallTime{5}},
        core::Started{an_attempt(), FenceToken(1), WallTime{}},
        core::Finished{an_attempt(), FenceToken(4), a_result(), ShardId(5)},
        core::Answer{an_attempt(), FenceToken(4), core::AnswerState::accepted, {}, ShardId(6)},
        core::Answer{an_attempt(), FenceToken(4), core::AnswerState::running, {}, {}},
        core::Answer{an_attempt(), FenceToken(4), core::AnswerState::ended, a_result(), {}},
        core::Answer{an_attempt(), FenceToken(4), core::AnswerState::never, {}, {}},
        core::Load{7, {{"crawl", 2}}, true},
        core::Heartbeat{6, MonoTime{-7}, {an_attempt(1), an_attempt(2)}},
    };
    for (const core::FromWorker& message : said)
        EXPECT_EQ(travelled(message), message) << message.index();
}

TEST(MessageCodec, BringsEveryFieldOfWhatAnAgentSaysToTheWorker) {
    core::RunSpec spec;
    spec.id = an_attempt();
    spec.job_name = "resize";
    spec.scheduled_at = WallTime{1763928000000000};
    spec.application = "spider";
    spec.executor = "shell";
    spec.executor_config = {{"command", "true"}, {"env", "A=b"}};
    spec.payload = R"({"a":1})";
    spec.run_as = "nobody:nogroup";
    spec.timeout = 5s;
    spec.kill_grace = 10s;
    spec.guard = 60s;
    spec.linger = true;
    spec.shard = ShardId(200);
    spec.type = "crawl";
    const core::ToWorker said[] = {
        core::Welcome{"agent-1", {"10.0.0.1:10005", "[::1]:10005"}},
        core::Welcome{"agent-1"},
        core::Rejected{"two of you"},
        core::Ask{{{an_attempt(), FenceToken(5)}}, {ShardId(0), ShardId(255)}},
        core::Cancel{an_attempt(), core::Reason::user, FenceToken(9)},
        core::Offer{spec},
        an_offer(),
        core::Start{an_attempt(), FenceToken(11)},
        core::Cancel{an_attempt(), core::Reason::deadline},
        core::Acknowledge{an_attempt()},
        core::HeartbeatAck{12},
    };
    for (const core::ToWorker& message : said)
        EXPECT_EQ(travelled(message), message) << message.index();
}

TEST(MessageCodec, BringsEveryOutcomeAndReason) {
    for (const ExecutionState outcome :
         {ExecutionState::succeeded, ExecutionState::failed, ExecutionState::timed_out,
          ExecutionState::cancelled, ExecutionState::lost}) {
        core::RunResult r;
        r.outcome = outcome;
        const core::FromWorker m = core::Finished{an_attempt(), FenceToken(1), r, {}};
        EXPECT_EQ(travelled(m), m);
    }
    for (int number = 0; number < 256; ++number) {
        const auto reason = static_cast<core::Reason>(number);
        if (core::to_text(reason) == "unknown") continue;
        const core::ToWorker m = core::Cancel{an_attempt(), reason};
        EXPECT_EQ(travelled(m), m);
    }
}

TEST(MessageCodec, TakesAnUnknownNumberForWhatDoesNoHarm) {
    pb::FromWorker in =
        to_proto(core::FromWorker(core::Finished{an_attempt(), {}, a_result(), {}}));
    in.mutable_finished()->mutable_result()->set_outcome(static_cast<pb::Outcome>(99));
    in.mutable_finished()->mutable_result()->set_reason(300);
    auto finished = from_proto(std::move(in));
    ASSERT_TRUE(finished && *finished);
    const auto& result = std::get<core::Finished>(**finished).result;
    EXPECT_EQ(result.outcome, ExecutionState::failed);
    EXPECT_EQ(result.reason, core::Reason::none);

    pb::FromWorker asked = to_proto(core::FromWorker(core::Answer{an_attempt(), {}, {}, {}, {}}));
    asked.mutable_answer()->set_state(static_cast<pb::AnswerState>(99));
    auto answer = from_proto(std::move(asked));
    ASSERT_TRUE(answer && *answer);
    EXPECT_EQ(std::get<core::Answer>(**answer).state, core::AnswerState::running);

    core::Hello hello;
    hello.worker = hello.boot_id = "w";
    hello.held = {{an_attempt(), FenceToken(8), core::HeldState::accepted, {}, {}}};
    pb::FromWorker second = to_proto(core::FromWorker(hello));
    second.mutable_hello()->mutable_held(0)->set_state(static_cast<pb::HeldState>(99));
    auto read = from_proto(std::move(second));
    ASSERT_TRUE(read && *read);
    EXPECT_EQ(std::get<core::Hello>(**read).held[0].state, core::HeldState::running);
}

TEST(MessageCodec, SkipsAMessageOfAKindItDoesNotKnow) {
    pb::FromWorker from;
    ASSERT_TRUE(from.ParseFromString(std::string("\xfa\x06\x01x", 4)));  // field 111
    const auto first = from_proto(std::move(from));
    ASSERT_TRUE(first);
    EXPECT_FALSE(*first);
    pb::ToWorker to;
    ASSERT_TRUE(to.ParseFromString(std::string("\xfa\x06\x01x", 4)));
    const auto second = from_proto(std::move(to));
    ASSERT_TRUE(second);
    EXPECT_FALSE(*second);
    // The link's own: not for the engines.
    pb::ToWorker question;
    question.mutable_read_output()->set_number(1);
    const auto third = from_proto(std::move(question));
    ASSERT_TRUE(third);
    EXPECT_FALSE(*third);
}

TEST(MessageCodec, RefusesWhatIsMalformed) {
    const auto refuses = [](pb::FromWorker in) { return !from_proto(std::move(in)); };
    pb::FromWorker in;
    in.mutable_accepted();
    EXPECT_TRUE(refuses(in));  // no attempt at all
    in.mutable_accepted()->mutable_id()->set_execution("../../etc");
    in.mutable_accepted()->mutable_id()->set_attempt(1);
    EXPECT_TRUE(refuses(in));
    in = to_proto(core::FromWorker(core::Accepted{an_attempt(), {}}));
    EXPECT_FALSE(refuses(in));
    in.mutable_accepted()->mutable_id()->set_attempt(0);
    EXPECT_TRUE(refuses(in));
    in.Clear();
    in.mutable_hello()->set_worker("w");
    EXPECT_TRUE(refuses(in));  // no boot id
    in.mutable_hello()->set_boot_id(std::string(limits::kIdBytes, 'b'));
    EXPECT_FALSE(refuses(in));
    in.mutable_hello()->set_boot_id(std::string(limits::kIdBytes + 1, 'b'));
    EXPECT_TRUE(refuses(in));

    in.Clear();
    in = to_proto(core::FromWorker(core::Accepted{an_attempt(), {}}));
    in.mutable_accepted()->set_shard(kShardCount);
    EXPECT_TRUE(refuses(in));

    pb::ToWorker offer = to_proto(core::ToWorker(an_offer()));
    offer.mutable_offer()->mutable_spec()->set_guard(-1);
    EXPECT_FALSE(from_proto(std::move(offer)));
}

TEST(MessageCodec, MakesTextOfUsersUtf8AndKeepsBytesOfOutputs) {
    core::Refused refused{an_attempt(), core::Reason::start_failed, "no \xff\xc3 here", true, {}};
    const auto read = std::get<core::Refused>(travelled(core::FromWorker(refused)));
    EXPECT_EQ(read.message, "no \xef\xbf\xbd\xef\xbf\xbd here");
    core::Hello hello;
    hello.worker = hello.boot_id = "w";
    hello.tags = {{"k\xff", "v\xff"}};
    const auto greeted = std::get<core::Hello>(travelled(core::FromWorker(hello)));
    ASSERT_EQ(greeted.tags.size(), 1u);
    EXPECT_TRUE(is_valid_utf8(greeted.tags.begin()->second));
}

TEST(MessageCodec, CutsTextThatIsTooLongForARecord) {
    core::RunResult r;
    r.outcome = ExecutionState::failed;
    r.message = std::string(limits::kOutputTailInRecord - 1, 'm') + "\xc3\xa9";
    r.output_tail = "x" + std::string(limits::kOutputTailInRecord, 'y');
    const auto read = std::get<core::Finished>(
        travelled(core::FromWorker(core::Finished{an_attempt(), FenceToken(1), r, {}})));
    EXPECT_EQ(read.result.message, std::string(limits::kOutputTailInRecord - 1, 'm'));
    EXPECT_EQ(read.result.output_tail, std::string(limits::kOutputTailInRecord, 'y'));
}

TEST(MessageCodec, LeavesOutEndsOfOutputsWhereAHelloWouldBeTooLong) {
    core::Hello hello;
    hello.worker = hello.boot_id = "w";
    core::RunResult r = a_result();
    r.output_tail = std::string(limits::kOutputTailInRecord, 't');
    for (std::uint32_t i = 1; i <= 8000; ++i)
        hello.held.push_back({an_attempt(i), FenceToken(i), core::HeldState::ended, r, {}});
    const pb::FromWorker message = to_proto(core::FromWorker(hello));
    EXPECT_LT(message.ByteSizeLong(), limits::kWireMessageBytes);
    const auto read = std::get<core::Hello>(travelled(core::FromWorker(hello)));
    ASSERT_EQ(read.held.size(), 8000u);
    EXPECT_EQ(read.held.front().result, r);
    EXPECT_EQ(read.held.back().result.output_tail, "");
    EXPECT_EQ(read.held.back().result.output_bytes, r.output_bytes);
}

TEST(MessageCodec, BringsQuestionsForOutputAndTheirAnswers) {
    const OutputQuery query{an_attempt(), 5, 6, true, true};
    const auto asked = from_proto(to_proto(77, query));
    ASSERT_TRUE(asked);
    EXPECT_EQ(*asked, query);
    EXPECT_EQ(to_proto(77, query).number(), 77u);

    const OutputPart part{std::string("\x00\xff", 2), 3, 4};
    EXPECT_EQ(from_proto(to_proto(77, part)), part);
    const auto failed = from_proto(
        to_proto(78, std::unexpected(Error{ErrorKind::not_found, "", "not kept any more"})));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, ErrorKind::not_found);
    EXPECT_EQ(failed.error().message, "not kept any more");
    const auto silent = from_proto(to_proto(78, std::unexpected(Error{})));
    EXPECT_FALSE(silent);
}

}  // namespace
}  // namespace khronos::wire

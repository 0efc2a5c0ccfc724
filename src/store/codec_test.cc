#include "store/codec.h"

#include <gtest/gtest.h>

#include "khronos/store/v1/records.pb.h"

namespace khronos::store {
namespace {

core::Job full_job() {
    core::Job job;
    job.uid = JobUid(0x018f3c2a5b6c7d8eULL);
    job.generation = Generation(7);
    job.spec.name = "nightly";
    job.spec.timezone = "Europe/Paris";
    job.spec.schedule = "0 30 2 * * *";
    job.spec.disabled = true;
    job.spec.tags = {{"dc", "eu:2"}};
    job.spec.metadata = {{"team", "billing"}};
    job.spec.executor = "shell";
    job.spec.executor_config = {{"command", "true"}};
    job.spec.processors = {{"log", {{"forward", "true"}}}};
    job.spec.concurrency = core::Concurrency::forbid;
    job.spec.queue_limit = 0;  // a value that is not the default, though it is zero
    job.spec.lost_retries = 0;
    job.spec.misfire = core::Misfire::all;
    job.spec.misfire_limit = 3;
    job.spec.retries = 4;
    job.spec.retry_delay = 5s;
    job.spec.retry_backoff = 1.5;
    job.spec.kill_grace = 0s;
    job.spec.guard = 90s;
    job.spec.history_limit = 0;
    job.spec.starts_at = WallTime::from_seconds(1800000000);
    job.created_at = WallTime::from_seconds(1700000000);
    job.updated_at = WallTime::from_seconds(1700000100);
    job.updated_by = "ada";
    job.anchor = WallTime::from_seconds(1700000000);
    job.effective_from = WallTime{1700000000123456};
    core::PastEra era;
    era.generation = Generation(6);
    era.from = WallTime::from_seconds(1600000000);
    era.until = WallTime::from_seconds(1700000000);
    era.schedule = "@every 5s";
    era.disabled = true;
    job.past.push_back(era);
    return job;
}

TEST(Codec, AJobComesBackAsItWent) {
    const core::Job job = full_job();
    const auto back = decode<core::Job>(encode(job));
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(*back, job);
}

TEST(Codec, ADefaultJobComesBackAsItWent) {
    core::Job job;
    job.uid = JobUid(1);
    const auto back = decode<core::Job>(encode(job));
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(*back, job);
}

TEST(Codec, AJobThatWasNeverEditedComesBackAsItWent) {
    core::Job job;
    job.uid = JobUid(1);
    job.created_at = job.updated_at = job.effective_from = WallTime{1700000000123456};
    job.anchor = WallTime::from_seconds(1700000000);
    const auto back = decode<core::Job>(encode(job));
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(*back, job);
}

TEST(Codec, AnExecutionComesBackAsItWent) {
    core::Execution e;
    e.id = {JobUid(5), {core::TriggerKind::manual, WallTime{1700000000123456}, 99}, 3};
    e.job_name = "nightly";
    e.generation = Generation(2);
    e.state = core::ExecutionState::timed_out;
    e.reason = core::Reason::late;
    e.blocked_by = "x";
    e.scheduled_at = WallTime::from_seconds(1700000000);
    e.decided_at = WallTime{1700000000000999};
    e.nonce = 77;
    e.range_from = WallTime::from_seconds(1699999000);
    e.range_count = 12;
    e.coalesced_into = WallTime::from_seconds(1700000060);
    e.attempt = AttemptNo(3);
    e.token = FenceToken(123);
    e.worker = "w";
    e.not_before = WallTime::from_seconds(1700000001);
    e.exit_code = -1;
    e.signal = 9;
    e.output_tail = std::string("a\0b\xff", 4);
    e.output_bytes = 1 << 30;
    e.slot = 0;
    e.attempts.push_back({AttemptNo(1), FenceToken(9), "v", "n", WallTime::from_seconds(1), {},
                          core::ExecutionState::lost, 1, 2, "gone"});
    const auto back = decode<core::Execution>(encode(e));
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(*back, e);
}

TEST(Codec, ACursorInTheMiddleOfAPassComesBackAsItWent) {
    core::Cursor cursor;
    cursor.t = WallTime::from_seconds(1700000000);
    cursor.pass_end = WallTime::from_seconds(1700000005);
    cursor.uid = JobUid(42);
    cursor.uid_t = WallTime::from_seconds(1700000003);
    cursor.nonce = 7;
    const auto back = decode<core::Cursor>(encode(cursor));
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(*back, cursor);
}

// What a newer build wrote: fields that this one does not know, at every level that is rewritten.
TEST(Codec, FieldsOfANewerBuildSurviveARewrite) {
    const auto add_unknown = [](google::protobuf::Message& message) {
        message.GetReflection()->MutableUnknownFields(&message)->AddVarint(900, 4711);
    };
    const auto has_unknown = [](const google::protobuf::Message& message) {
        const auto& fields = message.GetReflection()->GetUnknownFields(message);
        return fields.field_count() == 1 && fields.field(0).number() == 900 &&
               fields.field(0).varint() == 4711;
    };
    v1::Job newer;
    ASSERT_TRUE(newer.ParseFromString(encode(full_job())));
    add_unknown(newer);
    add_unknown(*newer.mutable_spec());
    auto job = decode<core::Job>(newer.SerializeAsString());
    ASSERT_TRUE(job) << job.error();
    job->spec.disabled = false;
    v1::Job rewritten;
    ASSERT_TRUE(rewritten.ParseFromString(encode(*job)));
    EXPECT_TRUE(has_unknown(rewritten));
    EXPECT_TRUE(has_unknown(rewritten.spec()));
}

// An enumeration's value that only a newer build knows is not turned into another one.
TEST(Codec, APolicyOfANewerBuildIsKept) {
    v1::Job newer;
    ASSERT_TRUE(newer.ParseFromString(encode(full_job())));
    newer.mutable_spec()->set_misfire(99);
    const auto job = decode<core::Job>(newer.SerializeAsString());
    ASSERT_TRUE(job) << job.error();
    v1::Job rewritten;
    ASSERT_TRUE(rewritten.ParseFromString(encode(*job)));
    EXPECT_EQ(rewritten.spec().misfire(), 99u);
}

TEST(Codec, BytesThatAreNoRecordAreAnError) {
    EXPECT_FALSE(decode<core::Job>("\xff\xff\xff"));
    EXPECT_FALSE(decode<core::Execution>("\x0a"));
    EXPECT_FALSE(decode<core::Cursor>("\x09"));
}

}  // namespace
}  // namespace khronos::store

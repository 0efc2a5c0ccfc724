#include "core/schedule/versioning.h"

#include <gtest/gtest.h>

namespace khronos::core {
namespace {

WallTime at(std::int64_t seconds) { return WallTime::from_seconds(1704067200 + seconds); }

Cursor cursor(std::int64_t seconds) {
    Cursor c;
    c.t = at(seconds);
    return c;
}

JobSpec spec(std::string schedule) {
    JobSpec s;
    s.name = "job";
    s.schedule = std::move(schedule);
    return s;
}

Job first(std::string schedule, std::int64_t wall, std::int64_t decided = 0) {
    return first_version(spec(std::move(schedule)), JobUid(1), at(wall), cursor(decided), "me");
}

Job edited(const Job& old, JobSpec to, std::int64_t wall, std::int64_t decided = 0) {
    auto next = next_version(old, std::move(to), at(wall), cursor(decided), "me");
    EXPECT_TRUE(next.has_value());
    return *next;
}

TEST(Versioning, ANewJobBeginsWhenItIsSaved) {
    const Job job = first("* * * * * *", 10);
    EXPECT_EQ(job.effective_from, at(10));
    EXPECT_EQ(job.anchor, at(10));
    EXPECT_EQ(job.generation, Generation(1));
}

TEST(Versioning, ANewJobBeginsBehindWhatItsShardHasDecided) {
    EXPECT_EQ(first("* * * * * *", 10, 30).effective_from, at(30));
    Cursor in_a_pass = cursor(10);
    in_a_pass.pass_end = at(40);
    in_a_pass.uid = JobUid(1);
    EXPECT_EQ(first_version(spec(""), JobUid(9), at(10), in_a_pass, "me").effective_from, at(40));
}

TEST(Versioning, AnotherScheduleEndsTheEraBefore) {
    const Job job = edited(first("@every 10s", 0), spec("@every 1m"), 25);
    EXPECT_EQ(job.generation, Generation(2));
    EXPECT_EQ(job.effective_from, at(25));
    EXPECT_EQ(job.anchor, at(25));
    ASSERT_EQ(job.past.size(), 1u);
    EXPECT_EQ(job.past[0].generation, Generation(1));
    EXPECT_EQ(job.past[0].from, at(0));
    EXPECT_EQ(job.past[0].until, at(25));
    EXPECT_EQ(job.past[0].schedule, "@every 10s");
}

TEST(Versioning, AnotherFieldKeepsScheduleAndPhase) {
    JobSpec changed = spec("@every 10s");
    changed.description = "other";
    const Job job = edited(first("@every 10s", 3), changed, 25);
    EXPECT_EQ(job.effective_from, at(3));
    EXPECT_EQ(job.anchor, at(3));
    EXPECT_TRUE(job.past.empty());
}

TEST(Versioning, APauseKeepsThePhase) {
    JobSpec paused = spec("@every 10s");
    paused.disabled = true;
    const Job job = edited(first("@every 10s", 3), paused, 25);
    EXPECT_EQ(job.anchor, at(3));
    EXPECT_EQ(job.effective_from, at(25));
}

TEST(Versioning, AnEraWithoutAnUndecidedTickIsForgotten) {
    EXPECT_TRUE(edited(first("@every 10s", 0), spec("@every 1m"), 25, 24).past.empty());
    EXPECT_EQ(edited(first("@every 10s", 0), spec("@every 1m"), 25, 19).past.size(), 1u);
}

TEST(Versioning, ADisabledStretchIsKeptUntilItIsRecorded) {
    JobSpec paused = spec("@every 10s");
    paused.disabled = true;
    const Job job = edited(first("@every 10s", 0), paused, 25, 24);
    const Job resumed = edited(job, spec("@every 10s"), 100, 24);
    ASSERT_EQ(resumed.past.size(), 1u);
    EXPECT_TRUE(resumed.past[0].disabled);
    EXPECT_EQ(resumed.past[0].from, at(25));
    EXPECT_EQ(resumed.past[0].until, at(100));
}

TEST(Versioning, NeverHoldsFromEarlierThanTheVersionBefore) {
    // The clock was set back between the two edits.
    const Job job = edited(first("@every 10s", 0), spec("@every 1m"), 500);
    const Job later = edited(job, spec("@every 2m"), 100, 50);
    EXPECT_EQ(later.effective_from, at(500));
    ASSERT_EQ(later.past.size(), 1u);
    EXPECT_EQ(later.past[0].until, at(500));
}

TEST(Versioning, TooManyChangesAtOnceAreRefused) {
    Job job = first("* * * * * *", 0);
    std::optional<Error> refused;
    for (int i = 1; i < 100 && !refused; ++i) {
        auto next = next_version(job, spec(i % 2 == 0 ? "* * * * * *" : "*/2 * * * * *"), at(i * 10),
                                 cursor(0), "me");
        if (next) {
            job = *next;
        } else {
            refused = next.error();
        }
    }
    ASSERT_TRUE(refused.has_value());
    EXPECT_EQ(refused->kind, ErrorKind::busy);
    EXPECT_EQ(job.past.size(), 64u);
}

// ---- what saving asks for at once

std::optional<TriggerKey> asked(const Job& job, const Job* before, std::int64_t wall) {
    return immediate_trigger(job, before, at(wall), std::chrono::seconds(60), 7);
}
std::string at_text(std::int64_t seconds) { return "@at " + to_rfc3339(at(seconds)); }

TEST(ImmediateTrigger, OnewayRunsNow) {
    const auto key = asked(first("@oneway", 10), nullptr, 10);
    ASSERT_TRUE(key.has_value());
    EXPECT_EQ(*key, (TriggerKey{TriggerKind::manual, at(10), 7}));
}

TEST(ImmediateTrigger, AnAtToComeIsATickLikeAnyOther) {
    EXPECT_FALSE(asked(first(at_text(20), 10), nullptr, 10).has_value());
}

TEST(ImmediateTrigger, AnAtOfAMomentAgoRunsNowByItsTick) {
    const auto key = asked(first(at_text(-30), 10), nullptr, 10);
    ASSERT_TRUE(key.has_value());
    EXPECT_EQ(*key, (TriggerKey{TriggerKind::tick, at(-30), 0}));
    EXPECT_FALSE(asked(first(at_text(-51), 10), nullptr, 10).has_value());
}

TEST(ImmediateTrigger, ADisabledJobAsksForNothing) {
    JobSpec disabled = spec("@oneway");
    disabled.disabled = true;
    EXPECT_FALSE(
        asked(first_version(disabled, JobUid(1), at(10), cursor(0), "me"), nullptr, 10).has_value());
}

TEST(ImmediateTrigger, TheSameScheduleDoesNotRunAgain) {
    const Job job = first("@oneway", 10);
    JobSpec changed = spec("@oneway");
    changed.description = "other";
    EXPECT_FALSE(asked(edited(job, changed, 20), &job, 20).has_value());
}

TEST(ImmediateTrigger, ATickOfTheVersionInForceThenIsThatVersions) {
    const Job undecided = first("* * * * * *", 0);
    EXPECT_FALSE(asked(edited(undecided, spec(at_text(20)), 25, 10), &undecided, 25).has_value());
    EXPECT_FALSE(asked(edited(undecided, spec(at_text(20)), 25, 24), &undecided, 25).has_value());
    const Job other = first("@every 1h", 0);
    EXPECT_TRUE(asked(edited(other, spec(at_text(20)), 25), &other, 25).has_value());
}

}  // namespace
}  // namespace khronos::core

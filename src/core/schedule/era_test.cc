#include "core/schedule/era.h"

#include <gtest/gtest.h>

namespace khronos::core {
namespace {

WallTime at(std::int64_t seconds) { return WallTime::from_seconds(1704067200 + seconds); }

Era era(std::int64_t from, std::int64_t until) {
    Era e;
    e.from = at(from);
    e.until = at(until);
    e.schedule = *cron::Schedule::parse("*/10 * * * * *");
    return e;
}

TEST(Era, TheTickOfItsEndIsItsAndThatOfItsBeginningIsNot) {
    EXPECT_EQ(era(10, 30).next(at(0)), at(20));
    EXPECT_EQ(era(10, 30).next(at(20)), at(30));
    EXPECT_EQ(era(10, 30).next(at(30)), std::nullopt);
    EXPECT_EQ(era(10, 30).prev(at(100)), at(30));
    EXPECT_EQ(era(10, 30).prev(at(30)), at(20));
    EXPECT_EQ(era(10, 30).prev(at(20)), std::nullopt);
}

TEST(Era, NoTickBeforeItStartsNorFromWhenItExpires) {
    Era e = era(0, 1000);
    e.starts_at = at(20);
    e.expires_at = at(40);
    EXPECT_EQ(e.next(at(0)), at(20));
    EXPECT_EQ(e.next(at(30)), std::nullopt);
    EXPECT_EQ(e.prev(at(1000)), at(30));
    EXPECT_EQ(e.prev(at(20)), std::nullopt);
}

TEST(Era, OneThatDoesNotCompileIsLeftOut) {
    Job job;
    job.spec.name = "job";
    PastEra good;
    good.until = at(10);
    good.schedule = "* * * * * *";
    PastEra bad = good;
    bad.schedule = "of a newer build";
    job.past = {bad, good};
    EXPECT_EQ(past_eras(job, at(0)).size(), 1u);
    EXPECT_TRUE(past_eras(job, at(10)).empty());
}

TEST(Compile, NamesTheField) {
    JobSpec spec;
    spec.schedule = "61 * * * * *";
    const auto schedule = compile(spec);
    ASSERT_FALSE(schedule.has_value());
    EXPECT_EQ(schedule.error().field, "schedule");
}

}  // namespace
}  // namespace khronos::core

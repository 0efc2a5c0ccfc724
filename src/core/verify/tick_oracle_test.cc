// The oracle and core's next() say the same: each is the other's judge.
#include "core/verify/tick_oracle.h"

#include <gtest/gtest.h>

#include "core/cron/schedule.h"

namespace khronos::verify {
namespace {

struct Case {
    const char* schedule;
    const char* zone;
    core::DstGap gap = core::DstGap::by_rule;
    core::DstOverlap overlap = core::DstOverlap::by_rule;
};

std::vector<WallTime> by_next(const Case& c, WallTime from, WallTime to, WallTime anchor) {
    cron::ParseOptions options;
    options.timezone = c.zone;
    if (c.gap != core::DstGap::by_rule)
        options.dst.gap = c.gap == core::DstGap::run ? cron::GapRule::run : cron::GapRule::skip;
    switch (c.overlap) {
        case core::DstOverlap::by_rule:
            break;
        case core::DstOverlap::first:
            options.dst.overlap = cron::OverlapRule::first;
            break;
        case core::DstOverlap::second:
            options.dst.overlap = cron::OverlapRule::second;
            break;
        case core::DstOverlap::both:
            options.dst.overlap = cron::OverlapRule::both;
            break;
    }
    const auto schedule = cron::Schedule::parse(c.schedule, options);
    EXPECT_TRUE(schedule) << cron::to_string(schedule.error());
    std::vector<WallTime> ticks;
    for (auto t = schedule->next(from, anchor); t && *t <= to; t = schedule->next(*t, anchor))
        ticks.push_back(*t);
    return ticks;
}

class OracleAndNext : public testing::TestWithParam<Case> {};

TEST_P(OracleAndNext, SayTheSame) {
    const Case c = GetParam();
    const auto oracle = TickOracle::parse(c.schedule, c.zone, c.gap, c.overlap);
    ASSERT_TRUE(oracle) << oracle.error();
    // Both changes of the clocks in 2024, whatever the hemisphere.
    const WallTime from = WallTime{1704067200'000001}, to = WallTime::from_seconds(1735689600);
    const WallTime anchor = WallTime::from_seconds(1704067203);
    EXPECT_EQ(oracle->ticks(from, to, anchor), by_next(c, from, to, anchor));
}

INSTANTIATE_TEST_SUITE_P(
    Schedules, OracleAndNext,
    testing::Values(
        Case{"0 30 2 * * *", "Europe/Paris"}, Case{"0 */15 * * * *", "Europe/Paris"},
        Case{"30 */7 0-23/2 * * *", "America/New_York"}, Case{"0 0 12 1,15 * MON", "UTC"},
        Case{"0 0 0 29 2 ?", "Asia/Tokyo"}, Case{"15 10 3 L * ?", "Europe/Paris"},
        Case{"0 0 9 L-2 * ?", "UTC"}, Case{"0 0 9 15W * ?", "UTC"}, Case{"0 0 9 LW * ?", "UTC"},
        Case{"0 0 9 1W,31W * ?", "UTC"}, Case{"0 0 9 ? * 5L", "UTC"},
        Case{"0 0 9 ? * FRI#3,1#1", "UTC"}, Case{"0 0 9 ? * friL", "UTC"},
        Case{"0 0 9 13 * FRI#2", "UTC"}, Case{"@daily", "America/Havana"},
        Case{"@hourly", "Australia/Lord_Howe"}, Case{"TZ=Europe/Paris 0 30 2 * * *", "Asia/Tokyo"},
        Case{"CRON_TZ=Australia/Sydney 0 30 2 * * *", ""}, Case{"@every 1h30m10s", "UTC"},
        Case{"@at 2024-06-01T00:00:00Z", "UTC"},
        Case{"@after 2024-06-01T00:00:00+02:00 <PT2H", "UTC"},
        Case{"0 30 2 * * *", "Europe/Paris", core::DstGap::skip, core::DstOverlap::both},
        Case{"0 30 2 * * *", "Europe/Paris", core::DstGap::run, core::DstOverlap::second},
        Case{"0 15 * * * *", "Europe/Paris", core::DstGap::run, core::DstOverlap::first},
        Case{"0 59 23 28-31 * *", "Pacific/Apia"}));

TEST(TickOracle, StopsAtTheMostThatIsAskedFor) {
    const auto oracle =
        TickOracle::parse("* * * * * *", "", core::DstGap::by_rule, core::DstOverlap::by_rule);
    const auto ticks =
        oracle->ticks(WallTime::from_seconds(0), WallTime::from_seconds(1LL << 40), WallTime{}, 3);
    EXPECT_EQ(ticks, (std::vector{WallTime::from_seconds(1), WallTime::from_seconds(2),
                                  WallTime::from_seconds(3)}));
}

TEST(TickOracle, SaysWhatItDoesNotKnow) {
    EXPECT_FALSE(
        TickOracle::parse("H H * * * *", "", core::DstGap::by_rule, core::DstOverlap::by_rule));
    EXPECT_FALSE(TickOracle::parse("0 0 0 * * *", "Mars/Olympus", core::DstGap::by_rule,
                                   core::DstOverlap::by_rule));
}

}  // namespace
}  // namespace khronos::verify

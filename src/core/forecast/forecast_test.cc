#include "core/forecast/forecast.h"

#include <gtest/gtest.h>

#include <numeric>

namespace khronos::core {
namespace {

const WallTime kFrom = *parse_rfc3339("2026-01-01T00:00:00Z");

ForecastJob job(std::string name, std::string schedule, Duration duration = 1s,
                Concurrency concurrency = Concurrency::allow) {
    ForecastJob made;
    made.job.spec.name = std::move(name);
    made.job.spec.schedule = std::move(schedule);
    made.job.spec.concurrency = concurrency;
    made.job.anchor = kFrom;
    made.duration = duration;
    return made;
}

Forecast over(const std::vector<ForecastJob>& jobs, Duration length, std::uint32_t slots = 0) {
    return forecast(jobs, {.from = kFrom, .until = kFrom + length, .slots = slots});
}

TEST(Forecast, CountsEveryTickOfAWeek) {
    const Forecast week = over(
        {job("a", "0 */5 * * * *"), job("b", "0 30 2 * * *"), job("c", "@every 90s")}, 7 * 24h);
    EXPECT_EQ(week.jobs[0].ticks, 7u * 24 * 12);
    EXPECT_EQ(week.jobs[1].runs, 7u);
    EXPECT_EQ(week.jobs[2].runs, 7u * 24 * 40);
    EXPECT_EQ(week.ticks, week.runs);
    EXPECT_EQ(std::accumulate(week.starts.begin(), week.starts.end(), 0u), week.runs);
    EXPECT_EQ(week.starts.size(), 7u * 24 * 60 + 1);
}

TEST(Forecast, ADisabledJobAndOneThatHasExpiredAreNotDue) {
    auto disabled = job("a", "* * * * * *");
    disabled.job.spec.disabled = true;
    auto expired = job("b", "* * * * * *");
    expired.job.spec.expires_at = kFrom + 11s;
    const Forecast hour = over({disabled, expired}, 1h);
    EXPECT_EQ(hour.jobs[0].ticks, 0u);
    EXPECT_EQ(hour.jobs[1].ticks, 10u);
}

TEST(Forecast, AForbidJobThatTakesTooLongSkips) {
    const Forecast hour = over({job("slow", "0 * * * * *", 90s, Concurrency::forbid)}, 1h);
    // Due each minute, over after one and a half: every other tick finds it running.
    EXPECT_EQ(hour.jobs[0].ticks, 60u);
    EXPECT_EQ(hour.jobs[0].runs, 30u);
    EXPECT_EQ(hour.jobs[0].skipped, 30u);
    EXPECT_EQ(hour.jobs[0].first_skip, kFrom + 120s);
    EXPECT_EQ(hour.jobs[0].most_at_once, 1u);
    // As long as the pause between two ticks is too long.
    EXPECT_EQ(over({job("exact", "0 * * * * *", 60s, Concurrency::forbid)}, 1h).jobs[0].skipped,
              30u);
    EXPECT_EQ(over({job("quick", "0 * * * * *", 59s, Concurrency::forbid)}, 1h).jobs[0].skipped,
              0u);
}

TEST(Forecast, RunsOverlapWhereTheyMay) {
    const Forecast hour = over({job("a", "0 * * * * *", 150s)}, 1h);
    EXPECT_EQ(hour.jobs[0].runs, 60u);
    EXPECT_EQ(hour.jobs[0].most_at_once, 3u);
    EXPECT_EQ(hour.most_running, 3u);
    EXPECT_EQ(hour.most_running_at, kFrom + 180s);
    EXPECT_EQ(hour.running[1], 1u);
    EXPECT_EQ(hour.running[30], 3u);
}

TEST(Forecast, ARunIsCountedInEveryMinuteThatItTakes) {
    const Forecast hour = over({job("a", "@at 2026-01-01T00:10:00Z", 5min)}, 1h);
    EXPECT_EQ(hour.running[9], 0u);
    for (std::size_t minute = 10; minute < 15; ++minute)
        EXPECT_EQ(hour.running[minute], 1u) << minute;
    EXPECT_EQ(hour.running[16], 0u);
    EXPECT_EQ(hour.starts[10], 1u);
    EXPECT_EQ(hour.starts[11], 0u);
}

TEST(Forecast, FewSlotsMakeRunsLate) {
    const std::vector<ForecastJob> three{job("a", "0 0 * * * *", 10s), job("b", "0 0 * * * *", 10s),
                                         job("c", "0 0 * * * *", 10s)};
    const Forecast one = over(three, 90min, 1);
    EXPECT_EQ(one.runs, 3u);
    EXPECT_EQ(one.late, 2u);
    EXPECT_EQ(one.jobs[2].latest, 20s);
    EXPECT_EQ(one.jobs[2].first_late, kFrom + 1h);
    EXPECT_EQ(one.most_running, 1u);
    EXPECT_EQ(over(three, 90min, 3).late, 0u);
    // More work than one slot can do in the time.
    EXPECT_EQ(over({job("a", "0 * * * * *", 1h), job("b", "0 * * * * *", 1h)}, 5min, 1).waiting,
              9u);
}

TEST(Forecast, FindsTheHerd) {
    const Forecast day = over({job("a", "0 0 * * * *"), job("b", "0 0 0 * * *"),
                               job("c", "30 10 3 * * *"), job("d", "0 5 * * * *")},
                              24h);
    EXPECT_EQ(day.ticks, 24u + 1 + 1 + 24);
    EXPECT_EQ(day.at_second_zero, 49u);
    EXPECT_EQ(day.at_minute_zero, 25u);
    EXPECT_EQ(day.fullest.front(), (Forecast::Second{kFrom + 24h, 2}));
    EXPECT_EQ(day.fullest.size(), kFullestSeconds);
}

TEST(Forecast, SpreadMovesStartsAndIsNotLate) {
    std::vector<ForecastJob> jobs;
    for (int i = 0; i < 60; ++i) {
        jobs.push_back(job("job" + std::to_string(i), "0 0 12 * * *"));
        jobs.back().job.spec.spread = 1h;
    }
    const Forecast day = over(jobs, 24h);
    EXPECT_EQ(day.runs, 60u);
    EXPECT_EQ(day.late, 0u);
    EXPECT_EQ(day.fullest.front().ticks, 60u);
    EXPECT_LT(day.most_running, 10u);
    EXPECT_LT(day.starts[12 * 60], 20u);
}

TEST(Forecast, ChildrenFollowTheirParents) {
    auto child = job("child", "", 10s);
    child.job.spec.parent_job = "mother";
    auto grandchild = job("grandchild", "", 10s);
    grandchild.job.spec.parent_job = "child";
    const Forecast hour = over({grandchild, child, job("mother", "0 */10 * * * *", 30s)}, 55min);
    EXPECT_EQ(hour.jobs[2].runs, 5u);
    EXPECT_EQ(hour.jobs[1].runs, 5u);
    EXPECT_EQ(hour.jobs[0].runs, 5u);
    EXPECT_EQ(hour.jobs[0].ticks, 0u);
    EXPECT_EQ(hour.ticks, 5u);
    EXPECT_EQ(hour.most_running, 1u);
}

TEST(Forecast, ChangesOfClocksAreThoseOfTheScheduler) {
    const WallTime from = *parse_rfc3339("2024-03-30T12:00:00Z");
    auto paris = job("a", "0 30 2 * * *");
    paris.job.spec.timezone = "Europe/Paris";
    auto skipping = paris;
    skipping.job.spec.name = "b";
    skipping.job.spec.dst_gap = DstGap::skip;
    const Forecast day = forecast({paris, skipping}, {.from = from, .until = from + 24h});
    EXPECT_EQ(day.jobs[0].runs, 1u);
    EXPECT_EQ(day.jobs[1].runs, 0u);
}

TEST(Forecast, ItsMinutesBeginOnTheHour) {
    const WallTime from = kFrom + 10min + 8s;
    auto at_twelve = job("a", "0 12 0 * * *");
    const Forecast hour = forecast({at_twelve}, {.from = from, .until = from + 1h});
    EXPECT_EQ(hour.first_minute, kFrom);
    EXPECT_EQ(hour.starts.size(), 71u);
    EXPECT_EQ(hour.starts[12], 1u);
}

TEST(Forecast, TellsHowFarItIs) {
    WallTime last;
    forecast({job("a", "* * * * * *")}, {.from = kFrom, .until = kFrom + 3h}, [&](WallTime at) {
        EXPECT_GE(at, last);
        last = at;
    });
    EXPECT_GT(last, kFrom + 1h);
}

}  // namespace
}  // namespace khronos::core

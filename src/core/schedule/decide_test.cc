#include "core/schedule/decide.h"

#include <gtest/gtest.h>

#include <ostream>

#include "base/limits.h"

namespace khronos::core {

void PrintTo(const TickDecision& d, std::ostream* out) {
    *out << (d.kind == TickDecision::Kind::fire       ? "fire "
             : d.kind == TickDecision::Kind::coalesce ? "coalesce "
                                                      : "skip ")
         << to_text(d.reason) << ' ' << d.range_from.seconds() << ".." << d.at.seconds() << " x"
         << d.count;
}

namespace {

WallTime at(std::int64_t seconds) { return WallTime::from_seconds(1704067200 + seconds); }

Era every(std::int64_t period, std::int64_t from = 0) {
    Era era;
    era.generation = Generation(1);
    era.from = at(from);
    era.anchor = at(from);
    era.schedule = cron::Schedule(cron::Every{period}, zone::Zone::utc());
    return era;
}

MisfireRules rules(Misfire policy, std::int64_t now, std::uint32_t limit = 100) {
    return {policy, limit, at(now - 60), at(now - 2)};
}

TickDecision fire(std::int64_t t, Reason reason = Reason::none) {
    return {TickDecision::Kind::fire, reason, at(t), {}, 1, false, {}};
}
TickDecision skip(Reason reason, std::int64_t first, std::int64_t last, std::uint32_t count) {
    TickDecision d{TickDecision::Kind::skip, reason, at(last), {}, count, false, {}};
    if (first != last) d.range_from = at(first);
    return d;
}
TickDecision coalesce(std::int64_t first, std::int64_t last, std::uint32_t count, std::int64_t into) {
    TickDecision d = skip(Reason::misfire_once, first, last, count);
    d.kind = TickDecision::Kind::coalesce;
    d.coalesced_into = at(into);
    return d;
}
using Ticks = std::vector<TickDecision>;

TEST(Decide, NothingDueIsDecidedUpToTheEnd) {
    const Decided d = decide(every(100), at(0), at(50), rules(Misfire::once, 50), 60);
    EXPECT_EQ(d.ticks, Ticks{});
    EXPECT_EQ(d.up_to, at(50));
}

TEST(Decide, DueTicksRunInOrder) {
    const Decided d = decide(every(10), at(0), at(30), rules(Misfire::once, 30), 60);
    EXPECT_EQ(d.ticks, (Ticks{fire(10, Reason::late), fire(20, Reason::late), fire(30)}));
}

TEST(Decide, ATickIsLateFromTwoSecondsOn) {
    EXPECT_EQ(decide(every(10), at(0), at(12), rules(Misfire::once, 12), 60).ticks, Ticks{fire(10)});
    EXPECT_EQ(decide(every(10), at(0), at(13), rules(Misfire::once, 13), 60).ticks,
              Ticks{fire(10, Reason::late)});
}

TEST(Decide, ATickOfExactlyTheThresholdIsNotMissed) {
    EXPECT_EQ(decide(every(10), at(0), at(70), rules(Misfire::skip, 70), 60).ticks.front(),
              fire(10, Reason::late));
    EXPECT_EQ(decide(every(10), at(0), at(71), rules(Misfire::skip, 71), 60).ticks.front(),
              skip(Reason::misfire_skip, 10, 10, 1));
}

TEST(Decide, OnceRunsTheLatestMissedAndCoalescesTheOthersIntoIt) {
    const Decided d = decide(every(10), at(0), at(1000), rules(Misfire::once, 1000), 60);
    ASSERT_EQ(d.ticks.size(), 9u);
    EXPECT_EQ(d.ticks[0], coalesce(10, 920, 92, 930));
    EXPECT_EQ(d.ticks[1], fire(930, Reason::caught_up));
    EXPECT_EQ(d.ticks[2], fire(940, Reason::late));
    EXPECT_EQ(d.ticks[8], fire(1000));
}

TEST(Decide, OnceWithASingleMissedTickRunsIt) {
    EXPECT_EQ(decide(every(100), at(0), at(180), rules(Misfire::once, 180), 60).ticks,
              Ticks{fire(100, Reason::caught_up)});
}

TEST(Decide, AnUnknownPolicyIsTheDefault) {
    EXPECT_EQ(decide(every(10), at(0), at(1000), rules(Misfire::unknown, 1000), 60).ticks,
              decide(every(10), at(0), at(1000), rules(Misfire::once, 1000), 60).ticks);
}

TEST(Decide, SkipRunsNoMissedTick) {
    const Decided d = decide(every(10), at(0), at(100), rules(Misfire::skip, 100), 60);
    EXPECT_EQ(d.ticks.front(), skip(Reason::misfire_skip, 10, 30, 3));
    EXPECT_EQ(d.ticks[1], fire(40, Reason::late));
}

TEST(Decide, AllRunsTheLatestUpToItsLimit) {
    const Decided d = decide(every(10), at(0), at(100), rules(Misfire::all, 100, 2), 60);
    EXPECT_EQ(d.ticks[0], skip(Reason::misfire_limit, 10, 10, 1));
    EXPECT_EQ(d.ticks[1], fire(20, Reason::caught_up));
    EXPECT_EQ(d.ticks[2], fire(30, Reason::caught_up));
    EXPECT_EQ(d.ticks[3], fire(40, Reason::late));
}

TEST(Decide, AllWithALimitOfZeroRunsNone) {
    const Decided d = decide(every(10), at(0), at(100), rules(Misfire::all, 100, 0), 60);
    EXPECT_EQ(d.ticks[0], skip(Reason::misfire_limit, 10, 30, 3));
    EXPECT_EQ(d.ticks[1], fire(40, Reason::late));
}

TEST(Decide, WithoutRoomItSaysHowFarItCame) {
    const Decided d = decide(every(1), at(0), at(30), rules(Misfire::once, 30), 10);
    EXPECT_EQ(d.ticks.size(), 10u);
    EXPECT_EQ(d.up_to, at(10));
    const Decided rest = decide(every(1), d.up_to, at(30), rules(Misfire::once, 30), 60);
    EXPECT_EQ(rest.ticks.front().at, at(11));
    EXPECT_EQ(rest.ticks.size(), 20u);
}

TEST(Decide, AllGoesOnInTheMiddleWithTheSameTicks) {
    // 100 missed of 500, in pieces of 20: the same as at once.
    const MisfireRules same = rules(Misfire::all, 500, 100);
    Ticks in_pieces;
    for (WallTime from = at(0); from < at(500);) {
        const Decided d = decide(every(1), from, at(500), same, 20);
        in_pieces.insert(in_pieces.end(), d.ticks.begin(), d.ticks.end());
        ASSERT_LT(from, d.up_to);
        from = d.up_to;
    }
    EXPECT_EQ(in_pieces, decide(every(1), at(0), at(500), same, 1000).ticks);
    EXPECT_EQ(in_pieces.front(), skip(Reason::misfire_limit, 1, 339, 339));
    EXPECT_EQ(in_pieces.size(), 1u + 100u + 61u);
}

TEST(Decide, ADisabledStretchIsOneSkip) {
    Era era = every(10);
    era.disabled = true;
    era.until = at(3600);
    EXPECT_EQ(decide(era, at(0), at(5000), rules(Misfire::all, 5000), 60).ticks,
              Ticks{skip(Reason::disabled, 10, 3600, 360)});
}

TEST(Decide, StopsAtTheEndOfItsEra) {
    Era era = every(10);
    era.until = at(25);
    const Decided d = decide(era, at(0), at(60), rules(Misfire::once, 60), 60);
    EXPECT_EQ(d.ticks.size(), 2u);
    EXPECT_EQ(d.up_to, at(25));
}

TEST(Decide, CountsAnEndlessPastOfEveryAtOnceAndOfCronUpToABound) {
    const std::int64_t years = 10LL * 365 * 86400;
    const Decided by_division = decide(every(1), at(0), at(years), rules(Misfire::once, years), 60);
    EXPECT_EQ(by_division.ticks.front().count, static_cast<std::uint32_t>(years - 62));
    EXPECT_FALSE(by_division.ticks.front().count_is_floor);

    Era cron = every(1);
    cron.schedule = *cron::Schedule::parse("* * * * * *");
    const Decided counted = decide(cron, at(0), at(years), rules(Misfire::once, years), 60);
    EXPECT_EQ(counted.ticks.front().count, limits::kCountedRange);
    EXPECT_TRUE(counted.ticks.front().count_is_floor);
}

}  // namespace
}  // namespace khronos::core

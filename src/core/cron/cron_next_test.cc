#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/cron/schedule.h"

namespace khronos::cron {
namespace {

struct Story {
    const char* what;
    const char* zone;
    const char* spec;
    const char* from;
    std::vector<const char*> times;  // the whole answer for so many next()
    DstPolicy dst = {};
};

Schedule parsed(const Story& story) {
    const auto schedule = Schedule::parse(story.spec, {.timezone = story.zone, .dst = story.dst});
    if (!schedule) throw std::runtime_error(std::string(story.spec) + to_string(schedule.error()));
    return *schedule;
}

WallTime at(const char* text) {
    return *parse_rfc3339(text);
}

void tell(const std::vector<Story>& stories) {
    for (const Story& story : stories) {
        const Schedule schedule = parsed(story);
        const WallTime from = at(story.from);
        std::optional<WallTime> t = from;
        std::vector<WallTime> ticks;
        for (const char* expected : story.times) {
            t = schedule.next(*t, from);
            ASSERT_TRUE(t) << story.what << ": nothing instead of " << expected;
            EXPECT_EQ(zone::to_rfc3339(*t, schedule.zone()), expected) << story.what;
            EXPECT_TRUE(schedule.matches(*t, from)) << story.what;
            ticks.push_back(*t);
        }
        // And the same way back.
        for (std::size_t i = ticks.size(); i-- > 1;)
            EXPECT_EQ(schedule.prev(ticks[i], from), ticks[i - 1]) << story.what;
    }
}

TEST(CronNext, FollowsTheFields) {
    tell({
        {"strictly after", "", "0 0 12 * * *", "2026-01-01T12:00:00Z", {"2026-01-02T12:00:00Z"}},
        {"within the second",
         "",
         "* * * * * *",
         "2026-01-01T12:00:00.999999Z",
         {"2026-01-01T12:00:01Z"}},
        {"over the new year",
         "",
         "59 59 23 31 12 *",
         "2026-12-31T23:59:59Z",
         {"2027-12-31T23:59:59Z"}},
        {"steps",
         "",
         "*/20 */30 * * * *",
         "2026-01-01T00:00:30Z",
         {"2026-01-01T00:00:40Z", "2026-01-01T00:30:00Z", "2026-01-01T00:30:20Z"}},
        {"either day is enough",
         "",
         "0 0 0 13 * FRI",
         "2026-02-01T00:00:00Z",
         {"2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z",
          "2026-02-27T00:00:00Z", "2026-03-06T00:00:00Z", "2026-03-13T00:00:00Z"}},
        {"a step counts as restricted",
         "",
         "0 0 0 */15 * MON",
         "2026-03-01T00:00:00Z",
         {"2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z", "2026-03-16T00:00:00Z",
          "2026-03-23T00:00:00Z", "2026-03-30T00:00:00Z", "2026-03-31T00:00:00Z"}},
        {"a question mark does not",
         "",
         "0 0 0 ? * MON",
         "2026-03-01T00:00:00Z",
         {"2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"}},
        {"months without the day are passed over",
         "",
         "0 0 0 31 * *",
         "2026-01-31T00:00:00Z",
         {"2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z", "2026-07-31T00:00:00Z",
          "2026-08-31T00:00:00Z"}},
        {"29 February over 2100",
         "",
         "0 0 0 29 2 *",
         "2095-01-01T00:00:00Z",
         {"2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z", "2108-02-29T00:00:00Z"}},
        {"a fifth Sunday in February, forty years apart over 2100",
         "",
         "0 0 0 ? 2 0#5",
         "2061-01-01T00:00:00Z",
         {"2088-02-29T00:00:00Z", "2128-02-29T00:00:00Z"}},
    });
}

TEST(CronNext, CountsFromTheEndOfTheMonthAndByWorkingDays) {
    tell({
        {"L",
         "",
         "0 0 0 L * *",
         "2028-01-01T00:00:00Z",
         {"2028-01-31T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-31T00:00:00Z"}},
        {"L-n",
         "",
         "0 0 0 L-2 2 *",
         "2027-01-01T00:00:00Z",
         {"2027-02-26T00:00:00Z", "2028-02-27T00:00:00Z"}},
        {"LW: 31 January 2026 is a Saturday, 31 May a Sunday",
         "",
         "0 0 0 LW * *",
         "2026-01-01T00:00:00Z",
         {"2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z", "2026-03-31T00:00:00Z",
          "2026-04-30T00:00:00Z", "2026-05-29T00:00:00Z"}},
        {"15W: back from Saturday, on from Sunday",
         "",
         "0 0 0 15W * *",
         "2026-07-16T00:00:00Z",
         {"2026-08-14T00:00:00Z", "2026-09-15T00:00:00Z", "2026-10-15T00:00:00Z",
          "2026-11-16T00:00:00Z"}},
        {"1W never leaves its month",
         "",
         "0 0 0 1W 8 *",
         "2026-01-01T00:00:00Z",
         {"2026-08-03T00:00:00Z"}},
        {"31W never leaves its month",
         "",
         "0 0 0 31W 5 *",
         "2026-01-01T00:00:00Z",
         {"2026-05-29T00:00:00Z"}},
        {"last Friday",
         "",
         "0 0 0 * * FRIL",
         "2026-01-01T00:00:00Z",
         {"2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z", "2026-03-27T00:00:00Z"}},
        {"second Tuesday",
         "",
         "0 0 0 * * 2#2",
         "2026-01-01T00:00:00Z",
         {"2026-01-13T00:00:00Z", "2026-02-10T00:00:00Z", "2026-03-10T00:00:00Z"}},
        {"fifth Monday",
         "",
         "0 0 0 * * MON#5",
         "2026-01-01T00:00:00Z",
         {"2026-03-30T00:00:00Z", "2026-06-29T00:00:00Z"}},
        {"L or a weekday",
         "",
         "0 0 0 L * SUN#1",
         "2026-01-01T00:00:00Z",
         {"2026-01-04T00:00:00Z", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z"}},
    });
}

TEST(CronNext, RunsAFixedTimeOnceAtTheEndOfAGap) {
    tell({
        {"Paris",
         "Europe/Paris",
         "0 30 2 * * *",
         "2024-03-30T00:00:00Z",
         {"2024-03-30T02:30:00+01:00", "2024-03-31T03:00:00+02:00", "2024-04-01T02:30:00+02:00"}},
        {"several times in one gap",
         "Europe/Paris",
         "0 */15 2 * * *",
         "2024-03-30T02:00:00Z",
         {"2024-03-31T03:00:00+02:00", "2024-04-01T02:00:00+02:00"}},
        {"one of them is the end itself",
         "Europe/Paris",
         "0 30 2,3 * * *",
         "2024-03-30T12:00:00Z",
         {"2024-03-31T03:00:00+02:00", "2024-03-31T03:30:00+02:00", "2024-04-01T02:30:00+02:00"}},
        {"and it comes once",
         "Europe/Paris",
         "0 0,30 2-3 * * *",
         "2024-03-30T12:00:00Z",
         {"2024-03-31T03:00:00+02:00", "2024-03-31T03:30:00+02:00", "2024-04-01T02:00:00+02:00"}},
        {"asked from the end of the gap",
         "Europe/Paris",
         "0 30 2 * * *",
         "2024-03-31T00:59:59Z",
         {"2024-03-31T03:00:00+02:00", "2024-04-01T02:30:00+02:00"}},
        {"Lord Howe, half an hour",
         "Australia/Lord_Howe",
         "0 15 2 * * *",
         "2026-10-02T20:00:00Z",
         {"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
        {"Beirut, at midnight",
         "Asia/Beirut",
         "0 30 0 * * *",
         "2026-03-27T23:00:00Z",
         {"2026-03-29T01:00:00+03:00", "2026-03-30T00:30:00+03:00"}},
        {"Cairo, at midnight",
         "Africa/Cairo",
         "@daily",
         "2026-04-22T23:00:00Z",
         {"2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00"}},
        {"Sao Paulo in 2017",
         "America/Sao_Paulo",
         "@daily",
         "2017-10-14T04:00:00Z",
         {"2017-10-15T01:00:00-02:00", "2017-10-16T00:00:00-02:00"}},
        {"Troll, two hours",
         "Antarctica/Troll",
         "0 30 1,2 * * *",
         "2026-03-28T12:00:00Z",
         {"2026-03-29T03:00:00+02:00", "2026-03-30T01:30:00+02:00"}},
    });
}

TEST(CronNext, RunsOnceInTheRepeatedHour) {
    tell({
        {"Paris",
         "Europe/Paris",
         "0 30 2 * * *",
         "2024-10-26T12:00:00Z",
         {"2024-10-27T02:30:00+02:00", "2024-10-28T02:30:00+01:00"}},
        {"every quarter of it",
         "Europe/Paris",
         "0 */15 2 * * *",
         "2024-10-26T23:59:59Z",
         {"2024-10-27T02:00:00+02:00", "2024-10-27T02:15:00+02:00", "2024-10-27T02:30:00+02:00",
          "2024-10-27T02:45:00+02:00", "2024-10-28T02:00:00+01:00"}},
        {"asked from within the second copy",
         "Europe/Paris",
         "0 */15 2 * * *",
         "2024-10-27T01:20:00Z",
         {"2024-10-28T02:00:00+01:00"}},
        {"Lord Howe, half an hour",
         "Australia/Lord_Howe",
         "0 0,15,30,45 1 * * *",
         "2026-04-04T14:00:00Z",
         {"2026-04-05T01:15:00+11:00", "2026-04-05T01:30:00+11:00", "2026-04-05T01:45:00+11:00",
          "2026-04-06T01:00:00+10:30"}},
        {"Dublin, whose winter is the exception",
         "Europe/Dublin",
         "0 30 1 * * *",
         "2026-10-24T12:00:00Z",
         {"2026-10-25T01:30:00+01:00", "2026-10-26T01:30:00+00:00"}},
    });
}

TEST(CronNext, AScheduleOfAllHoursLosesNothing) {
    tell({
        {"over a gap",
         "Europe/Paris",
         "0 */30 * * * *",
         "2024-03-31T00:29:00Z",
         {"2024-03-31T01:30:00+01:00", "2024-03-31T03:00:00+02:00", "2024-03-31T03:30:00+02:00"}},
        {"both copies of an hour",
         "Europe/Paris",
         "0 30 * * * *",
         "2024-10-26T23:00:00Z",
         {"2024-10-27T01:30:00+02:00", "2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00",
          "2024-10-27T03:30:00+01:00"}},
        {"0-23 is all hours too",
         "America/New_York",
         "0 0 0-23 * * *",
         "2026-11-01T04:30:00Z",
         {"2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00"}},
    });
}

TEST(CronNext, AJobsOwnPolicyGoesBeforeTheRule) {
    const DstPolicy skip{GapRule::skip, OverlapRule::automatic};
    const DstPolicy run{GapRule::run, OverlapRule::automatic};
    const DstPolicy first{GapRule::automatic, OverlapRule::first};
    const DstPolicy second{GapRule::automatic, OverlapRule::second};
    const DstPolicy both{GapRule::automatic, OverlapRule::both};
    tell({
        {"gap skip",
         "Europe/Paris",
         "0 30 2 * * *",
         "2024-03-30T12:00:00Z",
         {"2024-04-01T02:30:00+02:00"},
         skip},
        {"gap run for all hours",
         "Europe/Paris",
         "0 30 * * * *",
         "2024-03-31T00:00:00Z",
         {"2024-03-31T01:30:00+01:00", "2024-03-31T03:00:00+02:00", "2024-03-31T03:30:00+02:00"},
         run},
        {"overlap second",
         "Europe/Paris",
         "0 30 2 * * *",
         "2024-10-26T12:00:00Z",
         {"2024-10-27T02:30:00+01:00", "2024-10-28T02:30:00+01:00"},
         second},
        {"overlap both",
         "Europe/Paris",
         "0 30 2 * * *",
         "2024-10-26T12:00:00Z",
         {"2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00", "2024-10-28T02:30:00+01:00"},
         both},
        {"overlap first for all hours",
         "Europe/Paris",
         "0 30 * * * *",
         "2024-10-26T23:00:00Z",
         {"2024-10-27T01:30:00+02:00", "2024-10-27T02:30:00+02:00", "2024-10-27T03:30:00+01:00"},
         first},
        {"overlap second for all hours",
         "Europe/Paris",
         "0 30 * * * *",
         "2024-10-26T23:00:00Z",
         {"2024-10-27T01:30:00+02:00", "2024-10-27T02:30:00+01:00", "2024-10-27T03:30:00+01:00"},
         second},
    });
}

TEST(CronNext, ASkippedDayIsSkippedUnderEveryPolicy) {
    for (const GapRule gap : {GapRule::automatic, GapRule::run, GapRule::skip})
        tell({{"Apia without a 30 December",
               "Pacific/Apia",
               "0 0 12 * * *",
               "2011-12-28T23:00:00Z",
               {"2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00"},
               {gap, OverlapRule::automatic}}});
}

TEST(CronNext, KnowsTheRulesOfFarYears) {
    tell({
        {"summer of 2400",
         "Europe/Paris",
         "0 0 9 1 7 *",
         "2400-01-01T00:00:00Z",
         {"2400-07-01T09:00:00+02:00", "2401-07-01T09:00:00+02:00"}},
        {"the gap of 2999",
         "Europe/Paris",
         "0 30 2 ? 3 0L",
         "2998-12-01T00:00:00Z",
         {"2999-03-31T03:00:00+02:00"}},
        {"across the table's end",
         "America/New_York",
         "0 0 12 1 1 *",
         "2436-06-01T00:00:00Z",
         {"2437-01-01T12:00:00-05:00", "2438-01-01T12:00:00-05:00", "2439-01-01T12:00:00-05:00"}},
        {"the last second",
         "",
         "59 59 23 31 12 *",
         "9998-12-31T23:59:59Z",
         {"9999-12-31T23:59:59Z"}},
    });
    const auto schedule = Schedule::parse("* * * * * *", {.timezone = "Europe/Paris"});
    EXPECT_EQ(schedule->next(at("9999-12-31T23:59:59Z"), WallTime{}), std::nullopt);
    EXPECT_EQ(schedule->next(WallTime::max(), WallTime{}), std::nullopt);
    EXPECT_EQ(schedule->next(WallTime{}, WallTime{}), at("0001-01-01T00:00:01Z"));
    EXPECT_EQ(schedule->prev(at("0001-01-01T00:00:00Z"), WallTime{}), std::nullopt);
    EXPECT_EQ(schedule->prev(WallTime::max(), WallTime{}), at("9999-12-31T23:59:59Z"));
    EXPECT_EQ(schedule->next(WallTime{INT64_MIN}, WallTime{}), at("0001-01-01T00:00:00Z"));
    EXPECT_EQ(schedule->prev(WallTime{INT64_MIN}, WallTime{}), std::nullopt);
}

TEST(CronNext, RefusesWhatAChangeOfClocksAlwaysHides) {
    const ParseOptions skip{.timezone = "Europe/Paris", .dst = {.gap = GapRule::skip}};
    EXPECT_FALSE(Schedule::parse("0 30 2 ? 3 0L", skip).has_value());
    EXPECT_TRUE(Schedule::parse("0 30 2 ? 3 0L", {.timezone = "Europe/Paris"}).has_value());
}

TEST(CronNext, AnIntervalKeepsItsPhase) {
    const auto schedule = *Schedule::parse("@every 1h30m");
    const WallTime anchor = at("2026-01-01T00:00:07.9Z");
    EXPECT_EQ(schedule.next(anchor, anchor), at("2026-01-01T01:30:07Z"));
    EXPECT_EQ(schedule.next(at("2020-01-01T00:00:00Z"), anchor), at("2026-01-01T01:30:07Z"));
    EXPECT_EQ(schedule.next(at("2026-01-01T01:30:07Z"), anchor), at("2026-01-01T03:00:07Z"));
    EXPECT_EQ(schedule.next(at("2026-01-01T01:30:06.999999Z"), anchor), at("2026-01-01T01:30:07Z"));
    EXPECT_EQ(schedule.prev(at("2026-01-01T03:00:07Z"), anchor), at("2026-01-01T01:30:07Z"));
    EXPECT_EQ(schedule.prev(at("2026-01-01T03:00:07.000001Z"), anchor), at("2026-01-01T03:00:07Z"));
    EXPECT_EQ(schedule.prev(at("2026-01-01T01:30:07Z"), anchor), std::nullopt);
    EXPECT_TRUE(schedule.matches(at("2026-01-02T00:00:07Z"), anchor));
    EXPECT_FALSE(schedule.matches(anchor.floor_second(), anchor));
    EXPECT_EQ(schedule.next(at("9999-12-31T23:00:00Z"), anchor), std::nullopt);
}

TEST(CronNext, RunsOnceAtATimeThatIsGiven) {
    const WallTime t = at("2026-05-01T08:00:00Z");
    for (const char* text :
         {"@at 2026-05-01T10:00:00+02:00", "@after 2026-05-01T08:00:00Z <PT2H"}) {
        const auto schedule = *Schedule::parse(text);
        EXPECT_EQ(schedule.next(at("2026-01-01T00:00:00Z"), WallTime{}), t);
        EXPECT_EQ(schedule.next(t - Duration(1), WallTime{}), t);
        EXPECT_EQ(schedule.next(t, WallTime{}), std::nullopt);
        EXPECT_EQ(schedule.prev(t, WallTime{}), std::nullopt);
        EXPECT_EQ(schedule.prev(t + Duration(1), WallTime{}), t);
        EXPECT_TRUE(schedule.matches(t, WallTime{}));
    }
    EXPECT_EQ(Schedule::parse("@after 2026-05-01T08:00:00Z <PT2H")->grace(), Duration(2h));
    EXPECT_EQ(Schedule::parse("@at 2026-05-01T08:00:00Z")->grace(), std::nullopt);
}

TEST(CronNext, NeverRunsByItselfWhenToldSo) {
    for (const char* text : {"", "@manually", "@oneway"}) {
        const auto schedule = *Schedule::parse(text);
        EXPECT_EQ(schedule.next(WallTime{}, WallTime{}), std::nullopt);
        EXPECT_EQ(schedule.prev(WallTime::max(), WallTime{}), std::nullopt);
        EXPECT_FALSE(schedule.matches(at("2026-01-01T00:00:00Z"), WallTime{}));
    }
    EXPECT_EQ(Schedule().kind(), Kind::manual);
    EXPECT_EQ(Schedule::parse("@oneway")->kind(), Kind::oneway);
}

}  // namespace
}  // namespace khronos::cron

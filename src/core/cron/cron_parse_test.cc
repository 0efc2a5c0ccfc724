#include <gtest/gtest.h>

#include <bit>
#include <string>

#include "base/ids.h"
#include "base/limits.h"
#include "core/cron/grace.h"
#include "core/cron/schedule.h"

namespace khronos::cron {
namespace {

Schedule must(std::string_view text, const ParseOptions& options = {}) {
    const auto schedule = Schedule::parse(text, options);
    if (!schedule) throw std::runtime_error(std::string(text) + ": " + to_string(schedule.error()));
    return *schedule;
}

CronError fault_of(std::string_view text, const ParseOptions& options = {}) {
    const auto schedule = Schedule::parse(text, options);
    EXPECT_FALSE(schedule.has_value()) << text;
    return schedule ? CronError{} : schedule.error();
}

TEST(CronParse, DifferentWritingsOfOneScheduleAreEqual) {
    struct Case {
        const char* a;
        const char* b;
    };
    for (const Case& c : {
             Case{"@yearly", "0 0 0 1 1 *"},
             Case{"@annually", "0 0 0 1 JAN ?"},
             Case{"@monthly", "0 0 0 1 * *"},
             Case{"@weekly", "0 0 0 * * SUN"},
             Case{"@daily", "0 0 0 * * *"},
             Case{"@midnight", "@daily"},
             Case{"@hourly", "0 0 * * * *"},
             Case{"@minutely", "0 * * * * *"},
             Case{"@Daily", "@daily"},
             Case{"  0\t0 0 * * *  ", "@daily"},
             Case{"0 0 0 ? * ?", "@daily"},
             Case{"0 0 0 1 jan-Mar *", "0 0 0 1 1,2,3 *"},
             Case{"0 0 0 * * mon-FRI", "0 0 0 * * 1-5"},
             Case{"0 0 0 * * 1-Fri/2", "0 0 0 * * MON,3,FRI"},
             Case{"0 5/15 * * * *", "0 5,20,35,50 * * * *"},
             Case{"0 00-09/3 * * * *", "0 0,3,6,9 * * * *"},
             Case{"0 */15 * * * *", "0 0-59/15 * * * *"},
             Case{"0 1,1,1 * * * *", "0 1 * * * *"},
             Case{"*,5 0 0 * * *", "* 0 0 * * *"},
             Case{"0 0 0 * * 5L", "0 0 0 * * fril"},
             Case{"0 0 0 * * 5#3", "0 0 0 * * FRI#3"},
             Case{"0 0 0 l * *", "0 0 0 L-0 * *"},
             Case{"0 0 0 lw * *", "0 0 0 LW * *"},
             Case{"@every 90s", "@every 1m30s"},
             Case{"@every 1000ms", "@every 1s"},
             Case{"@at 2026-01-01T01:00:00+01:00", "@at 2026-01-01T00:00:00Z"},
             Case{"@after 2026-01-01T00:00:00Z <P1D", "@after 2026-01-01T00:00:00.000Z   <PT24H"},
             Case{"@manually", ""},
             Case{"   ", "@manually"},
         })
        EXPECT_EQ(must(c.a), must(c.b)) << c.a << " and " << c.b;
}

TEST(CronParse, WhatMeansSomethingElseIsNotEqual) {
    EXPECT_NE(must("0 0 0 * * *"), must("0 0 0 */1 * *"));
    EXPECT_NE(must("0 0 0 1 * *"), must("0 0 0 1 * *", {.timezone = "Europe/Paris"}));
    EXPECT_NE(must("0 0 0 1 * *"), must("0 0 0 1 * *", {.dst = {.gap = GapRule::skip}}));
    EXPECT_NE(must("@at 2026-01-01T00:00:00Z"), must("@after 2026-01-01T00:00:00Z <PT0S"));
    EXPECT_NE(must("@oneway"), must("@manually"));
}

TEST(CronParse, SaysWhereAndWhatIsWrong) {
    struct Case {
        const char* text;
        std::size_t offset;
        std::size_t length;
        const char* message;
        const char* hint;
    };
    for (const Case& c : {
             Case{"0 75 * * * *", 2, 2, "minute 75 is out of range", "0 to 59"},
             Case{"60 * * * * *", 0, 2, "second 60 is out of range", "0 to 59"},
             Case{"0 0 24 * * *", 4, 2, "hour 24 is out of range", "midnight is 0"},
             Case{"0 0 0 0 * *", 6, 1, "day of month 0 is out of range", "1 to 31"},
             Case{"0 0 0 32 * *", 6, 2, "day of month 32 is out of range", "1 to 31"},
             Case{"0 0 0 1 13 *", 8, 2, "month 13 is out of range", "JAN to DEC"},
             Case{"0 0 0 1 0 *", 8, 1, "month 0 is out of range", "1 to 12"},
             Case{"0 0 0 * * 7", 10, 1, "day of week 7 is out of range", "Sunday is 0"},
             Case{"0 0 0 * * 1,MOO", 12, 3, "'MOO' is not a day of week", "SUN, MON"},
             Case{"0 0 0 * * MONDAY", 10, 6, "'MONDAY' is not a day of week", "SUN, MON"},
             Case{"0 0 0 * JANU *", 8, 4, "'JANU' is not a month", "JAN, FEB"},
             Case{"0 0 MON * * *", 4, 3, "'MON' is not an hour", "such as"},
             Case{"0 0 0 * * FRI-MON", 10, 7, "this range runs backwards", "5-6,0-1"},
             Case{"0 0 22-2 * * *", 4, 4, "this range runs backwards", "22-23,0-2"},
             Case{"0 */0 * * * *", 4, 1, "a step of 0", "1 or more"},
             Case{"0 */x * * * *", 4, 1, "a number is missing after the '/'", "*/15"},
             Case{"0 */ * * * *", 4, 0, "a number is missing after the '/'", "*/15"},
             Case{"0 */99999999999999999999 * * * *", 4, 20, "too large", "at most"},
             Case{"0 1, * * * *", 4, 0, "a minute is missing here", "such as"},
             Case{"0 ,1 * * * *", 2, 0, "a minute is missing here", "such as"},
             Case{"0 1- * * * *", 4, 0, "a minute is missing here", "0 to 59"},
             Case{"0 1-2-3 * * * *", 5, 2, "'-3' is not understood here", "takes terms"},
             Case{"0 1.5 * * * *", 3, 2, "'.5' is not understood here", "takes terms"},
             Case{"0 -5 * * * *", 2, 2, "'-5' is not a minute", "0 to 59"},
             Case{"0 ** * * * *", 3, 1, "'*' is not understood here", "takes terms"},
             Case{"0 ? * * * *", 2, 1, "'?' cannot stand in the minute field", "write *"},
             Case{"0 0 0 1 ? *", 8, 1, "'?' cannot stand in the month field", "write *"},
             Case{"0 0 0 ?/2 * *", 6, 3, "'?' stands alone", "write *"},
             Case{"0 0 0 ?,5 * *", 6, 3, "'?' stands alone", "write *"},
             Case{"0 0 0 * * L", 10, 1, "needs a day before it", "5L"},
             Case{"0 0 0 * * 5#6", 12, 1, "a first to a fifth", "5#3"},
             Case{"0 0 0 * * 5#", 10, 2, "a first to a fifth", "5#3"},
             Case{"0 0 0 L-31 * *", 8, 2, "L- takes", "L-30"},
             Case{"0 0 0 5#3 * *", 7, 2, "'#3' is not understood here", "takes terms"},
             Case{"0 0 0 * * 1W", 11, 1, "'W' is not understood here", "takes terms"},
             Case{"0 L * * * *", 2, 1, "'L' is not a minute", "takes terms"},
             Case{"0 H(5-1) * * * *", 4, 3, "this range runs backwards", ""},
             Case{"0 H(0-99) * * * *", 6, 2, "minute 99 is out of range", "0 to 59"},
             Case{"0 H(0-9 * * * *", 2, 5, "a ')' is missing", "H(0-29)"},
             Case{"0 H(7) * * * *", 2, 4, "incomplete", "H(0-29)"},
             Case{"0 9~3 * * * *", 2, 3, "this range runs backwards", ""},
             Case{"30 2 * * *", 0, 10, "this line has five fields", "0 30 2 * * *"},
             Case{"  */5 * * * MON ", 2, 13, "this line has five fields", "0 */5 * * * MON"},
             Case{"0 0 0 * * * 2026", 12, 4, "seven fields", "second minute hour"},
             Case{"0 0 0 * * * * *", 12, 3, "8 fields", "second minute hour"},
             Case{"hello", 5, 0, "this line has 1 field;", "@daily"},
             Case{"0 0 0 30 2 *", 6, 6, "never runs", "L is the last day"},
             Case{"0 0 0 31 2,4 ?", 6, 8, "never runs", "L is the last day"},
             Case{"0 0 0 31 2,4,6,9,11 *", 6, 15, "never runs", "L is the last day"},
             Case{"0 0 0 L-29 2 *", 6, 8, "never runs", "L is the last day"},
             Case{"0 0 0 30W 2 *", 6, 7, "never runs", "L is the last day"},
             Case{"@every", 6, 0, "@every needs a duration", "@every 90s"},
             Case{"@every 1.5s", 7, 4, "a whole number of seconds", "@every 2s"},
             Case{"@every 500ms", 7, 5, "less than a second", "@every 1s"},
             Case{"@every 0", 7, 1, "less than a second", "@every 1s"},
             Case{"@every -5s", 7, 3, "less than a second", "@every 1s"},
             Case{"@every 5 s", 7, 3, "is not a duration", ""},
             Case{"@every 1h 30m", 7, 6, "is not a duration", ""},
             Case{"@every 999999999h", 7, 10, "290 years", ""},
             Case{"@at", 3, 0, "@at needs a time", "2026"},
             Case{"@at tomorrow", 4, 8, "is not an RFC 3339 time", ""},
             Case{"@at 2026-02-30T00:00:00Z", 4, 20, "is not an RFC 3339 time", ""},
             Case{"@at 2026-01-01T00:00:00", 4, 19, "is not an RFC 3339 time", ""},
             Case{"@at 2026-01-01T00:00:00.5Z", 4, 22, "a whole second", "fraction"},
             Case{"@after 2026-01-01T00:00:00Z PT2H", 7, 25, "marked by '<'", "<PT2H"},
             Case{"@after 2026-01-01T00:00:00Z", 7, 20, "marked by '<'", "<PT2H"},
             Case{"@after <PT2H", 7, 5, "a time before the '<'", "<PT2H"},
             Case{"@after 2026-01-01 <PT2H", 7, 10, "is not an RFC 3339 time", ""},
             Case{"@after 2026-01-01T00:00:00Z <P2H", 29, 3, "follow a T", "<PT2H"},
             Case{"@after 2026-01-01T00:00:00Z <PT2H x", 29, 6, "is not an ISO 8601", "<PT2H"},
             Case{"@reboot", 0, 7, "'@reboot' is not a schedule", "@oneway"},
             Case{"@fortnightly", 0, 12, "'@fortnightly' is not a schedule", "@weekly"},
             Case{"@", 0, 1, "'@' is not a schedule", "@weekly"},
             Case{"@daily 5", 7, 1, "nothing can follow @daily", ""},
             Case{"TZ=Mars/Olympus 0 0 0 * * *", 3, 12, "unknown time zone Mars/Olympus", "IANA"},
             Case{"CRON_TZ=localtime @daily", 8, 9, "unknown time zone localtime", "IANA"},
             Case{"TZ= @daily", 3, 0, "a time zone is missing", "Europe/Paris"},
             Case{"TZ=UTC", 6, 0, "a schedule is missing", ""},
             Case{"0 0 0 * * \xff", 10, 1, "'?' is not a day of week", ""},
         }) {
        const CronError error = fault_of(c.text);
        EXPECT_EQ(error.offset, c.offset) << c.text;
        EXPECT_EQ(error.length, c.length) << c.text;
        EXPECT_NE(error.message.find(c.message), std::string::npos)
            << c.text << ": " << error.message;
        EXPECT_NE(error.hint.find(c.hint), std::string::npos) << c.text << ": " << error.hint;
    }
}

TEST(CronParse, TheHintForAFiveFieldLineIsAValidSchedule) {
    EXPECT_TRUE(Schedule::parse(fault_of("*/10 9-17 * * MON-FRI").hint).has_value());
}

TEST(CronParse, TakesTheJobsZoneUnlessTheTextNamesOne) {
    EXPECT_EQ(must("@daily").zone().name(), "UTC");
    EXPECT_EQ(must("@daily", {.timezone = "Europe/Paris"}).zone().name(), "Europe/Paris");
    EXPECT_EQ(must("TZ=Asia/Tokyo @daily", {.timezone = "Europe/Paris"}).zone().name(),
              "Asia/Tokyo");
    EXPECT_EQ(must("CRON_TZ=Asia/Tokyo 0 0 0 * * *"), must("TZ=Asia/Tokyo @daily"));
    EXPECT_EQ(fault_of("@daily", {.timezone = "Nowhere"}).message, "unknown time zone Nowhere");
    EXPECT_EQ(fault_of("@daily", {.timezone = "Nowhere"}).length, 0U);
}

TEST(CronParse, TakesTextUpToItsLimitAndNotPastIt) {
    const std::string line = "0 0 0 * * *";
    const std::string padded = line + std::string(limits::kScheduleBytes - line.size(), ' ');
    EXPECT_EQ(must(padded), must(line));
    EXPECT_EQ(fault_of(padded + ' ').offset, limits::kScheduleBytes);
    EXPECT_NE(fault_of(padded + ' ').message.find("256 bytes"), std::string::npos);
}

TEST(CronParse, TakesTermsUpToTheirLimitAndNotPastIt) {
    std::string terms = "1";
    for (std::size_t i = 1; i < limits::kCronTermsPerField; ++i)
        terms += ",1";
    EXPECT_TRUE(Schedule::parse(terms + " 0 0 * * *").has_value());
    const CronError error = fault_of(terms + ",2 0 0 * * *");
    EXPECT_NE(error.message.find("at most 64 terms"), std::string::npos);
    EXPECT_EQ(error.offset, terms.size() + 1);
}

TEST(CronParse, HashedTermsStayInTheirRangeAndDependOnTheNameAlone) {
    std::uint64_t seen = 0;
    for (int i = 0; i < 200; ++i) {
        const std::uint64_t seed = stable_hash("job" + std::to_string(i));
        const Fields a = *must("H H H H H H", {.name_seed = seed}).fields();
        EXPECT_EQ(a, *must("h h h h h h", {.name_seed = seed}).fields());
        for (const std::uint64_t one :
             {a.seconds, a.minutes, std::uint64_t{a.hours}, std::uint64_t{a.days},
              std::uint64_t{a.months}, std::uint64_t{a.weekdays}})
            EXPECT_TRUE(std::has_single_bit(one));
        EXPECT_EQ(a.days & ~0x1ffffffeU, 0U) << "a day that some month lacks";
        seen |= a.minutes;
        const Fields b = *must("0 H(10-19) 0 * * *", {.name_seed = seed}).fields();
        EXPECT_TRUE(std::has_single_bit(b.minutes));
        EXPECT_EQ(b.minutes & ~(std::uint64_t{1023} << 10), 0U);
        const Fields c = *must("0 H/15 * * * *", {.name_seed = seed}).fields();
        EXPECT_EQ(std::popcount(c.minutes), 4);
        EXPECT_LT(std::countr_zero(c.minutes), 15);
        EXPECT_EQ(c.minutes >> 15 & c.minutes, c.minutes & ((std::uint64_t{1} << 45) - 1));
        const Fields d = *must("0 H(0-29)/10 * * * *", {.name_seed = seed}).fields();
        EXPECT_EQ(std::popcount(d.minutes), 3);
        EXPECT_EQ(d.minutes & ~((std::uint64_t{1} << 30) - 1), 0U);
        const Fields e = *must("0 5~9 ~ * * *", {.name_seed = seed}).fields();
        EXPECT_TRUE(std::has_single_bit(e.minutes));
        EXPECT_EQ(e.minutes & ~(std::uint64_t{31} << 5), 0U);
        EXPECT_TRUE(std::has_single_bit(e.hours));
    }
    EXPECT_GT(std::popcount(seen), 50) << "200 names should fill most minutes";
}

// Stable for ever: a release that moved these would move every such job of every user.
TEST(CronParse, HashedTermsNeverMove) {
    const Fields a = *must("H H H * * *", {.name_seed = stable_hash("backup")}).fields();
    EXPECT_EQ(std::countr_zero(a.seconds), 48);
    EXPECT_EQ(std::countr_zero(a.minutes), 22);
    EXPECT_EQ(std::countr_zero(a.hours), 18);
}

TEST(CronGrace, ReadsIsoDurations) {
    const std::int64_t january31 = 1769817600;  // 2026-01-31T00:00:00Z
    struct Case {
        const char* text;
        std::int64_t seconds;
    };
    for (const Case& c :
         {Case{"PT2H", 7200}, Case{"P1D", 86400}, Case{"P1DT2H30M", 95400}, Case{"PT90S", 90},
          Case{"P2W", 1209600}, Case{"PT0S", 0}, Case{"P1M", 28 * 86400}, Case{"P1Y", 365 * 86400},
          Case{"pt1m", 60}, Case{"P1Y1M1W1DT1H1M1S", (365 + 28 + 8) * 86400 + 3661}})
        EXPECT_EQ(parse_iso_duration(c.text, january31), c.seconds) << c.text;
    for (const char* text :
         {"", "P", "PT", "P1", "1D", "P1H", "PT1D", "P1DT", "P1D1Y", "P1D1D", "PT1.5S", "P-1D",
          "P999999999999999999999Y", "P291Y", "PD", "P1TT1H", "P1D T1H", "invalid"})
        EXPECT_FALSE(parse_iso_duration(text, january31).has_value()) << text;
}

}  // namespace
}  // namespace khronos::cron

#include "cli/crontab_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace khronos::cli {
namespace {

using testing::HasSubstr;

std::expected<CrontabTimes, std::string> times(std::string_view line) {
    std::string_view fields[5];
    for (std::string_view& field : fields) {
        const std::size_t end = std::min(line.find(' '), line.size());
        field = line.substr(0, end);
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return crontab_times(fields);
}

std::string schedule(std::string_view line) {
    const auto result = times(line);
    if (!result) return "error: " + result.error();
    return result->guard ? result->schedule + " guarded" : result->schedule;
}

TEST(CrontabTimes, GetSecondZeroInFront) {
    EXPECT_EQ(schedule("* * * * *"), "0 * * * * *");
    EXPECT_EQ(schedule("17 5 1,15 */3 *"), "0 17 5 1,15 */3 *");
    EXPECT_EQ(schedule("*/5 9-17/2 * * 1-5"), "0 */5 9-17/2 * * MON-FRI");
    EXPECT_EQ(schedule("0 0 1 jan,Jul *"), "0 0 0 1 JAN,JUL *");
    EXPECT_EQ(schedule("00 07 01 01 01"), "0 0 7 1 JAN MON");
    EXPECT_EQ(schedule("0~59 ~ * * *"), "0 0~59 ~ * * *");
}

TEST(CrontabTimes, SundayIsSevenToo) {
    EXPECT_EQ(schedule("0 0 * * 7"), "0 0 0 * * SUN");
    EXPECT_EQ(schedule("0 0 * * 0"), "0 0 0 * * SUN");
    EXPECT_EQ(schedule("0 0 * * 5-7"), "0 0 0 * * FRI,SAT,SUN");
    EXPECT_EQ(schedule("0 0 * * fri-sun"), "0 0 0 * * FRI,SAT,SUN");
    EXPECT_EQ(schedule("0 0 * * 1-7/2"), "0 0 0 * * MON,WED,FRI,SUN");
    EXPECT_EQ(schedule("0 0 * * 0-7"), "0 0 0 * * *");
    EXPECT_EQ(schedule("0 0 * * 7,1"), "0 0 0 * * SUN,MON");
    EXPECT_EQ(schedule("0 0 * * 0,7"), "0 0 0 * * SUN");
    // Only there.
    EXPECT_EQ(schedule("0-7 1-7 1-7 1-7 *"), "0 0-7 1-7 1-7 JAN-JUL *");
}

TEST(CrontabTimes, EitherDayMatchesUnlessOneBeginsWithAStar) {
    // Both restricted: either, as in Khronos.
    EXPECT_EQ(schedule("0 0 13 * 5"), "0 0 0 13 * FRI");
    EXPECT_EQ(schedule("0 0 1-31 * 1"), "0 0 0 1-31 * MON");
    // A star asks for both, and one that always matches asks for nothing.
    EXPECT_EQ(schedule("0 0 * * 1"), "0 0 0 * * MON");
    EXPECT_EQ(schedule("0 0 */1 * 1"), "0 0 0 * * MON");
    EXPECT_EQ(schedule("0 0 */2 * 0-6"), "0 0 0 */2 * *");
    EXPECT_EQ(schedule("0 0 */2 * *"), "0 0 0 */2 * *");
    EXPECT_EQ(schedule("0 0 * * */2"), "0 0 0 * * */2");
    EXPECT_EQ(schedule("0 0 *,5 * 1"), "0 0 0 * * MON");
}

TEST(CrontabTimes, BothDaysThatHaveToMatchGetAGuard) {
    const auto odd_mondays = times("0 0 */10 * 1");
    ASSERT_TRUE(odd_mondays);
    EXPECT_EQ(odd_mondays->schedule, "0 0 0 * * MON");
    EXPECT_EQ(odd_mondays->guard,
              (DayGuard{DayGuard::Of::month, 1U << 1 | 1U << 11 | 1U << 21 | 1U << 31}));
    const auto days_of_month = times("0 0 1,15 * */3");
    ASSERT_TRUE(days_of_month);
    EXPECT_EQ(days_of_month->schedule, "0 0 0 1,15 * *");
    EXPECT_EQ(days_of_month->guard, (DayGuard{DayGuard::Of::week, 1U << 0 | 1U << 3 | 1U << 6}));
    EXPECT_EQ(schedule("0 0 */2 * */2"), "0 0 0 * * */2 guarded");
}

TEST(CrontabTimes, AStepBeyondItsRangeIsItsFirstValue) {
    EXPECT_EQ(schedule("*/90 * * * *"), "0 */90 * * * *");
    EXPECT_EQ(schedule("5/15 * * * *"), "0 5/15 * * * *");
    EXPECT_EQ(schedule("10-20/30 * * * *"), "0 10 * * * *");
}

TEST(CrontabTimes, RefusesWhatCronRefuses) {
    EXPECT_EQ(schedule("60 * * * *"), "error: the minute '60' is not from 0 to 59");
    EXPECT_EQ(schedule("* 24 * * *"), "error: the hour '24' is not from 0 to 23");
    EXPECT_EQ(schedule("* * 0 * *"), "error: the day of month '0' is not from 1 to 31");
    EXPECT_EQ(schedule("* * * foo *"), "error: the month 'foo' is neither a number nor a name");
    EXPECT_EQ(schedule("* * * * 8"), "error: the day of week '8' is not from 0 to 7");
    EXPECT_EQ(schedule("30-10 * * * *"), "error: the minute '30-10' ends before it begins");
    EXPECT_EQ(schedule("*/0 * * * *"),
              "error: the minute '*/0' has no number above 0 behind its /");
    EXPECT_EQ(schedule("1,,2 * * * *"), "error: the minute '1,,2' has an empty place in its list");
    EXPECT_EQ(schedule("1, * * * *"), "error: the minute '1,' has an empty place in its list");
    EXPECT_EQ(schedule("x * * * *"), "error: the minute 'x' is no number");
    EXPECT_EQ(schedule("- * * * *"), "error: the minute '' is no number");
    EXPECT_EQ(schedule("-5 * * * *"), "error: the minute '' is no number");
    EXPECT_THAT(schedule("0 0 30 2 *"), HasSubstr("error: "));
}

TEST(CrontabNickname, IsOurOwnOrTold) {
    EXPECT_EQ(crontab_nickname("@daily"), "@daily");
    EXPECT_EQ(crontab_nickname("@annually"), "@annually");
    EXPECT_EQ(crontab_nickname("@every_minute"), "@minutely");
    EXPECT_EQ(crontab_nickname("@300"), "@every 300s");
    EXPECT_EQ(crontab_nickname("@reboot"), "");
    EXPECT_FALSE(crontab_nickname("@dayly"));
    EXPECT_FALSE(crontab_nickname("@"));
    EXPECT_FALSE(crontab_nickname("@-5"));
}

}  // namespace
}  // namespace khronos::cli

#include "base/time.h"

#include <gtest/gtest.h>

#include "base/duration.h"

namespace khronos {
namespace {

WallTime at(std::string_view text) {
    const auto parsed = parse_rfc3339(text);
    EXPECT_TRUE(parsed.has_value()) << text;
    return parsed.value_or(WallTime{});
}

TEST(WallTime, StartsAsDkronsZeroTime) {
    const WallTime never;
    EXPECT_FALSE(never.is_set());
    EXPECT_EQ(to_rfc3339(never), "0001-01-01T00:00:00Z");
    EXPECT_TRUE(WallTime{0}.is_set());
}

TEST(WallTime, SecondsRoundTowardsThePast) {
    EXPECT_EQ(WallTime{1999999}.seconds(), 1);
    EXPECT_EQ(WallTime{0}.seconds(), 0);
    EXPECT_EQ(WallTime{-1}.seconds(), -1);
    EXPECT_EQ(WallTime{-1000000}.seconds(), -1);
    EXPECT_EQ(WallTime{-1000001}.seconds(), -2);
    EXPECT_EQ(WallTime{-1}.floor_second(), WallTime::from_seconds(-1));
}

TEST(WallTime, DifferencesAreDurations) {
    const WallTime a = WallTime::from_seconds(100);
    EXPECT_EQ(a + 5s, WallTime::from_seconds(105));
    EXPECT_EQ(a - 500ms, WallTime{99500000});
    EXPECT_EQ((a + 1h) - a, Duration(1h));
    EXPECT_LT(a, a + 1us);
}

TEST(MonoTime, DifferencesAreDurations) {
    const MonoTime a{10};
    EXPECT_EQ((a + 1ms) - a, Duration(1ms));
    EXPECT_EQ(a - 10us, MonoTime{0});
    EXPECT_LT(a, MonoTime::max());
}

TEST(CivilDate, TurnsIntoDaysAndBack) {
    EXPECT_EQ(days_from_civil({1970, 1, 1}), 0);
    EXPECT_EQ(days_from_civil({1969, 12, 31}), -1);
    EXPECT_EQ(days_from_civil({2000, 2, 29}), 11016);
    EXPECT_EQ(days_from_civil({2000, 3, 1}), 11017);
    EXPECT_EQ(days_from_civil({1, 1, 1}), -719162);
    EXPECT_EQ(civil_from_days(11016), (CivilDate{2000, 2, 29}));
}

TEST(CivilDate, EachDayOfTenThousandYearsComesAfterTheOneBefore) {
    constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    std::int64_t days = days_from_civil({1, 1, 1});
    for (std::int64_t year = 1; year <= 9999; ++year) {
        const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (int month = 1; month <= 12; ++month) {
            const int last = kDays[month - 1] + (month == 2 && leap ? 1 : 0);
            for (int day = 1; day <= last; ++day, ++days) {
                const CivilDate date{year, month, day};
                ASSERT_EQ(days_from_civil(date), days);
                ASSERT_EQ(civil_from_days(days), date);
            }
        }
    }
}

TEST(Rfc3339, IsWrittenInUtcWithAsFewDigitsAsNeeded) {
    EXPECT_EQ(to_rfc3339(WallTime{0}), "1970-01-01T00:00:00Z");
    EXPECT_EQ(to_rfc3339(WallTime{1}), "1970-01-01T00:00:00.000001Z");
    EXPECT_EQ(to_rfc3339(WallTime{120000}), "1970-01-01T00:00:00.12Z");
    EXPECT_EQ(to_rfc3339(WallTime{-1}), "1969-12-31T23:59:59.999999Z");
    EXPECT_EQ(to_rfc3339(WallTime::from_seconds(253402300799)), "9999-12-31T23:59:59Z");
}

TEST(Rfc3339, OffsetsAreTakenIntoAccount) {
    EXPECT_EQ(at("2024-03-31T03:00:00+02:00"), at("2024-03-31T01:00:00Z"));
    EXPECT_EQ(at("2024-03-30T20:30:00-04:30"), at("2024-03-31T01:00:00Z"));
    EXPECT_EQ(at("1970-01-01T00:00:00-00:00"), WallTime{0});
}

TEST(Rfc3339, LowerCaseAndASpaceAreAccepted) {
    EXPECT_EQ(at("2024-03-31t01:00:00z"), at("2024-03-31T01:00:00Z"));
    EXPECT_EQ(at("2024-03-31 01:00:00Z"), at("2024-03-31T01:00:00Z"));
}

TEST(Rfc3339, FractionsAreCutToMicroseconds) {
    EXPECT_EQ(at("1970-01-01T00:00:00.5Z"), WallTime{500000});
    EXPECT_EQ(at("1970-01-01T00:00:00.123456789Z"), WallTime{123456});
    EXPECT_EQ(at("1969-12-31T23:59:59.999999Z"), WallTime{-1});
}

TEST(Rfc3339, ALeapSecondIsTheNextMinute) {
    EXPECT_EQ(at("2016-12-31T23:59:60Z"), at("2017-01-01T00:00:00Z"));
}

TEST(Rfc3339, SurvivesTheWayThere) {
    for (const char* text : {"0001-01-01T00:00:00Z", "1582-10-15T12:34:56Z", "2000-02-29T23:59:59Z",
                             "2026-07-22T10:00:10.12Z", "9999-12-31T23:59:59.999999Z"})
        EXPECT_EQ(to_rfc3339(at(text)), text);
}

TEST(Rfc3339, WhatIsNoTimeIsRefusedWithAnExample) {
    for (const char* text : {"",
                             "now",
                             "2024-03-31",
                             "2024-03-31T01:00:00",
                             "2024-03-31T01:00Z",
                             "2024-02-30T00:00:00Z",
                             "2023-02-29T00:00:00Z",
                             "1900-02-29T00:00:00Z",
                             "2024-13-01T00:00:00Z",
                             "2024-00-01T00:00:00Z",
                             "2024-01-00T00:00:00Z",
                             "2024-01-01T24:00:00Z",
                             "2024-01-01T00:60:00Z",
                             "2024-01-01T00:00:61Z",
                             "0000-01-01T00:00:00Z",
                             "2024-01-01T00:00:00.Z",
                             "2024-01-01T00:00:00.1234567890Z",
                             "2024-01-01T00:00:00+24:00",
                             "2024-01-01T00:00:00+0100",
                             "2024-01-01T00:00:00+01:60",
                             "2024-01-01T00:00:00Zjunk",
                             "2024-01-01T00:00:00+01:00x",
                             "2024/01/01T00:00:00Z",
                             "2024-01-01_00:00:00Z",
                             "+024-01-01T00:00:00Z",
                             " 2024-01-01T00:00:00Z"}) {
        const auto parsed = parse_rfc3339(text);
        ASSERT_FALSE(parsed.has_value()) << text;
        EXPECT_NE(parsed.error().find("such as 2026-01-31T08:30:00Z"), std::string::npos) << text;
    }
}

TEST(Rfc3339, ALongTextIsNotRepeatedInTheError) {
    const auto parsed = parse_rfc3339(std::string(100000, '9'));
    ASSERT_FALSE(parsed.has_value());
    EXPECT_LT(parsed.error().size(), 300U);
}

}  // namespace
}  // namespace khronos

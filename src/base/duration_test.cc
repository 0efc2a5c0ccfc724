#include "base/duration.h"

#include <gtest/gtest.h>

namespace khronos {
namespace {

struct Case {
    const char* text;
    Duration value;
};

TEST(Duration, IsReadAsGoReadsIt) {
    for (const auto& [text, value] : {
             Case{"0", 0us},
             Case{"0s", 0us},
             Case{"5s", 5s},
             Case{"+5s", 5s},
             Case{"-5s", -5s},
             Case{"1h30m10s", 1h + 30min + 10s},
             Case{"90m", 90min},
             Case{"1.5h", 90min},
             Case{".5s", 500ms},
             Case{"5.s", 5s},
             Case{"300ms", 300ms},
             Case{"7us", 7us},
             Case{"7\u00b5s", 7us},
             Case{"7\u03bcs", 7us},
             Case{"1500ns", 1us},
             Case{"1s1s", 2s},
             Case{"3600s", 1h},
         }) {
        const auto parsed = parse_duration(text);
        ASSERT_TRUE(parsed.has_value()) << text << ": " << parsed.error();
        EXPECT_EQ(*parsed, value) << text;
    }
}

TEST(Duration, ADayHasTwentyFourHours) {
    EXPECT_EQ(parse_duration("1d"), Duration(24h));
    EXPECT_EQ(parse_duration("1.5d12h"), Duration(48h));
}

TEST(Duration, WhatIsNoneIsRefusedWithTheReason) {
    struct Wrong {
        const char* text;
        const char* why;
    };
    for (const auto& [text, why] : {
             Wrong{"", "it is empty"},
             Wrong{"-", "it is empty"},
             Wrong{"5", "a unit is missing"},
             Wrong{"1h5", "a unit is missing"},
             Wrong{"s", "a number is missing"},
             Wrong{".s", "a number is missing"},
             Wrong{"5 s", "none of"},
             Wrong{"5S", "none of"},
             Wrong{"5w", "none of"},
             Wrong{"1y", "none of"},
             Wrong{"5s ", "none of"},
             Wrong{"--5s", "a number is missing"},
             Wrong{"0x5s", "none of"},
         }) {
        const auto parsed = parse_duration(text);
        ASSERT_FALSE(parsed.has_value()) << text;
        EXPECT_NE(parsed.error().find(why), std::string::npos) << text << ": " << parsed.error();
    }
}

TEST(Duration, ReachesTwoHundredAndNinetyYearsAndNoFurther) {
    EXPECT_TRUE(parse_duration("105850d").has_value());
    EXPECT_TRUE(parse_duration("-105850d").has_value());
    EXPECT_FALSE(parse_duration("105851d").has_value());
    EXPECT_FALSE(parse_duration("100000d100000d").has_value());
    EXPECT_FALSE(parse_duration("99999999999999999999999999999999999999999999d").has_value());
    EXPECT_FALSE(parse_duration(std::string(100000, '9') + "s").has_value());
}

TEST(Duration, ManyFractionDigitsAreNoError) {
    EXPECT_EQ(parse_duration("0." + std::string(1000, '3') + "s"), Duration(333333us));
}

TEST(Duration, IsWrittenAsGoWritesIt) {
    for (const auto& [text, value] : {
             Case{"0s", 0us},
             Case{"1us", 1us},
             Case{"999us", 999us},
             Case{"1ms", 1ms},
             Case{"1.5ms", 1500us},
             Case{"250ms", 250ms},
             Case{"1s", 1s},
             Case{"1.5s", 1500ms},
             Case{"1.000001s", 1s + 1us},
             Case{"1m", 1min},
             Case{"1m30s", 90s},
             Case{"1h", 1h},
             Case{"1h30m10s", 1h + 30min + 10s},
             Case{"1h0.5s", 1h + 500ms},
             Case{"100h", 100h},
             Case{"-1m30s", -90s},
         })
        EXPECT_EQ(format_duration(value), text);
}

TEST(Duration, SurvivesTheWayThereAndBack) {
    for (std::int64_t us = 1; us < 400'000'000'000'000; us = us * 3 + 1) {
        EXPECT_EQ(parse_duration(format_duration(Duration(us))), Duration(us)) << us;
        EXPECT_EQ(parse_duration(format_duration(Duration(-us))), Duration(-us)) << us;
    }
}

TEST(Duration, EveryCountOfMicrosecondsBelowASecondIsWrittenExactly) {
    for (std::int64_t us = 0; us < 1'000'000; us += 7)
        ASSERT_EQ(parse_duration(format_duration(Duration(us))), Duration(us)) << us;
}

}  // namespace
}  // namespace khronos

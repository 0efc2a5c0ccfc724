#include "core/zone/zone.h"

#include <absl/time/time.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

namespace khronos::zone {
namespace {

const Zone& zone_named(std::string_view name) {
    const auto zone = Zone::find(name);
    if (!zone) throw std::runtime_error(zone.error());
    return **zone;
}

TEST(Zone, RefusesWhatIsNotAnIanaName) {
    for (const char* name : {"localtime",
                             "/etc/localtime",
                             "../Europe/Paris",
                             "./UTC",
                             "Mars/Olympus",
                             "europe/paris",
                             "CET-1CEST",
                             "EST5EDT,M3.2.0,M11.1.0",
                             "<+01>-1",
                             "UTC0",
                             "UTC+1",
                             "Fixed/UTC+01:00:00",
                             "libc:localtime",
                             "posix/Europe/Paris",
                             "right/Europe/Paris",
                             "posixrules",
                             "Europe/",
                             "Europe",
                             "zone.tab",
                             "tzdata.zi",
                             " UTC",
                             "UTC ",
                             "Europe//Paris",
                             "Local"}) {
        const auto zone = Zone::find(name);
        ASSERT_FALSE(zone.has_value()) << name;
        EXPECT_EQ(zone.error(), std::string("unknown time zone ") + name);
    }
    EXPECT_FALSE(Zone::find(std::string_view("UTC\0x", 5)).has_value());
    EXPECT_FALSE(Zone::find(std::string(100000, 'A')).has_value());
}

TEST(Zone, IsOneObjectForEachName) {
    EXPECT_EQ(Zone::find("Europe/Paris"), Zone::find("Europe/Paris"));
    EXPECT_EQ(*Zone::find(""), &Zone::utc());
    EXPECT_NE(*Zone::find("Etc/UTC"), &Zone::utc());
    EXPECT_TRUE((*Zone::find("Etc/UTC"))->is_utc());
    EXPECT_FALSE(zone_named("Europe/London").is_utc());
}

TEST(Zone, IsMadeOnceForManyThreads) {
    std::vector<const Zone*> found(8);
    {
        std::vector<std::jthread> threads;
        for (const Zone*& zone : found)
            threads.emplace_back([&zone] { zone = *Zone::find("America/Argentina/Ushuaia"); });
    }
    for (const Zone* zone : found)
        EXPECT_EQ(zone, found[0]);
}

TEST(Zone, HasTheOffsetsOfTheSystemsData) {
    struct Case {
        const char* zone;
        const char* time;
        int offset;
    };
    for (const Case& c : {Case{"Europe/Paris", "2026-01-01T00:00:00Z", 3600},
                          Case{"Europe/Paris", "2026-07-01T00:00:00Z", 7200},
                          Case{"Europe/Paris", "1900-01-01T00:00:00Z", 561},
                          Case{"Europe/Paris", "2100-07-01T00:00:00Z", 7200},
                          Case{"Europe/Paris", "9999-07-01T00:00:00Z", 7200},
                          Case{"Europe/Dublin", "2026-01-01T00:00:00Z", 0},
                          Case{"Europe/Dublin", "2026-07-01T00:00:00Z", 3600},
                          Case{"Australia/Lord_Howe", "2026-01-01T00:00:00Z", 39600},
                          Case{"Australia/Lord_Howe", "2026-07-01T00:00:00Z", 37800},
                          Case{"Pacific/Apia", "2011-12-30T09:59:59Z", -36000},
                          Case{"Pacific/Apia", "2011-12-30T10:00:00Z", 50400},
                          Case{"Asia/Kathmandu", "2026-01-01T00:00:00Z", 20700},
                          Case{"UTC", "2026-01-01T00:00:00Z", 0}})
        EXPECT_EQ(zone_named(c.zone).offset_at(parse_rfc3339(c.time)->seconds()), c.offset)
            << c.zone << ' ' << c.time;
}

TEST(Zone, AgreesWithTheLibraryFarPastAndFarAhead) {
    std::mt19937_64 random(1);
    for (const char* name : {"Europe/Paris", "America/New_York", "Africa/Casablanca", "Asia/Gaza",
                             "America/Nuuk", "Antarctica/Troll", "Australia/Lord_Howe"}) {
        absl::TimeZone tz;
        ASSERT_TRUE(absl::LoadTimeZone(name, &tz));
        const Zone& zone = zone_named(name);
        // Years -600 to 9999; the table's own end lies inside.
        std::uniform_int_distribution<std::int64_t> seconds(-81000000000, 253402300799);
        for (int i = 0; i < 5000; ++i) {
            const std::int64_t t = seconds(random);
            ASSERT_EQ(zone.offset_at(t), tz.At(absl::FromUnixSeconds(t)).offset)
                << name << ' ' << t;
        }
        for (const Segment& segment : zone.segments().subspan(1)) {
            ASSERT_EQ(zone.offset_at(segment.start), segment.offset);
            ASSERT_EQ(zone.offset_at(segment.start - 1), segment.offset - segment.shift);
        }
    }
}

TEST(Zone, PrintsTimesWithTheirOffset) {
    const WallTime t = *parse_rfc3339("2026-07-01T12:00:00Z");
    EXPECT_EQ(to_rfc3339(t, Zone::utc()), "2026-07-01T12:00:00Z");
    EXPECT_EQ(to_rfc3339(t, zone_named("Etc/UTC")), "2026-07-01T12:00:00Z");
    EXPECT_EQ(to_rfc3339(t, zone_named("Europe/London")), "2026-07-01T13:00:00+01:00");
    EXPECT_EQ(to_rfc3339(t, zone_named("America/St_Johns")), "2026-07-01T09:30:00-02:30");
    EXPECT_EQ(to_rfc3339(t + Duration(500000), zone_named("Asia/Kathmandu")),
              "2026-07-01T17:45:00.5+05:45");
    // Winter in London is not called Z: the zone is not UTC.
    EXPECT_EQ(to_rfc3339(*parse_rfc3339("2026-01-01T00:00:00Z"), zone_named("Europe/London")),
              "2026-01-01T00:00:00+00:00");
    // Local mean time, +00:09:21: the instant survives although the seconds cannot be written.
    const WallTime old = *parse_rfc3339("1890-01-01T00:00:00Z");
    EXPECT_EQ(to_rfc3339(old, zone_named("Europe/Paris")), "1890-01-01T00:09:00+00:09");
    EXPECT_EQ(parse_rfc3339(to_rfc3339(old, zone_named("Europe/Paris"))), old);
}

}  // namespace
}  // namespace khronos::zone

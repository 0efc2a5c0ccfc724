#include "core/cron/hidden.h"

#include <gtest/gtest.h>

namespace khronos::cron {
namespace {

std::optional<HiddenTicks> first_hidden(const char* spec, const char* zone, const char* after,
                                        const char* upto, DstPolicy dst = {}) {
    return next_hidden(*Schedule::parse(spec, {.timezone = zone, .dst = dst}),
                       *parse_rfc3339(after), *parse_rfc3339(upto));
}

TEST(CronHidden, CountsTheTicksOfASkippedDay) {
    const WallTime change = *parse_rfc3339("2011-12-30T10:00:00Z");
    EXPECT_EQ(first_hidden("0 0 12 * * *", "Pacific/Apia", "2011-12-01T00:00:00Z",
                           "2012-01-31T00:00:00Z"),
              (HiddenTicks{change, 1}));
    EXPECT_EQ(first_hidden("0 */15 9-17 * * *", "Pacific/Apia", "2011-12-30T09:59:59Z",
                           "2011-12-30T10:00:00Z"),
              (HiddenTicks{change, 36}));
    EXPECT_EQ(first_hidden("0 0 12 * * *", "Pacific/Apia", "2011-12-30T10:00:00Z",
                           "2012-01-31T00:00:00Z"),
              std::nullopt);
    EXPECT_EQ(first_hidden("0 0 12 * * MON", "Pacific/Apia", "2011-12-01T00:00:00Z",
                           "2012-01-31T00:00:00Z"),
              std::nullopt);
    EXPECT_EQ(
        first_hidden("0 0 * * * *", "Pacific/Apia", "2011-12-01T00:00:00Z", "2012-01-31T00:00:00Z"),
        std::nullopt);
}

TEST(CronHidden, CountsWhatAJobWantsSkipped) {
    const DstPolicy skip{GapRule::skip, OverlapRule::automatic};
    EXPECT_EQ(first_hidden("0 30 2 * * *", "Europe/Paris", "2024-01-01T00:00:00Z",
                           "2025-01-01T00:00:00Z", skip),
              (HiddenTicks{*parse_rfc3339("2024-03-31T01:00:00Z"), 1}));
    EXPECT_EQ(first_hidden("0 30 2 * * *", "Europe/Paris", "2024-01-01T00:00:00Z",
                           "2025-01-01T00:00:00Z"),
              std::nullopt);
    EXPECT_EQ(first_hidden("@every 1h", "Europe/Paris", "2024-01-01T00:00:00Z",
                           "2025-01-01T00:00:00Z", skip),
              std::nullopt);
}

}  // namespace
}  // namespace khronos::cron

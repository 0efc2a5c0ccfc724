// The five time fields of a crontab line, as cron(8) understands them, said in Khronos' six.
//
// The two differ in three places. Cron's Sunday is also 7. A second field is put in front. And
// where both day fields are given, cron asks whether one of them *begins* with `*`: if so, both
// have to match, else either does; for Khronos, `*/2` is a restriction like any other, and either
// matches. What cannot be said in six fields comes out as a guard on the day.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace khronos::cli {

// The other half of "both have to match": what the day has to be besides.
struct DayGuard {
    enum class Of : std::uint8_t { month, week } of = Of::month;
    std::uint32_t days = 0;  // bits 1..31, or 0..6 with Sunday 0
    bool operator==(const DayGuard&) const = default;
};

struct CrontabTimes {
    std::string schedule;  // `0 */15 9-17 * * MON-FRI`
    std::optional<DayGuard> guard;
    bool operator==(const CrontabTimes&) const = default;
};

// `fields`: the five, without the blanks between them. The error is a sentence that names the
// field.
std::expected<CrontabTimes, std::string> crontab_times(const std::string_view (&fields)[5]);

// `@daily` and the like; the empty string for @reboot, which is no time.
std::expected<std::string, std::string> crontab_nickname(std::string_view word);

}  // namespace khronos::cli

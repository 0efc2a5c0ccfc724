// The six cron fields as bit masks. Everything random or hashed in the text is resolved here, so
// two schedules that run at the same times by the same fields are equal.
#pragma once

#include <cstdint>

namespace khronos::cron {

// What to do with a local time that does not exist, or exists twice, because clocks are changed.
// `automatic` is run and first for a schedule of certain hours, skip and both for one of all 24
// hours, which is then simply evaluated on UTC instants.
enum class GapRule : std::uint8_t { automatic, run, skip };
enum class OverlapRule : std::uint8_t { automatic, first, second, both };

struct DstPolicy {
    GapRule gap = GapRule::automatic;
    OverlapRule overlap = OverlapRule::automatic;
    bool operator==(const DstPolicy&) const = default;
};

inline constexpr std::uint64_t kAllSixty = (std::uint64_t{1} << 60) - 1;
inline constexpr std::uint32_t kAllHours = (std::uint32_t{1} << 24) - 1;
inline constexpr std::uint32_t kAllDays = 0xfffffffe;  // bits 1..31
inline constexpr std::uint16_t kAllMonths = 0x1ffe;    // bits 1..12
inline constexpr std::uint8_t kAllWeekdays = 0x7f;     // bits 0..6, Sunday is 0

struct Fields {
    std::uint64_t seconds = 0;            // bits 0..59
    std::uint64_t minutes = 0;            // bits 0..59
    std::uint64_t nth_weekdays = 0;       // d#n: bit d * 5 + n - 1; last d of the month: bit 40 + d
    std::uint32_t hours = 0;              // bits 0..23
    std::uint32_t days = 0;               // bits 1..31
    std::uint32_t days_from_end = 0;      // L: bit 0, L-n: bit n
    std::uint32_t near_weekdays = 0;      // nW: bit n; LW: bit 0
    std::uint16_t months = 0;             // bits 1..12
    std::uint8_t weekdays = 0;            // bits 0..6
    bool day_restricted : 1 = false;      // day of month was neither `*` nor `?`
    bool weekday_restricted : 1 = false;  // day of week was neither `*` nor `?`
    bool wide_step : 1 = false;           // some step was larger than its field; for lint
    DstPolicy dst;

    // All 24 hours: see DstPolicy.
    bool is_elastic() const { return hours == kAllHours; }
    bool runs_in_gap() const {
        return dst.gap == GapRule::automatic ? !is_elastic() : dst.gap == GapRule::run;
    }
    bool runs_first_copy() const { return dst.overlap != OverlapRule::second; }
    bool runs_second_copy() const {
        return dst.overlap == OverlapRule::automatic ? is_elastic()
                                                     : dst.overlap != OverlapRule::first;
    }
    bool operator==(const Fields&) const = default;
};

// A gap longer than this (a zone that jumped over the date line) is skipped under every policy.
inline constexpr std::int32_t kLongestGapRunSeconds = 3 * 3600;

}  // namespace khronos::cron

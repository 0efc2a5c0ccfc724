// The nearest local time that the fields choose, by bit masks alone: no zone, no clock changes.
#pragma once

#include <bit>
#include <cstdint>

#include "core/cron/civil.h"
#include "core/cron/fields.h"

namespace khronos::cron {

// "None within the limit"; behind every local time, and before every one.
inline constexpr std::int64_t kNoneAfter = INT64_MAX / 2;
inline constexpr std::int64_t kNoneBefore = INT64_MIN / 2;

// The first chosen day at or after `day`, the last at or before it (days since 1970-01-01). Past
// `limit` they may give kNoneAfter and kNoneBefore.
std::int64_t next_day_by_calendar(const Fields& fields, std::int64_t day, std::int64_t limit);
std::int64_t prev_day_by_calendar(const Fields& fields, std::int64_t day, std::int64_t limit);

namespace detail {

inline int last_bit(std::uint64_t mask) {
    return 63 - std::countl_zero(mask);
}

inline int first_time_of_day(const Fields& f) {
    return std::countr_zero(f.hours) * 3600 + std::countr_zero(f.minutes) * 60 +
           std::countr_zero(f.seconds);
}
inline int last_time_of_day(const Fields& f) {
    return last_bit(f.hours) * 3600 + last_bit(f.minutes) * 60 + last_bit(f.seconds);
}

// The first chosen second of the day at or after `time`, or -1.
inline int next_time_of_day(const Fields& f, int time) {
    const int hour = time / 3600;
    const int minute = time / 60 % 60;
    const int second = time % 60;
    if (f.hours >> hour & 1) {
        if (f.minutes >> minute & 1) {
            const std::uint64_t seconds = f.seconds >> second;
            if (seconds != 0) return time + std::countr_zero(seconds);
        }
        const std::uint64_t minutes = f.minutes >> (minute + 1);
        if (minutes != 0)
            return hour * 3600 + (minute + 1 + std::countr_zero(minutes)) * 60 +
                   std::countr_zero(f.seconds);
    }
    const std::uint32_t hours = f.hours >> (hour + 1);
    if (hours == 0) return -1;
    return (hour + 1 + std::countr_zero(hours)) * 3600 + std::countr_zero(f.minutes) * 60 +
           std::countr_zero(f.seconds);
}

// The last chosen second of the day at or before `time`, or -1.
inline int prev_time_of_day(const Fields& f, int time) {
    const int hour = time / 3600;
    const int minute = time / 60 % 60;
    const int second = time % 60;
    if (f.hours >> hour & 1) {
        if (f.minutes >> minute & 1) {
            const std::uint64_t seconds = f.seconds & ((std::uint64_t{2} << second) - 1);
            if (seconds != 0) return time - second + last_bit(seconds);
        }
        const std::uint64_t minutes = f.minutes & ((std::uint64_t{1} << minute) - 1);
        if (minutes != 0) return hour * 3600 + last_bit(minutes) * 60 + last_bit(f.seconds);
    }
    const std::uint32_t hours = f.hours & ((std::uint32_t{1} << hour) - 1);
    if (hours == 0) return -1;
    return last_bit(hours) * 3600 + last_bit(f.minutes) * 60 + last_bit(f.seconds);
}

// Neither the month nor the day of the month matters.
inline bool is_weekly(const Fields& f) {
    return f.months == kAllMonths && !f.day_restricted && f.nth_weekdays == 0;
}

inline std::int64_t next_day(const Fields& f, std::int64_t day, std::int64_t limit) {
    if (!is_weekly(f)) return next_day_by_calendar(f, day, limit);
    if (!f.weekday_restricted) return day;
    const unsigned week = f.weekdays | unsigned{f.weekdays} << 7;
    return day + std::countr_zero(week >> weekday_of_day(day));
}

inline std::int64_t prev_day(const Fields& f, std::int64_t day, std::int64_t limit) {
    if (!is_weekly(f)) return prev_day_by_calendar(f, day, limit);
    if (!f.weekday_restricted) return day;
    const int at = weekday_of_day(day) + 7;
    const unsigned week = f.weekdays | unsigned{f.weekdays} << 7;
    return day - (at - last_bit(week & ((2U << at) - 1)));
}

}  // namespace detail

// The first chosen local time at or after `from`; kNoneAfter if there is none up to `limit` (one
// somewhat later may still be given).
inline std::int64_t next_local(const Fields& f, std::int64_t from, std::int64_t limit) {
    std::int64_t start = floor_div(from, kDaySeconds);
    int time = detail::next_time_of_day(f, static_cast<int>(from - start * kDaySeconds));
    if (time < 0) {
        ++start;
        time = detail::first_time_of_day(f);
    }
    const std::int64_t day = detail::next_day(f, start, limit / kDaySeconds + 1);
    if (day == start) return day * kDaySeconds + time;
    if (day == kNoneAfter) return kNoneAfter;
    return day * kDaySeconds + detail::first_time_of_day(f);
}

// The last chosen local time at or before `from`; kNoneBefore if there is none back to `limit`.
inline std::int64_t prev_local(const Fields& f, std::int64_t from, std::int64_t limit) {
    std::int64_t start = floor_div(from, kDaySeconds);
    int time = detail::prev_time_of_day(f, static_cast<int>(from - start * kDaySeconds));
    if (time < 0) {
        --start;
        time = detail::last_time_of_day(f);
    }
    const std::int64_t day = detail::prev_day(f, start, limit / kDaySeconds - 1);
    if (day == start) return day * kDaySeconds + time;
    if (day == kNoneBefore) return kNoneBefore;
    return day * kDaySeconds + detail::last_time_of_day(f);
}

}  // namespace khronos::cron

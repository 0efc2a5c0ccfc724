// Months of the proleptic Gregorian calendar as sets of days. Local times here are seconds since
// 1970-01-01 00:00:00 of the local clock.
#pragma once

#include <bit>
#include <cstdint>

#include "core/cron/fields.h"

namespace khronos::cron {

inline constexpr std::int64_t kDaySeconds = 86400;

// Rounds down also below zero, for a positive divisor.
constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) {
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

constexpr bool is_leap(std::int64_t year) {
    return (year & 3) == 0 && (year % 100 != 0 || (year & 15) == 0);
}

constexpr int days_in_month(bool leap, int month) {
    return month == 2 ? (leap ? 29 : 28) : 30 + ((month + (month >> 3)) & 1);
}

// 0 is Sunday; 1970-01-01 was a Thursday.
constexpr int weekday_of_day(std::int64_t days) {
    return static_cast<int>(days - 7 * floor_div(days + 4, 7) + 4);
}

// The days (bits 1..31) that the fields choose of a month of `length` days whose first day is a
// `first_weekday`.
std::uint32_t days_of_month(const Fields& fields, int length, int first_weekday);

// Whether any month of any year has a chosen day.
bool chooses_some_day(const Fields& fields);

}  // namespace khronos::cron

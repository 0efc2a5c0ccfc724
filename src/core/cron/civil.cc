#include "core/cron/civil.h"

#include <initializer_list>

namespace khronos::cron {
namespace {

// The weekday mask laid over a month: bit d is set when day d falls on a chosen weekday.
std::uint32_t spread_weekdays(std::uint32_t weekdays, int first_weekday) {
    const std::uint64_t weeks = std::uint64_t{weekdays} * 0x0102040810204081ULL;
    return static_cast<std::uint32_t>(weeks >> first_weekday) << 1;
}

std::uint32_t nth_weekday_days(std::uint64_t chosen, int length, int first_weekday) {
    std::uint32_t days = 0;
    while (chosen != 0) {
        const int bit = std::countr_zero(chosen);
        chosen &= chosen - 1;
        const int weekday = bit >= 40 ? bit - 40 : bit / 5;
        const int first = 1 + (weekday - first_weekday + 7) % 7;
        const int day = bit >= 40 ? first + (length - first) / 7 * 7 : first + bit % 5 * 7;
        if (day <= length) days |= std::uint32_t{1} << day;
    }
    return days;
}

// The nearest day of Monday to Friday in the same month.
int nearest_weekday(int day, int length, int first_weekday) {
    const int weekday = (first_weekday + day - 1) % 7;
    if (weekday == 6) return day > 1 ? day - 1 : day + 2;
    if (weekday == 0) return day < length ? day + 1 : day - 2;
    return day;
}

std::uint32_t special_days(const Fields& fields, int length, int first_weekday) {
    std::uint32_t days = 0;
    for (std::uint32_t rest = fields.days_from_end; rest != 0; rest &= rest - 1) {
        const int day = length - std::countr_zero(rest);
        if (day >= 1) days |= std::uint32_t{1} << day;
    }
    for (std::uint32_t rest = fields.near_weekdays; rest != 0; rest &= rest - 1) {
        const int wanted = std::countr_zero(rest);
        if (wanted == 0) {
            const int last = (first_weekday + length - 1) % 7;
            days |= std::uint32_t{1} << (last == 6 ? length - 1 : last == 0 ? length - 2 : length);
        } else if (wanted <= length) {
            days |= std::uint32_t{1} << nearest_weekday(wanted, length, first_weekday);
        }
    }
    return days;
}

}  // namespace

std::uint32_t days_of_month(const Fields& fields, int length, int first_weekday) {
    const std::uint32_t all = kAllDays >> (31 - length) & kAllDays;
    if (!fields.day_restricted && !fields.weekday_restricted) return all;
    std::uint32_t days = 0;
    if (fields.day_restricted) {
        days = fields.days;
        if ((fields.days_from_end | fields.near_weekdays) != 0)
            days |= special_days(fields, length, first_weekday);
    }
    if (fields.weekday_restricted) {
        days |= spread_weekdays(fields.weekdays, first_weekday);
        if (fields.nth_weekdays != 0)
            days |= nth_weekday_days(fields.nth_weekdays, length, first_weekday);
    }
    return days & all;
}

bool chooses_some_day(const Fields& fields) {
    // A year is one of fourteen: leap or not, by the weekday it starts on. All of them occur.
    for (const bool leap : {false, true}) {
        for (int new_year = 0; new_year < 7; ++new_year) {
            int first_weekday = new_year;
            for (int month = 1; month <= 12; ++month) {
                const int length = days_in_month(leap, month);
                if ((fields.months >> month & 1) &&
                    days_of_month(fields, length, first_weekday) != 0)
                    return true;
                first_weekday = (first_weekday + length) % 7;
            }
        }
    }
    return false;
}

}  // namespace khronos::cron

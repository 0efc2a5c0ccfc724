#include "core/cron/local_search.h"

#include "base/time.h"

namespace khronos::cron {
namespace {

std::uint32_t days_in(const Fields& fields, std::int64_t year, int month, std::int64_t first_day) {
    return days_of_month(fields, days_in_month(is_leap(year), month), weekday_of_day(first_day));
}

}  // namespace

std::int64_t next_day_by_calendar(const Fields& fields, std::int64_t day, std::int64_t limit) {
    const CivilDate date = civil_from_days(day);
    std::int64_t year = date.year;
    int month = date.month;
    std::int64_t first_day = day - date.day + 1;
    if (fields.months >> month & 1) {
        const std::uint32_t days = days_in(fields, year, month, first_day) >> date.day;
        if (days != 0) return day + std::countr_zero(days);
    }
    while (first_day <= limit) {
        const unsigned later = unsigned{fields.months} >> (month + 1);
        if (later != 0) {
            month += 1 + std::countr_zero(later);
        } else {
            ++year;
            month = std::countr_zero(fields.months);
        }
        first_day = days_from_civil({year, month, 1});
        const std::uint32_t days = days_in(fields, year, month, first_day);
        if (days != 0) return first_day - 1 + std::countr_zero(days);
    }
    return kNoneAfter;
}

std::int64_t prev_day_by_calendar(const Fields& fields, std::int64_t day, std::int64_t limit) {
    const CivilDate date = civil_from_days(day);
    std::int64_t year = date.year;
    int month = date.month;
    std::int64_t first_day = day - date.day + 1;
    if (fields.months >> month & 1) {
        const std::uint32_t up_to_here = static_cast<std::uint32_t>((2ULL << date.day) - 1);
        const std::uint32_t days = days_in(fields, year, month, first_day) & up_to_here;
        if (days != 0) return first_day - 1 + detail::last_bit(days);
    }
    while (first_day >= limit) {
        const unsigned earlier = fields.months & ((1U << month) - 1);
        if (earlier != 0) {
            month = detail::last_bit(earlier);
        } else {
            --year;
            month = detail::last_bit(fields.months);
        }
        first_day = days_from_civil({year, month, 1});
        const std::uint32_t days = days_in(fields, year, month, first_day);
        if (days != 0) return first_day - 1 + detail::last_bit(days);
    }
    return kNoneBefore;
}

}  // namespace khronos::cron

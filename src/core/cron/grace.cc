#include "core/cron/grace.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/time.h"
#include "core/cron/civil.h"
#include "core/cron/field_parser.h"

namespace khronos::cron {
namespace {

constexpr std::int64_t kLongest = 290LL * 366 * kDaySeconds;
constexpr std::int64_t kLargestNumber = 10'000'000'000;

std::int64_t add_months(std::int64_t seconds, std::int64_t months) {
    const std::int64_t days = floor_div(seconds, kDaySeconds);
    CivilDate date = civil_from_days(days);
    const std::int64_t month = date.year * 12 + date.month - 1 + months;
    date.year = floor_div(month, 12);
    date.month = static_cast<int>(month - date.year * 12) + 1;
    date.day = std::min(date.day, days_in_month(is_leap(date.year), date.month));
    return days_from_civil(date) * kDaySeconds + (seconds - days * kDaySeconds);
}

}  // namespace

std::expected<std::int64_t, std::string> parse_iso_duration(std::string_view text,
                                                            std::int64_t from_s) {
    const auto wrong = [&](std::string_view why) {
        return std::unexpected(fmt::format(
            "'{}' is not an ISO 8601 duration such as PT2H or P1DT12H: {}", printable(text), why));
    };
    if (text.empty() || (text[0] != 'P' && text[0] != 'p'))
        return wrong("it does not begin with P");
    // The designators in their order; each may come once.
    constexpr std::string_view kOrder = "YMWDTHMS";
    std::size_t next = 0;
    std::int64_t months = 0;
    std::int64_t seconds = 0;
    bool has_part = false;
    for (std::size_t at = 1; at < text.size(); ++at) {
        std::int64_t number = 0;
        const std::size_t start = at;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
            number = number * 10 + (text[at] - '0');
            if (number > kLargestNumber) return wrong("a number is too large");
        }
        if (at == text.size()) return wrong("a unit is missing at the end");
        if (text[at] == '.' || text[at] == ',') return wrong("its parts have to be whole numbers");
        const char unit =
            text[at] >= 'a' && text[at] <= 'z' ? static_cast<char>(text[at] - 'a' + 'A') : text[at];
        const std::size_t place = kOrder.find(unit, next);
        if (place == std::string_view::npos)
            return wrong(next <= 4 && (unit == 'H' || unit == 'S')
                             ? "hours and seconds follow a T"
                             : "its parts are Y M W D T H M S");
        if (place > 4 && next <= 4) return wrong("hours, minutes and seconds follow a T");
        next = place + 1;
        if (unit == 'T') {
            if (at != start) return wrong("a unit is missing before the T");
            has_part = false;
            continue;
        }
        if (at == start) return wrong("a number is missing before a unit");
        has_part = true;
        switch (place) {
            case 0:
                months += number * 12;
                break;
            case 1:
                months += number;
                break;
            case 2:
                seconds += number * 7 * kDaySeconds;
                break;
            case 3:
                seconds += number * kDaySeconds;
                break;
            case 5:
                seconds += number * 3600;
                break;
            case 6:
                seconds += number * 60;
                break;
            default:
                seconds += number;
                break;
        }
    }
    if (!has_part) return wrong("it names no time");
    if (months > 290 * 12 || seconds > kLongest) return wrong("it is longer than 290 years");
    return add_months(from_s, months) + seconds - from_s;
}

}  // namespace khronos::cron

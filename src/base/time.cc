#include "base/time.h"

#include <fmt/format.h>

namespace khronos {

// Both by the usual 400-year era arithmetic, with the year starting in March.
std::int64_t days_from_civil(CivilDate date) {
    const std::int64_t y = date.month <= 2 ? date.year - 1 : date.year;
    const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
    const std::int64_t year_of_era = y - era * 400;
    const std::int64_t month_from_march = date.month > 2 ? date.month - 3 : date.month + 9;
    const std::int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    const std::int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

CivilDate civil_from_days(std::int64_t days) {
    days += 719468;
    const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const std::int64_t day_of_era = days - era * 146097;
    const std::int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const std::int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
    CivilDate date;
    date.day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    date.month = static_cast<int>(month_from_march < 10 ? month_from_march + 3
                                                        : month_from_march - 9);
    date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

std::string to_rfc3339(WallTime t) {
    const std::int64_t seconds = t.seconds();
    const std::int64_t fraction = t.us - seconds * 1000000;
    std::int64_t days = seconds / 86400;
    if (seconds % 86400 < 0) --days;
    const std::int64_t of_day = seconds - days * 86400;
    const CivilDate date = civil_from_days(days);
    std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", date.year, date.month,
                                   date.day, of_day / 3600, of_day / 60 % 60, of_day % 60);
    if (fraction != 0) {
        std::string digits = fmt::format(".{:06}", fraction);
        while (digits.back() == '0') digits.pop_back();
        text += digits;
    }
    text += 'Z';
    return text;
}

namespace {

// Reads exactly `count` digits at `at`; -1 where there are none.
int digits_at(std::string_view text, std::size_t at, int count) {
    if (text.size() < at + static_cast<std::size_t>(count)) return -1;
    int value = 0;
    for (int i = 0; i < count; ++i) {
        const char c = text[at + static_cast<std::size_t>(i)];
        if (c < '0' || c > '9') return -1;
        value = value * 10 + (c - '0');
    }
    return value;
}

bool is_leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int days_in_month(std::int64_t year, int month) {
    constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : kDays[month - 1];
}

}  // namespace

std::expected<WallTime, std::string> parse_rfc3339(std::string_view text) {
    const auto malformed = [&] {
        return std::unexpected(fmt::format(
            "'{}' is not an RFC 3339 time such as 2026-01-31T08:30:00Z or 2026-01-31T08:30:00+01:00",
            text.substr(0, 64)));
    };
    const int year = digits_at(text, 0, 4);
    const int month = digits_at(text, 5, 2);
    const int day = digits_at(text, 8, 2);
    const int hour = digits_at(text, 11, 2);
    const int minute = digits_at(text, 14, 2);
    const int second = digits_at(text, 17, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return malformed();
    if (text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') return malformed();
    if (text[10] != 'T' && text[10] != 't' && text[10] != ' ') return malformed();
    std::size_t at = 19;
    std::int64_t fraction = 0;
    if (at < text.size() && text[at] == '.') {
        ++at;
        std::int64_t scale = 100000;
        const std::size_t first = at;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
            fraction += (text[at] - '0') * scale;
            scale /= 10;
            ++at;
        }
        if (at == first || at - first > 9) return malformed();
    }
    std::int64_t offset = 0;
    if (at >= text.size()) return malformed();
    if (text[at] == 'Z' || text[at] == 'z') {
        ++at;
    } else if (text[at] == '+' || text[at] == '-') {
        const int offset_hour = digits_at(text, at + 1, 2);
        const int offset_minute = digits_at(text, at + 4, 2);
        if (offset_hour < 0 || offset_hour > 23 || offset_minute < 0 || offset_minute > 59 ||
            text[at + 3] != ':')
            return malformed();
        offset = offset_hour * 3600 + offset_minute * 60;
        if (text[at] == '-') offset = -offset;
        at += 6;
    } else {
        return malformed();
    }
    if (at != text.size()) return malformed();
    const std::int64_t seconds = days_from_civil({year, month, day}) * 86400 + hour * 3600 +
                                 minute * 60 + second - offset;
    return WallTime{seconds * 1000000 + fraction};
}

}  // namespace khronos

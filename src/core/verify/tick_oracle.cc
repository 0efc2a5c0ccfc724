#include "core/verify/tick_oracle.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <sstream>
#include <string_view>

#include "base/duration.h"

namespace khronos::verify {
namespace {

struct Range {
    int low, high;
    std::vector<std::string> names;  // of low, low + 1, ...
};

std::expected<int, std::string> number(const std::string& text, const Range& range) {
    for (std::size_t i = 0; i < range.names.size(); ++i)
        if (text == range.names[i]) return range.low + static_cast<int>(i);
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < range.low ||
        value > range.high)
        return std::unexpected("the oracle does not know '" + text + "'");
    return value;
}

// Takes what only the days have, `L`, `L-2`, `15W`, `LW`, `5L`, `5#3`; false: it is none of these.
std::expected<bool, std::string> special(const std::string& term, const Range& range, bool weekday,
                                         oracle::Line& line) {
    if (weekday) {
        if (term.size() > 1 && term.back() == 'L') {
            const auto day = number(term.substr(0, term.size() - 1), range);
            if (!day) return std::unexpected(day.error());
            line.nth.push_back({*day, 0});
            return true;
        }
        const auto hash = term.find('#');
        if (hash == term.npos) return false;
        const auto day = number(term.substr(0, hash), range);
        const auto n = number(term.substr(hash + 1), {1, 5, {}});
        if (!day || !n) return std::unexpected("the oracle does not know '" + term + "'");
        line.nth.push_back({*day, *n});
        return true;
    }
    if (term == "LW") {
        line.nearest.push_back(0);
    } else if (term == "L") {
        line.from_end.push_back(0);
    } else if (term.starts_with("L-")) {
        const auto back = number(term.substr(2), {0, 30, {}});
        if (!back) return std::unexpected(back.error());
        line.from_end.push_back(*back);
    } else if (term.size() > 1 && term.back() == 'W') {
        const auto day = number(term.substr(0, term.size() - 1), range);
        if (!day) return std::unexpected(day.error());
        line.nearest.push_back(*day);
    } else {
        return false;
    }
    return true;
}

// Capital letters, for names and the letters of the days come in either case.
std::string capitals(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

enum class Days : std::uint8_t { none, month, week };

std::expected<std::uint64_t, std::string> field(const std::string& given, const Range& range,
                                                Days days, oracle::Line& line) {
    std::uint64_t bits = 0;
    const std::string text = capitals(given);
    std::istringstream terms(text);
    for (std::string term; std::getline(terms, term, ',');) {
        if (days != Days::none) {
            const auto taken = special(term, range, days == Days::week, line);
            if (!taken) return std::unexpected(taken.error());
            if (*taken) continue;
        }
        int step = 1;
        bool open_end = false;
        if (const auto slash = term.find('/'); slash != term.npos) {
            const auto value = number(term.substr(slash + 1), {1, 1000, {}});
            if (!value) return std::unexpected(value.error());
            step = *value;
            open_end = true;
            term.resize(slash);
        }
        int low = range.low;
        int high = range.high;
        if (term != "*" && term != "?") {
            const auto dash = term.find('-');
            const auto first = number(term.substr(0, dash), range);
            if (!first) return std::unexpected(first.error());
            low = *first;
            high = open_end ? range.high : low;
            if (dash != term.npos) {
                const auto last = number(term.substr(dash + 1), range);
                if (!last) return std::unexpected(last.error());
                high = *last;
            }
        }
        for (int value = low; value <= high; value += step)
            bits |= std::uint64_t{1} << value;
    }
    return bits;
}

const std::map<std::string, std::string, std::less<>> kWords = {
    {"@yearly", "0 0 0 1 1 *"}, {"@annually", "0 0 0 1 1 *"}, {"@monthly", "0 0 0 1 * *"},
    {"@weekly", "0 0 0 * * 0"}, {"@daily", "0 0 0 * * *"},    {"@midnight", "0 0 0 * * *"},
    {"@hourly", "0 0 * * * *"}, {"@minutely", "0 * * * * *"},
};

std::string trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return std::string(text);
}

constexpr std::int64_t kLongestGap = 3 * 3600;

bool bit(std::uint64_t bits, std::int64_t at) {
    return (bits >> at & 1) != 0;
}

int weekday_of(absl::CivilDay day) {
    static constexpr std::array<int, 7> kFromMonday = {1, 2, 3, 4, 5, 6, 0};
    return kFromMonday[static_cast<std::size_t>(absl::GetWeekday(day))];
}
bool works(absl::CivilDay day) {
    return weekday_of(day) >= 1 && weekday_of(day) <= 5;
}

// `15W`: the working day of the month that is nearest to its day `n`; of two the earlier.
bool is_nearest(absl::CivilDay day, int n, absl::CivilDay last) {
    if (n == 0) {
        while (!works(last))
            --last;
        return day == last;
    }
    if (n > last.day()) return false;
    const absl::CivilDay wanted(day.year(), day.month(), n);
    for (const int step : {0, -1, 1, -2, 2}) {
        const absl::CivilDay one = wanted + step;
        if (one.month() == wanted.month() && works(one)) return one == day;
    }
    return false;
}

}  // namespace

std::expected<TickOracle, std::string> TickOracle::parse(const std::string& text_given,
                                                         const std::string& job_timezone,
                                                         core::DstGap gap,
                                                         core::DstOverlap overlap) {
    TickOracle oracle;
    // A zone before the schedule goes before the job's own.
    std::string timezone = job_timezone;
    std::string schedule = trimmed(text_given);
    for (const std::string_view prefix : {"CRON_TZ=", "TZ="}) {
        if (!schedule.starts_with(prefix)) continue;
        const std::size_t end = std::min(schedule.find(' '), schedule.size());
        timezone = schedule.substr(prefix.size(), end - prefix.size());
        schedule = trimmed(schedule.substr(end));
        break;
    }
    if (!absl::LoadTimeZone(timezone.empty() ? "UTC" : timezone, &oracle.zone_))
        return std::unexpected("the oracle does not know the zone " + timezone);
    if (schedule.empty() || schedule == "@manually") {
        oracle.rule_ = Once{true, false, 0};
        return oracle;
    }
    if (schedule == "@oneway") {
        oracle.rule_ = Once{true, true, 0};
        return oracle;
    }
    if (schedule.starts_with("@every ")) {
        const auto period = parse_duration(schedule.substr(7));
        if (!period) return std::unexpected(period.error());
        oracle.rule_ = Every{period->count() / 1000000};
        return oracle;
    }
    if (schedule.starts_with("@at ") || schedule.starts_with("@after ")) {
        // How late an @after may be is nothing that moves its tick.
        const std::string rest = trimmed(schedule.substr(schedule.find(' ')));
        const auto at = parse_rfc3339(rest.substr(0, rest.find_first_of(" <")));
        if (!at) return std::unexpected(at.error());
        oracle.rule_ = Once{false, false, at->seconds()};
        return oracle;
    }
    const auto word = kWords.find(schedule);
    std::istringstream in(word == kWords.end() ? schedule : word->second);
    std::array<std::string, 6> text;
    for (std::string& one : text)
        in >> one;
    const std::vector<std::string> months = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                             "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
    const std::vector<std::string> days = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
    const std::array<Range, 6> ranges = {Range{0, 59, {}}, Range{0, 59, {}},     Range{0, 23, {}},
                                         Range{1, 31, {}}, Range{1, 12, months}, Range{0, 6, days}};
    Line line;
    std::array<std::uint64_t*, 6> fields = {&line.seconds, &line.minutes, &line.hours,
                                            &line.days,    &line.months,  &line.weekdays};
    for (std::size_t i = 0; i < 6; ++i) {
        const Days days = i == 3 ? Days::month : i == 5 ? Days::week : Days::none;
        const auto value = field(text[i], ranges[i], days, line);
        if (!value) return std::unexpected(value.error());
        *fields[i] = *value;
    }
    line.any_day = text[3] == "*" || text[3] == "?";
    line.any_weekday = text[5] == "*" || text[5] == "?";
    const bool all_hours = line.hours == (std::uint64_t{1} << 24) - 1;
    line.runs_in_gap = gap == core::DstGap::by_rule ? !all_hours : gap == core::DstGap::run;
    switch (overlap) {
        case core::DstOverlap::by_rule:
            line.runs_second = all_hours;
            break;
        case core::DstOverlap::first:
            break;
        case core::DstOverlap::second:
            line.runs_first = false;
            [[fallthrough]];
        case core::DstOverlap::both:
            line.runs_second = true;
            break;
    }
    oracle.rule_ = line;
    return oracle;
}

bool TickOracle::day_matches(const Line& line, absl::CivilDay day) const {
    if (!bit(line.months, day.month())) return false;
    if (line.any_day && line.any_weekday) return true;
    const absl::CivilDay last = absl::CivilDay(absl::CivilMonth(day) + 1) - 1;
    bool by_day = bit(line.days, day.day());
    for (const int back : line.from_end)
        by_day |= last - back == day;
    for (const int n : line.nearest)
        by_day |= is_nearest(day, n, last);
    bool by_week = bit(line.weekdays, weekday_of(day));
    for (const Line::Nth& nth : line.nth)
        by_week |= weekday_of(day) == nth.weekday &&
                   (nth.n == 0 ? day.day() + 7 > last.day() : (day.day() + 6) / 7 == nth.n);
    if (line.any_day) return by_week;
    if (line.any_weekday) return by_day;
    return by_day || by_week;
}

bool TickOracle::matches(const Line& line, absl::CivilSecond local) const {
    return bit(line.seconds, local.second()) && bit(line.minutes, local.minute()) &&
           bit(line.hours, local.hour()) && day_matches(line, absl::CivilDay(local));
}

bool TickOracle::ticks_at(const Line& line, std::int64_t second) const {
    const absl::CivilSecond local = absl::ToCivilSecond(absl::FromUnixSeconds(second), zone_);
    if (matches(line, local)) {
        const auto info = zone_.At(local);
        const bool twice = info.kind == absl::TimeZone::TimeInfo::REPEATED;
        const bool second_copy = twice && absl::ToUnixSeconds(info.pre) != second;
        if (!twice || (second_copy ? line.runs_second : line.runs_first)) return true;
    }
    // The end of a gap stands for all that was missing.
    const absl::CivilSecond before =
        absl::ToCivilSecond(absl::FromUnixSeconds(second - 1), zone_) + 1;
    if (!line.runs_in_gap || before >= local || local - before > kLongestGap) return false;
    for (absl::CivilSecond missing = before; missing < local; ++missing)
        if (matches(line, missing)) return true;
    return false;
}

std::int64_t TickOracle::skip(const Line& line, std::int64_t second) const {
    const absl::CivilSecond local = absl::ToCivilSecond(absl::FromUnixSeconds(second), zone_);
    if (local.minute() != 0 || local.second() != 0) return second;
    // A stretch in which clocks are not changed, nor just before it, is as long there as here.
    const auto plain = [&](std::int64_t length) {
        return absl::ToCivilSecond(absl::FromUnixSeconds(second - 1), zone_) + 1 == local &&
               absl::ToCivilSecond(absl::FromUnixSeconds(second + length), zone_) - local == length;
    };
    if (local.hour() == 0 && !day_matches(line, absl::CivilDay(local)) && plain(86400))
        return second + 86400;
    if (!bit(line.hours, local.hour()) && plain(3600)) return second + 3600;
    return second;
}

std::vector<WallTime> TickOracle::line_ticks(const Line& line, std::int64_t from, std::int64_t to,
                                             std::size_t most) const {
    std::vector<WallTime> found;
    for (std::int64_t minute = from / 60 * 60; minute <= to;) {
        if (const std::int64_t next = skip(line, minute); next != minute) {
            minute = next;
            continue;
        }
        // Clocks are changed on whole minutes: within one, the local minute is always the same.
        const absl::CivilSecond local = absl::ToCivilSecond(absl::FromUnixSeconds(minute), zone_);
        const absl::CivilSecond before =
            absl::ToCivilSecond(absl::FromUnixSeconds(minute - 1), zone_) + 1;
        const bool may_tick =
            local != before || (bit(line.minutes, local.minute()) &&
                                bit(line.hours, local.hour()) && bit(line.months, local.month()));
        for (std::int64_t second = minute; may_tick && second < minute + 60 && second <= to;
             ++second)
            if (second > from && ticks_at(line, second)) {
                if (found.size() == most) return found;
                found.push_back(WallTime::from_seconds(second));
            }
        minute += 60;
    }
    return found;
}

std::vector<WallTime> TickOracle::ticks(WallTime from, WallTime to, WallTime anchor,
                                        std::size_t most) const {
    std::vector<WallTime> found;
    if (to <= from) return found;
    if (const auto* line = std::get_if<Line>(&rule_))
        return line_ticks(*line, from.seconds(), to.seconds(), most);
    if (const auto* every = std::get_if<Every>(&rule_)) {
        const std::int64_t start = anchor.seconds();
        std::int64_t t = start + every->seconds;
        if (from.seconds() >= t) t += (from.seconds() - t) / every->seconds * every->seconds;
        for (; t <= to.seconds() && found.size() < most; t += every->seconds)
            if (WallTime::from_seconds(t) > from) found.push_back(WallTime::from_seconds(t));
        return found;
    }
    const WallTime at = WallTime::from_seconds(once().at);
    if (!once().never && from < at && at <= to) found.push_back(at);
    return found;
}

}  // namespace khronos::verify

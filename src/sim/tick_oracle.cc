#include "sim/tick_oracle.h"

#include <array>
#include <charconv>
#include <map>
#include <sstream>
#include <string_view>

#include "base/duration.h"

namespace khronos::sim {
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

std::expected<std::uint64_t, std::string> field(const std::string& text, const Range& range) {
    std::uint64_t bits = 0;
    std::istringstream terms(text);
    for (std::string term; std::getline(terms, term, ',');) {
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
        for (int value = low; value <= high; value += step) bits |= std::uint64_t{1} << value;
    }
    return bits;
}

const std::map<std::string, std::string, std::less<>> kWords = {
    {"@yearly", "0 0 0 1 1 *"},  {"@annually", "0 0 0 1 1 *"}, {"@monthly", "0 0 0 1 * *"},
    {"@weekly", "0 0 0 * * 0"},  {"@daily", "0 0 0 * * *"},    {"@midnight", "0 0 0 * * *"},
    {"@hourly", "0 0 * * * *"},  {"@minutely", "0 * * * * *"},
};

constexpr std::int64_t kLongestGap = 3 * 3600;

bool bit(std::uint64_t bits, std::int64_t at) { return (bits >> at & 1) != 0; }

}  // namespace

std::expected<TickOracle, std::string> TickOracle::parse(const std::string& schedule,
                                                         const std::string& timezone,
                                                         core::DstGap gap,
                                                         core::DstOverlap overlap) {
    TickOracle oracle;
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
    if (schedule.starts_with("@at ")) {
        const auto at = parse_rfc3339(schedule.substr(4));
        if (!at) return std::unexpected(at.error());
        oracle.rule_ = Once{false, false, at->seconds()};
        return oracle;
    }
    const auto word = kWords.find(schedule);
    std::istringstream in(word == kWords.end() ? schedule : word->second);
    std::array<std::string, 6> text;
    for (std::string& one : text) in >> one;
    const std::vector<std::string> months = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                             "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
    const std::vector<std::string> days = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
    const std::array<Range, 6> ranges = {Range{0, 59, {}}, Range{0, 59, {}}, Range{0, 23, {}},
                                         Range{1, 31, {}}, Range{1, 12, months},
                                         Range{0, 6, days}};
    std::array<std::uint64_t, 6> bits{};
    for (std::size_t i = 0; i < 6; ++i) {
        const auto value = field(text[i], ranges[i]);
        if (!value) return std::unexpected(value.error());
        bits[i] = *value;
    }
    Line line{bits[0], bits[1], bits[2], bits[3], bits[4], bits[5], false, false, false, true, false};
    line.any_day = text[3] == "*" || text[3] == "?";
    line.any_weekday = text[5] == "*" || text[5] == "?";
    const bool all_hours = line.hours == (std::uint64_t{1} << 24) - 1;
    line.runs_in_gap = gap == core::DstGap::by_rule ? !all_hours : gap == core::DstGap::run;
    switch (overlap) {
        case core::DstOverlap::by_rule: line.runs_second = all_hours; break;
        case core::DstOverlap::first: break;
        case core::DstOverlap::second: line.runs_first = false; [[fallthrough]];
        case core::DstOverlap::both: line.runs_second = true; break;
    }
    oracle.rule_ = line;
    return oracle;
}

bool TickOracle::matches(const Line& line, absl::CivilSecond local) const {
    if (!bit(line.seconds, local.second()) || !bit(line.minutes, local.minute()) ||
        !bit(line.hours, local.hour()) || !bit(line.months, local.month()))
        return false;
    static constexpr std::array<int, 7> kFromMonday = {1, 2, 3, 4, 5, 6, 0};
    const auto weekday = static_cast<std::size_t>(absl::GetWeekday(absl::CivilDay(local)));
    const bool day = bit(line.days, local.day());
    const bool week = bit(line.weekdays, kFromMonday[weekday]);
    if (line.any_day && line.any_weekday) return true;
    if (line.any_day) return week;
    if (line.any_weekday) return day;
    return day || week;
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

std::vector<WallTime> TickOracle::line_ticks(const Line& line, std::int64_t from,
                                             std::int64_t to) const {
    std::vector<WallTime> found;
    for (std::int64_t minute = from / 60 * 60; minute <= to; minute += 60) {
        // Clocks are changed on whole minutes: within one, the local minute is always the same.
        const absl::CivilSecond local = absl::ToCivilSecond(absl::FromUnixSeconds(minute), zone_);
        const absl::CivilSecond before =
            absl::ToCivilSecond(absl::FromUnixSeconds(minute - 1), zone_) + 1;
        if (local == before && (!bit(line.minutes, local.minute()) ||
                                !bit(line.hours, local.hour()) || !bit(line.months, local.month())))
            continue;
        for (std::int64_t second = minute; second < minute + 60 && second <= to; ++second)
            if (second > from && ticks_at(line, second))
                found.push_back(WallTime::from_seconds(second));
    }
    return found;
}

std::vector<WallTime> TickOracle::ticks(WallTime from, WallTime to, WallTime anchor) const {
    std::vector<WallTime> found;
    if (to <= from) return found;
    if (const auto* line = std::get_if<Line>(&rule_))
        return line_ticks(*line, from.seconds(), to.seconds());
    if (const auto* every = std::get_if<Every>(&rule_)) {
        const std::int64_t start = anchor.seconds();
        std::int64_t t = start + every->seconds;
        if (from.seconds() >= t)
            t += (from.seconds() - t) / every->seconds * every->seconds;
        for (; t <= to.seconds(); t += every->seconds)
            if (WallTime::from_seconds(t) > from) found.push_back(WallTime::from_seconds(t));
        return found;
    }
    const WallTime at = WallTime::from_seconds(once().at);
    if (!once().never && from < at && at <= to) found.push_back(at);
    return found;
}

}  // namespace khronos::sim

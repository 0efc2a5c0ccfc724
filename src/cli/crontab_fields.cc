#include "cli/crontab_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <vector>

#include "core/cron/schedule.h"

namespace khronos::cli {
namespace {

struct Kind {
    std::string_view name;
    int first;
    int last;  // for the day of week 7, which is 0 again
    std::span<const std::string_view> words;
};
constexpr std::string_view kMonths[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                        "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::string_view kDays[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
constexpr Kind kKinds[5] = {{"minute", 0, 59, {}},
                            {"hour", 0, 23, {}},
                            {"day of month", 1, 31, {}},
                            {"month", 1, 12, kMonths},
                            {"day of week", 0, 7, kDays}};
constexpr int kDayOfMonth = 2;
constexpr int kDayOfWeek = 4;

struct Field {
    std::uint64_t bits = 0;
    std::string text;      // for Khronos
    bool starred = false;  // begins with `*`
    bool random = false;   // has a `~`: bits are not known here
};

using Wrong = std::unexpected<std::string>;

Wrong wrong(const Kind& kind, std::string_view text, std::string_view why) {
    return Wrong(fmt::format("the {} '{}' {}", kind.name, text, why));
}

std::expected<int, std::string> number(const Kind& kind, std::string_view text) {
    int value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc{} && end == text.data() + text.size() && text[0] != '-') {
        if (value < kind.first || value > kind.last)
            return wrong(kind, text, fmt::format("is not from {} to {}", kind.first, kind.last));
        return value;
    }
    for (std::size_t i = 0; i < kind.words.size(); ++i)
        if (std::ranges::equal(text, kind.words[i], [](char a, char b) {
                return (a >= 'a' && a <= 'z' ? a - 32 : a) == b;
            }))
            return static_cast<int>(i) + kind.first;
    return wrong(kind, text,
                 kind.words.empty() ? "is no number" : "is neither a number nor a name");
}

std::string value_text(const Kind& kind, int value) {
    if (kind.words.empty()) return std::to_string(value);
    return std::string(kind.words[static_cast<std::size_t>(value - kind.first)]);
}

// One term between commas, added to the field. The text of the term stays as close to what was
// written as it can.
std::expected<void, std::string> add_term(const Kind& kind, std::string_view term, Field& field) {
    const bool is_week = kind.last == 7;
    int step = 1;
    std::string_view range = term;
    if (const std::size_t slash = term.find('/'); slash != term.npos) {
        range = term.substr(0, slash);
        const std::string_view text = term.substr(slash + 1);
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
        if (error != std::errc{} || end != text.data() + text.size() || step < 1)
            return wrong(kind, term, "has no number above 0 behind its /");
    }
    int low = kind.first;
    int high = is_week ? 6 : kind.last;
    std::string text;
    const std::size_t tilde = range.find('~');
    const std::size_t dash = range.find('-');
    if (range == "*" || range == "?") {
        text = "*";
    } else if (tilde != range.npos) {
        for (const std::string_view end : {range.substr(0, tilde), range.substr(tilde + 1)}) {
            if (end.empty()) continue;
            const auto value = number(kind, end);
            if (!value) return Wrong(value.error());
        }
        field.random = true;
        field.text += field.text.empty() ? "" : ",";
        field.text += term;
        return {};
    } else if (dash != range.npos) {
        const auto from = number(kind, range.substr(0, dash));
        if (!from) return Wrong(from.error());
        const auto to = number(kind, range.substr(dash + 1));
        if (!to) return Wrong(to.error());
        low = *from;
        // `FRI-SUN`: a Sunday that ends a range is the one after Saturday.
        high = is_week && *to == 0 && low > 0 ? 7 : *to;
        if (high < low) return wrong(kind, term, "ends before it begins");
        if (is_week && high == 7) {
            // Sunday is written first; the values of the step are listed.
            for (int value = low; value <= 7; value += step) {
                const std::uint64_t bit = std::uint64_t{1} << value % 7;
                if (field.bits & bit) continue;
                field.bits |= bit;
                field.text += (field.text.empty() ? "" : ",") + value_text(kind, value % 7);
            }
            return {};
        }
        text = fmt::format("{}-{}", value_text(kind, low), value_text(kind, high));
    } else {
        const auto value = number(kind, range);
        if (!value) return Wrong(value.error());
        low = is_week ? *value % 7 : *value;
        text = value_text(kind, low);
        if (is_week && *value == 7 && (field.bits & 1)) return {};
        // `5/15` is from 5 on, as cronie and most others read it.
        if (term.size() == range.size()) high = low;
    }
    for (int value = low; value <= high; value += step)
        field.bits |= std::uint64_t{1} << value;
    // Steps beyond the end choose the first value only; the number says nothing more.
    if (term.size() != range.size())
        text = step > high - low && text != "*" ? value_text(kind, low)
                                                : fmt::format("{}/{}", text, step);
    field.text += (field.text.empty() ? "" : ",") + text;
    return {};
}

std::expected<Field, std::string> parse_field(const Kind& kind, std::string_view text) {
    Field field;
    field.starred = text.starts_with('*') || text.starts_with('?');
    for (std::string_view rest = text;;) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        if (comma == 0) return wrong(kind, text, "has an empty place in its list");
        if (auto added = add_term(kind, rest.substr(0, comma), field); !added)
            return Wrong(added.error());
        if (comma == rest.size()) return field;
        rest.remove_prefix(comma + 1);
    }
}

std::uint64_t all_of(const Kind& kind) {
    std::uint64_t bits = 0;
    for (int value = kind.first; value <= (kind.last == 7 ? 6 : kind.last); ++value)
        bits |= std::uint64_t{1} << value;
    return bits;
}

// Cron's rule of the two day fields, in place; the guard where six fields are not enough.
std::optional<DayGuard> settle_days(Field& month, Field& week) {
    const bool every_date = month.bits == all_of(kKinds[kDayOfMonth]) && !month.random;
    const bool every_day = week.bits == all_of(kKinds[kDayOfWeek]) && !week.random;
    if (!month.starred && !week.starred) return std::nullopt;  // either, here as there
    // Both have to match: a field that always does says nothing.
    if (every_date) month.text = "*";
    if (every_day) week.text = "*";
    if (every_date || every_day) return std::nullopt;
    // The starred one, which is `*/n`, becomes the guard.
    if (month.starred) {
        month.text = "*";
        return DayGuard{DayGuard::Of::month, static_cast<std::uint32_t>(month.bits)};
    }
    week.text = "*";
    return DayGuard{DayGuard::Of::week, static_cast<std::uint32_t>(week.bits)};
}

}  // namespace

std::expected<CrontabTimes, std::string> crontab_times(const std::string_view (&fields)[5]) {
    Field parsed[5];
    for (std::size_t i = 0; i < 5; ++i) {
        auto field = parse_field(kKinds[i], fields[i]);
        if (!field) return Wrong(field.error());
        parsed[i] = std::move(*field);
        if (parsed[i].bits == all_of(kKinds[i]) && parsed[i].starred && !parsed[i].random)
            parsed[i].text = "*";
    }
    CrontabTimes times;
    times.guard = settle_days(parsed[kDayOfMonth], parsed[kDayOfWeek]);
    times.schedule = fmt::format("0 {} {} {} {} {}", parsed[0].text, parsed[1].text, parsed[2].text,
                                 parsed[3].text, parsed[4].text);
    if (const auto schedule = cron::Schedule::parse(times.schedule); !schedule)
        return Wrong(cron::to_string(schedule.error()));
    return times;
}

std::expected<std::string, std::string> crontab_nickname(std::string_view word) {
    if (word == "@reboot") return "";
    for (const std::string_view same :
         {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
        if (word == same) return std::string(same);
    if (word == "@every_minute") return "@minutely";
    if (word == "@every_second") return "* * * * * *";
    // Some crons take a number of seconds between the end of a run and the next.
    int seconds = 0;
    const auto [end, error] = std::from_chars(word.data() + 1, word.data() + word.size(), seconds);
    if (error == std::errc{} && end == word.data() + word.size() && seconds > 0)
        return fmt::format("@every {}s", seconds);
    return Wrong(
        fmt::format("'{}' is not one of @yearly, @monthly, @weekly, @daily, @hourly and "
                    "@reboot",
                    word));
}

}  // namespace khronos::cli

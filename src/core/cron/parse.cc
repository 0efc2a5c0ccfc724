// From text to a Schedule: zone prefix, @-words, six fields.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/duration.h"
#include "base/limits.h"
#include "core/cron/civil.h"
#include "core/cron/field_parser.h"
#include "core/cron/grace.h"
#include "core/cron/schedule.h"
#include "core/cron/ticks.h"

namespace khronos::cron {
namespace {

using RuleResult = std::expected<Schedule::Rule, CronError>;

struct Predefined {
    std::string_view name;
    std::string_view fields;
};
constexpr std::array kPredefined{
    Predefined{"@yearly", "0 0 0 1 1 *"},  Predefined{"@annually", "0 0 0 1 1 *"},
    Predefined{"@monthly", "0 0 0 1 * *"}, Predefined{"@weekly", "0 0 0 * * 0"},
    Predefined{"@daily", "0 0 0 * * *"},   Predefined{"@midnight", "0 0 0 * * *"},
    Predefined{"@hourly", "0 0 * * * *"},  Predefined{"@minutely", "0 * * * * *"},
};
constexpr std::string_view kWords =
    "@yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, @minutely, "
    "@every <duration>, @at <time>, @after <time> <<grace>, @oneway, @manually";
constexpr std::string_view kAfterForm = "@after 2026-01-31T08:30:00Z <PT2H";

// A UTC time behind every change of rules that is on record.
constexpr std::int64_t kYear2100 = 4102444800;

bool is_space(char c) {
    return c == ' ' || c == '\t';
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::ranges::equal(a, b, {}, lower, lower);
}

Piece trimmed(Piece piece) {
    std::size_t start = 0;
    while (start < piece.text.size() && is_space(piece.text[start]))
        ++start;
    std::size_t end = piece.text.size();
    while (end > start && is_space(piece.text[end - 1]))
        --end;
    return piece.sub(start, end - start);
}

// Splits off the first word; `rest` is what follows it, trimmed.
Piece first_word(Piece piece, Piece* rest) {
    std::size_t end = 0;
    while (end < piece.text.size() && !is_space(piece.text[end]))
        ++end;
    *rest = trimmed(piece.sub(end));
    return piece.sub(0, end);
}

CronError field_count_error(Piece line, std::size_t count, Piece seventh) {
    if (count == 5)
        return {line.offset, line.text.size(),
                "this line has five fields; a schedule has six, the seconds come first",
                fmt::format("0 {}", printable(line.text, limits::kScheduleBytes))};
    if (count < 5)
        return {line.offset + line.text.size(), 0,
                fmt::format("this line has {} field{}; a schedule has six", count,
                            count == 1 ? "" : "s"),
                "second minute hour day-of-month month day-of-week, or a word such as @daily"};
    return {seventh.offset, seventh.text.size(),
            count == 7 ? "this line has seven fields; a schedule has six, without a year"
                       : fmt::format("this line has {} fields; a schedule has six", count),
            "second minute hour day-of-month month day-of-week"};
}

RuleResult parse_fields(Piece line, const ParseOptions& options) {
    std::array<Piece, kFieldCount> pieces;
    std::size_t count = 0;
    Piece seventh;
    for (Piece rest = line; !rest.text.empty(); ++count) {
        if (count == kFieldCount) seventh = rest;
        const Piece word = first_word(rest, &rest);
        if (count < kFieldCount) pieces[count] = word;
    }
    if (count != kFieldCount) return std::unexpected(field_count_error(line, count, seventh));
    Fields fields;
    fields.dst = options.dst;
    for (std::size_t i = 0; i < kFieldCount; ++i) {
        const auto result =
            parse_field(static_cast<FieldIndex>(i), pieces[i], options.name_seed, fields);
        if (!result) return std::unexpected(result.error());
    }
    if (!chooses_some_day(fields)) {
        const std::size_t day = pieces[3].offset - line.offset;
        const Piece end = pieces[5];
        return fault(line.sub(day, end.offset + end.text.size() - line.offset - day),
                     "this schedule never runs: no month it names has such a day",
                     "L is the last day of a month");
    }
    return fields;
}

RuleResult parse_every(Piece value) {
    if (value.text.empty())
        return fault(value, "@every needs a duration", "such as @every 90s or @every 1h30m");
    const auto period = parse_duration(value.text);
    if (!period) return fault(value, period.error());
    if (*period < 1s)
        return fault(value, "an interval of less than a second is not possible",
                     "the shortest is @every 1s");
    if (period->count() % 1000000 != 0)
        return fault(
            value, "an interval is a whole number of seconds",
            fmt::format("such as @every {}",
                        format_duration(std::chrono::ceil<std::chrono::seconds>(*period))));
    return Every{period->count() / 1000000};
}

std::expected<std::int64_t, CronError> parse_whole_second(Piece value) {
    const auto time = parse_rfc3339(value.text);
    if (!time) return fault(value, time.error());
    if (time->floor_second() != *time)
        return fault(value, "the time of a schedule is a whole second", "leave the fraction out");
    return time->seconds();
}

RuleResult parse_at(Piece value) {
    if (value.text.empty())
        return fault(value, "@at needs a time", "such as @at 2026-01-31T08:30:00Z");
    const auto time = parse_whole_second(value);
    if (!time) return std::unexpected(time.error());
    return At{*time};
}

RuleResult parse_after(Piece value) {
    const std::size_t mark = value.text.find('<');
    if (mark == std::string_view::npos)
        return fault(value, "@after needs a time and how late it may become, marked by '<'",
                     std::string(kAfterForm));
    const Piece time_piece = trimmed(value.sub(0, mark));
    if (time_piece.text.empty())
        return fault(value, "@after needs a time before the '<'", std::string(kAfterForm));
    const auto time = parse_whole_second(time_piece);
    if (!time) return std::unexpected(time.error());
    const Piece grace_piece = trimmed(value.sub(mark + 1));
    const auto grace = parse_iso_duration(grace_piece.text, *time);
    if (!grace) return fault(grace_piece, grace.error(), std::string(kAfterForm));
    return After{*time, *grace};
}

RuleResult parse_word(Piece line, const ParseOptions& options) {
    Piece rest;
    const Piece word = first_word(line, &rest);
    const auto is = [&](std::string_view name) { return equals_ignoring_case(word.text, name); };
    if (is("@every")) return parse_every(rest);
    if (is("@at")) return parse_at(rest);
    if (is("@after")) return parse_after(rest);
    const auto found =
        std::ranges::find_if(kPredefined, [&](const Predefined& p) { return is(p.name); });
    const bool known = found != kPredefined.end() || is("@oneway") || is("@manually");
    if (!known)
        return fault(word, fmt::format("'{}' is not a schedule", printable(word.text)),
                     is("@reboot") ? "@oneway runs once, when the job is saved"
                                   : fmt::format("the words are {}", kWords));
    if (!rest.text.empty())
        return fault(rest, fmt::format("nothing can follow {}", printable(word.text)));
    if (is("@oneway")) return OneWay{};
    if (is("@manually")) return Manual{};
    return parse_fields({found->fields, word.offset}, options);
}

// Takes a `TZ=` or `CRON_TZ=` off the line; an empty piece when there is none.
Piece take_zone_prefix(Piece* line) {
    for (const std::string_view prefix : {"TZ=", "CRON_TZ="}) {
        if (!line->text.starts_with(prefix)) continue;
        const Piece word = first_word(*line, line);
        return word.sub(prefix.size());
    }
    return {};
}

}  // namespace

std::expected<Schedule, CronError> Schedule::parse(std::string_view text,
                                                   const ParseOptions& options) {
    if (text.size() > limits::kScheduleBytes)
        return fault({text.substr(limits::kScheduleBytes), limits::kScheduleBytes},
                     fmt::format("a schedule is at most {} bytes long", limits::kScheduleBytes));
    Piece line = trimmed({text, 0});
    const Piece prefix = take_zone_prefix(&line);
    const bool has_prefix = prefix.offset != 0;
    if (has_prefix && prefix.text.empty())
        return fault(prefix, "a time zone is missing after the '='", "such as TZ=Europe/Paris");
    if (has_prefix && line.text.empty())
        return fault(line, "a schedule is missing after the time zone");
    const auto zone = zone::Zone::find(has_prefix ? prefix.text : options.timezone);
    if (!zone) return fault(prefix, zone.error(), "an IANA name such as Europe/Paris or UTC");
    if (line.text.empty()) return Schedule(Manual{}, **zone);
    const RuleResult rule =
        line.text[0] == '@' ? parse_word(line, options) : parse_fields(line, options);
    if (!rule) return std::unexpected(rule.error());
    const Fields* fields = std::get_if<Fields>(&*rule);
    if (fields != nullptr && !tick_at_or_after(*fields, **zone, kYear2100))
        return fault(line, "this schedule never runs: the change of clocks always hides its time",
                     "choose another hour, or another dst policy");
    return Schedule(*rule, **zone);
}

std::string to_string(const CronError& error) {
    return error.hint.empty() ? error.message : error.message + "; " + error.hint;
}

}  // namespace khronos::cron

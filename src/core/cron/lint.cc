#include "core/cron/lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "core/cron/civil.h"
#include "core/cron/local_search.h"
#include "core/cron/ticks.h"
#include "core/cron/words.h"

namespace khronos::cron {
namespace {

constexpr std::int64_t kYearSeconds = 366 * kDaySeconds;

std::string local_clock(std::int64_t local) {
    return clock_time(local - floor_div(local, kDaySeconds) * kDaySeconds);
}

std::string local_date(std::int64_t local) {
    const CivilDate date = civil_from_days(floor_div(local, kDaySeconds));
    return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

// The chosen local times in [from, to): "02:30:00 does not exist", "02:00:00 to 02:45:00 do not".
struct Hit {
    std::int64_t first;
    std::int64_t last;
    std::string times() const {
        return first == last ? local_clock(first)
                             : fmt::format("{} to {}", local_clock(first), local_clock(last));
    }
    std::string_view verb(std::string_view one, std::string_view many) const {
        return first == last ? one : many;
    }
};
std::optional<Hit> chosen_between(const Fields& fields, std::int64_t from, std::int64_t to) {
    const std::int64_t first = next_local(fields, from, to);
    if (first >= to) return std::nullopt;
    return Hit{first, prev_local(fields, to - 1, from)};
}

// Nothing is said of an elastic schedule under its own policy: nothing of it is lost or moved.
void remark_gap(const Fields& fields, const zone::Zone& zone, const zone::Segment& segment,
                std::int64_t start, std::vector<std::string>& remarks) {
    if (fields.is_elastic() && fields.dst.gap == GapRule::automatic) return;
    const std::int64_t end = start + segment.offset;
    const std::optional<Hit> hit = chosen_between(fields, end - segment.shift, end);
    if (!hit) return;
    const bool runs = fields.runs_in_gap() && segment.shift <= kLongestGapRunSeconds;
    const std::string_view once = hit->first == hit->last ? "" : " once";
    remarks.push_back(fmt::format(
        "{} {} on {} in {}: {}", hit->times(), hit->verb("does not exist", "do not exist"),
        local_date(hit->first), zone.name(),
        runs ? fmt::format("{}{} at {}", hit->verb("runs", "run"), once, local_clock(end))
             : std::string(hit->verb("does not run", "do not run"))));
}

void remark_overlap(const Fields& fields, const zone::Zone& zone, const zone::Segment& segment,
                    std::int64_t start, std::vector<std::string>& remarks) {
    if (fields.is_elastic() && fields.dst.overlap == OverlapRule::automatic) return;
    const std::int64_t from = start + segment.offset;
    const std::optional<Hit> hit = chosen_between(fields, from, from - segment.shift);
    if (!hit) return;
    const std::string_view which = !fields.runs_second_copy()  ? "the first time"
                                   : !fields.runs_first_copy() ? "the second time"
                                                               : "both times";
    remarks.push_back(fmt::format("{} {} twice on {} in {}: {} {}", hit->times(),
                                  hit->verb("comes", "come"), local_date(hit->first), zone.name(),
                                  hit->verb("runs", "run"), which));
}

void remark_changes(const Fields& fields, const zone::Zone& zone, std::int64_t from,
                    std::vector<std::string>& remarks) {
    const std::int64_t cycles = zone.cycles_past_table(from) * zone::kCycleSeconds;
    const auto segments = zone.segments();
    for (std::size_t i = zone.segment_at(from - cycles) + 1; i < segments.size(); ++i) {
        const std::int64_t start = segments[i].start + cycles;
        if (start > from + kYearSeconds) return;
        if (segments[i].shift > 0) remark_gap(fields, zone, segments[i], start, remarks);
        if (segments[i].shift < 0) remark_overlap(fields, zone, segments[i], start, remarks);
    }
}

void remark_days(const Fields& fields, std::vector<std::string>& remarks) {
    if (fields.day_restricted && fields.weekday_restricted) {
        const bool all = fields.days == kAllDays || fields.weekdays == kAllWeekdays;
        remarks.push_back(fmt::format(
            "day of month and day of week are both given: a day that fits either one is enough{}",
            all ? ", so it runs every day" : "; write * or ? in one of them if that is not meant"));
        return;
    }
    if (!fields.day_restricted || (fields.days_from_end | fields.near_weekdays) != 0) return;
    const int day = std::countr_zero(fields.days);
    int months = 0;
    for (const int month : values_of(fields.months)) months += day <= days_in_month(false, month);
    const int named = std::popcount(fields.months);
    if (months == named) return;
    if (months == 0) {
        remarks.emplace_back("29 February exists only in leap years");
    } else {
        remarks.push_back(fmt::format(
            "day {} exists in only {} of the {} months; L is the last day of every month", day,
            months, named));
    }
}

void remark_step(std::uint64_t mask, int size, std::string_view unit, std::string_view whole,
                 std::vector<std::string>& remarks) {
    const std::optional<int> step = step_of(mask, size);
    if (!step || size % *step == 0 || std::popcount(mask) < 3) return;
    remarks.push_back(
        fmt::format("steps of {} {} start again with every {}: the last one is {} {} long", *step,
                    unit, whole, size % *step, size % *step == 1 ? unit.substr(0, unit.size() - 1)
                                                                : unit));
}

void remark_fields(const Fields& fields, std::vector<std::string>& remarks) {
    remark_days(fields, remarks);
    if (fields.wide_step)
        remarks.emplace_back("a step is larger than its field: it chooses the first value only");
    remark_step(fields.seconds, 60, "seconds", "minute", remarks);
    remark_step(fields.minutes, 60, "minutes", "hour", remarks);
    remark_step(fields.hours, 24, "hours", "day", remarks);
}

}  // namespace

std::vector<std::string> lint(const Schedule& schedule, WallTime from) {
    std::vector<std::string> remarks;
    if (const Fields* fields = schedule.fields()) {
        const std::optional<WallTime> next = schedule.next(from, from);
        if (!next) {
            remarks.emplace_back("does not run in the next hundred years");
        } else if (next->seconds() - from.seconds() > kYearSeconds) {
            remarks.push_back(fmt::format("runs next on {}", zone::to_rfc3339(*next, schedule.zone())));
        }
        remark_changes(*fields, schedule.zone(), from.seconds(), remarks);
        remark_fields(*fields, remarks);
    } else if (schedule.kind() == Kind::at || schedule.kind() == Kind::after) {
        const WallTime end = from - schedule.grace().value_or(Duration(0));
        if (!schedule.next(end - Duration(1), from))
            remarks.emplace_back("the time of this schedule has passed");
    }
    if (remarks.size() > kMaxRemarks) remarks.resize(kMaxRemarks);
    return remarks;
}

}  // namespace khronos::cron

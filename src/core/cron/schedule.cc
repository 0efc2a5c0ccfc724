#include "core/cron/schedule.h"

#include <algorithm>

#include "core/cron/civil.h"
#include "core/cron/ticks.h"

namespace khronos::cron {
namespace {

constexpr std::int64_t kFirstSecond = -62135596800;  // 0001-01-01T00:00:00Z
constexpr std::int64_t kLastSecond = 253402300799;   // 9999-12-31T23:59:59Z

std::optional<WallTime> in_calendar(std::optional<std::int64_t> tick) {
    if (!tick || *tick < kFirstSecond || *tick > kLastSecond) return std::nullopt;
    return WallTime::from_seconds(*tick);
}

std::optional<WallTime> every_at_or_after(Every every, std::int64_t anchor, std::int64_t from) {
    if (from <= anchor) from = anchor + 1;
    const std::int64_t k = (from - anchor - 1) / every.period_s + 1;
    return in_calendar(anchor + k * every.period_s);
}

std::optional<WallTime> every_at_or_before(Every every, std::int64_t anchor, std::int64_t from) {
    if (from < anchor + every.period_s) return std::nullopt;
    return in_calendar(from - (from - anchor) % every.period_s);
}

// The tick of @at and @after.
std::optional<std::int64_t> single_tick(const Schedule::Rule& rule) {
    if (const At* at = std::get_if<At>(&rule)) return at->at_s;
    if (const After* after = std::get_if<After>(&rule)) return after->at_s;
    return std::nullopt;
}

std::int64_t anchor_second(WallTime anchor) {
    return std::clamp(anchor.seconds(), kFirstSecond, kLastSecond);
}

}  // namespace

std::optional<WallTime> Schedule::next(WallTime after, WallTime anchor) const {
    const std::int64_t from = after < WallTime{} ? kFirstSecond : after.seconds() + 1;
    if (from > kLastSecond) return std::nullopt;
    if (const Fields* fields = std::get_if<Fields>(&rule_)) [[likely]]
        return in_calendar(tick_at_or_after(*fields, *zone_, from));
    if (const Every* every = std::get_if<Every>(&rule_))
        return every_at_or_after(*every, anchor_second(anchor), from);
    const std::optional<std::int64_t> tick = single_tick(rule_);
    return tick && *tick >= from ? in_calendar(tick) : std::nullopt;
}

std::optional<WallTime> Schedule::prev(WallTime before, WallTime anchor) const {
    if (before <= WallTime{}) return std::nullopt;  // the first second of the calendar
    const std::int64_t from = std::min((before - Duration(1)).seconds(), kLastSecond);
    if (const Fields* fields = std::get_if<Fields>(&rule_)) [[likely]]
        return in_calendar(tick_at_or_before(*fields, *zone_, from));
    if (const Every* every = std::get_if<Every>(&rule_))
        return every_at_or_before(*every, anchor_second(anchor), from);
    const std::optional<std::int64_t> tick = single_tick(rule_);
    return tick && *tick <= from ? in_calendar(tick) : std::nullopt;
}

bool Schedule::matches(WallTime t, WallTime anchor) const {
    return t.floor_second() == t && next(t - Duration(1), anchor) == t;
}

std::optional<Duration> Schedule::grace() const {
    const After* rule = std::get_if<After>(&rule_);
    if (rule == nullptr) return std::nullopt;
    return std::chrono::seconds(rule->grace_s);
}

}  // namespace khronos::cron

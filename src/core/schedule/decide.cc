#include "core/schedule/decide.h"

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"

namespace khronos::core {
namespace {

struct Count {
    std::uint32_t ticks = 0;
    bool is_floor = false;
};

// Ticks from `first` (a tick) to `last` (a tick), both included. Counting is bounded; a longer
// range is known by its ends and "at least".
Count count_ticks(const Era& era, WallTime first, WallTime last) {
    if (const auto* every = std::get_if<cron::Every>(&era.schedule.rule())) {
        const std::int64_t count = (last.seconds() - first.seconds()) / every->period_s + 1;
        const auto bounded = std::min<std::int64_t>(count, UINT32_MAX);
        return {static_cast<std::uint32_t>(bounded), bounded < count};
    }
    Count count{1, false};
    for (WallTime t = first; t < last; ++count.ticks) {
        if (count.ticks == limits::kCountedRange) {
            count.is_floor = true;
            break;
        }
        const auto next = era.next(t);
        CHECK(next.has_value());
        t = *next;
    }
    return count;
}

TickDecision range(const Era& era, TickDecision::Kind kind, Reason reason, WallTime first,
                   WallTime last) {
    TickDecision decision;
    decision.kind = kind;
    decision.reason = reason;
    decision.at = last;
    if (first < last) {
        const Count count = count_ticks(era, first, last);
        decision.range_from = first;
        decision.count = count.ticks;
        decision.count_is_floor = count.is_floor;
    }
    return decision;
}

WallTime after_of(WallTime t) { return WallTime{t.us + 1}; }

}  // namespace

Decided decide(const Era& era, WallTime lower, WallTime upper, const MisfireRules& rules,
               std::size_t room) {
    CHECK(room >= 2);
    Decided result;
    upper = std::min(upper, era.until);
    result.up_to = upper;
    auto next = era.next(lower);
    if (!next || *next > upper) return result;

    if (era.disabled) {
        const auto last = era.prev(after_of(upper));
        CHECK(last.has_value());
        result.ticks.push_back(
            range(era, TickDecision::Kind::skip, Reason::disabled, *next, *last));
        return result;
    }

    // The missed ones first: all lie before those that are merely late.
    const WallTime first = *next;
    const auto last_missed = era.prev(std::min(rules.missed_before, after_of(upper)));
    if (last_missed && *last_missed >= first) {
        switch (rules.policy) {
            case Misfire::skip:
                result.ticks.push_back(range(era, TickDecision::Kind::skip, Reason::misfire_skip,
                                             first, *last_missed));
                break;
            case Misfire::once:
            case Misfire::unknown: {
                const auto before = era.prev(*last_missed);
                if (before && *before >= first) {
                    TickDecision merged = range(era, TickDecision::Kind::coalesce,
                                                Reason::misfire_once, first, *before);
                    merged.coalesced_into = *last_missed;
                    result.ticks.push_back(merged);
                }
                result.ticks.push_back(
                    {TickDecision::Kind::fire, Reason::caught_up, *last_missed, {}, 1, false, {}});
                break;
            }
            case Misfire::all: {
                // The latest `limit` run; found from the end, so that it is the same set for a
                // successor that goes on in the middle.
                WallTime oldest = *last_missed;
                std::uint32_t kept = rules.limit == 0 ? 0 : 1;
                while (kept != 0 && kept < rules.limit) {
                    const auto before = era.prev(oldest);
                    if (!before || *before < first) break;
                    oldest = *before;
                    ++kept;
                }
                const auto dropped = kept == 0 ? last_missed : era.prev(oldest);
                if (dropped && *dropped >= first)
                    result.ticks.push_back(range(era, TickDecision::Kind::skip,
                                                 Reason::misfire_limit, first, *dropped));
                for (std::optional<WallTime> t = oldest; kept != 0 && t && *t <= *last_missed;
                     t = era.next(*t)) {
                    if (result.ticks.size() == room) {
                        result.up_to = result.ticks.back().at;
                        return result;
                    }
                    result.ticks.push_back(
                        {TickDecision::Kind::fire, Reason::caught_up, *t, {}, 1, false, {}});
                }
                break;
            }
        }
        next = era.next(*last_missed);
    }

    for (; next && *next <= upper; next = era.next(*next)) {
        if (result.ticks.size() == room) {
            result.up_to = result.ticks.back().at;
            return result;
        }
        const Reason reason = *next < rules.late_before ? Reason::late : Reason::none;
        result.ticks.push_back({TickDecision::Kind::fire, reason, *next, {}, 1, false, {}});
    }
    return result;
}

}  // namespace khronos::core

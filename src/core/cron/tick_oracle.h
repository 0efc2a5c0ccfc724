// For tests: the ticks of a cron line the slow way. Walks every second of the local calendar that
// the fields name, asks the time-zone library where that local time lies, and applies the rule for
// changed clocks as it is written down. Shares no code with the search by masks.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/cron/fields.h"

namespace khronos::cron {

struct OracleSpec {
    std::set<int> seconds, minutes, hours, days, months, weekdays;
    bool day_restricted = false;
    bool weekday_restricted = false;
    std::set<int> from_end;                     // L-n
    std::set<int> near;                         // nW, 0 is LW
    std::set<std::pair<int, int>> nth_weekdays;  // {day, n}; n = 0 is the last
    DstPolicy dst;
};

inline bool oracle_day_matches(const OracleSpec& spec, absl::CivilDay day) {
    if (!spec.months.contains(day.month())) return false;
    const auto weekday_of = [](absl::CivilDay d) {
        const int from_monday = static_cast<int>(absl::GetWeekday(d));
        return (from_monday + 1) % 7;
    };
    const absl::CivilDay last = absl::CivilDay(absl::CivilMonth(day) + 1) - 1;
    const auto is_working = [&](absl::CivilDay d) {
        return weekday_of(d) >= 1 && weekday_of(d) <= 5;
    };
    const auto nearest = [&](absl::CivilDay wanted) {
        for (const int step : {0, -1, 1, -2, 2}) {
            const absl::CivilDay d = wanted + step;
            if (d.month() == wanted.month() && is_working(d)) return d;
        }
        return wanted;
    };
    bool by_day = spec.days.contains(day.day());
    for (const int n : spec.from_end) by_day |= last - n == day;
    for (const int n : spec.near) {
        if (n == 0) {
            absl::CivilDay d = last;
            while (!is_working(d)) --d;
            by_day |= d == day;
        } else if (n <= last.day()) {
            by_day |= nearest(absl::CivilDay(day.year(), day.month(), n)) == day;
        }
    }
    bool by_weekday = spec.weekdays.contains(weekday_of(day));
    for (const auto& [weekday, n] : spec.nth_weekdays) {
        if (weekday != weekday_of(day)) continue;
        by_weekday |= n == 0 ? day.day() + 7 > last.day() : (day.day() + 6) / 7 == n;
    }
    if (spec.day_restricted && spec.weekday_restricted) return by_day || by_weekday;
    if (spec.day_restricted) return by_day;
    if (spec.weekday_restricted) return by_weekday;
    return true;
}

// All ticks in [from, to), in order.
inline std::vector<std::int64_t> oracle_ticks(const OracleSpec& spec, absl::TimeZone tz,
                                              std::int64_t from, std::int64_t to) {
    const bool elastic = spec.hours.size() == 24;
    GapRule gap = spec.dst.gap;
    if (gap == GapRule::automatic) gap = elastic ? GapRule::skip : GapRule::run;
    OverlapRule overlap = spec.dst.overlap;
    if (overlap == OverlapRule::automatic)
        overlap = elastic ? OverlapRule::both : OverlapRule::first;
    std::set<std::int64_t> ticks;
    const auto add = [&](absl::Time t) {
        const std::int64_t s = absl::ToUnixSeconds(t);
        if (s >= from && s < to) ticks.insert(s);
    };
    const absl::CivilDay first = absl::CivilDay(tz.At(absl::FromUnixSeconds(from)).cs) - 2;
    const absl::CivilDay last = absl::CivilDay(tz.At(absl::FromUnixSeconds(to)).cs) + 2;
    for (absl::CivilDay day = first; day <= last; ++day) {
        if (!oracle_day_matches(spec, day)) continue;
        for (const int h : spec.hours)
            for (const int m : spec.minutes)
                for (const int s : spec.seconds) {
                    const absl::CivilSecond local(day.year(), day.month(), day.day(), h, m, s);
                    const auto info = tz.At(local);
                    switch (info.kind) {
                        case absl::TimeZone::TimeInfo::UNIQUE: add(info.pre); break;
                        case absl::TimeZone::TimeInfo::SKIPPED:
                            if (gap == GapRule::run && info.pre - info.post <= absl::Hours(3))
                                add(info.trans);
                            break;
                        case absl::TimeZone::TimeInfo::REPEATED:
                            if (overlap != OverlapRule::second) add(info.pre);
                            if (overlap != OverlapRule::first) add(info.post);
                            break;
                    }
                }
    }
    return {ticks.begin(), ticks.end()};
}

}  // namespace khronos::cron

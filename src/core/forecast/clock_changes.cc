#include "core/forecast/clock_changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/cron/lint.h"
#include "core/schedule/era.h"

namespace khronos::core {

std::vector<std::string> clock_changes(const Job& job, WallTime from, WallTime until) {
    const auto schedule = compile(job.spec);
    if (!schedule || !schedule->fields() || job.spec.disabled) return {};
    std::set<std::string> days;
    for (const zone::Segment& segment : schedule->zone().segments()) {
        if (segment.start > until.seconds()) break;
        if (segment.start <= from.seconds() || segment.shift == 0) continue;
        // The day as the local clock has it, just before and just after.
        for (const std::int64_t local :
             {segment.start + segment.offset - segment.shift, segment.start + segment.offset})
            days.insert(to_rfc3339(WallTime::from_seconds(local)).substr(0, 10));
    }
    std::vector<std::string> all;
    if (days.empty()) return all;
    for (const std::string& remark : cron::lint(*schedule, from))
        if (std::ranges::any_of(
                days, [&](const std::string& day) { return remark.find(day) != remark.npos; }))
            all.push_back(fmt::format("{}: {}", job.spec.name, remark));
    return all;
}

}  // namespace khronos::core

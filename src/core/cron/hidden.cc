#include "core/cron/hidden.h"

#include <algorithm>

#include "base/limits.h"
#include "core/cron/local_search.h"

namespace khronos::cron {
namespace {

std::uint32_t count_between(const Fields& fields, std::int64_t from, std::int64_t to) {
    std::uint32_t count = 0;
    for (std::int64_t local = next_local(fields, from, to);
         local < to && count < limits::kCountedRange; local = next_local(fields, local + 1, to))
        ++count;
    return count;
}

}  // namespace

std::optional<HiddenTicks> next_hidden(const Schedule& schedule, WallTime after, WallTime upto) {
    const Fields* fields = schedule.fields();
    if (fields == nullptr || fields->is_elastic() || after >= upto) return std::nullopt;
    const zone::Zone& zone = schedule.zone();
    const std::int64_t start = std::max(after, WallTime{}).seconds();
    // Bounded like next(): whoever asks about more asks again.
    const std::int64_t end = std::min(upto.seconds(), start + kHorizonSeconds);
    const std::int64_t cycles = zone.cycles_past_table(start) * zone::kCycleSeconds;
    const auto segments = zone.segments();
    for (std::size_t i = zone.segment_at(start - cycles) + 1; i < segments.size(); ++i) {
        const zone::Segment& segment = segments[i];
        if (segment.start + cycles > end) break;
        const bool runs = fields->runs_in_gap() && segment.shift <= kLongestGapRunSeconds;
        if (segment.shift <= 0 || runs) continue;
        const std::int64_t exists_from = segment.start + segment.offset;
        const std::uint32_t count =
            count_between(*fields, exists_from - segment.shift, exists_from);
        if (count > 0) return HiddenTicks{WallTime::from_seconds(segment.start + cycles), count};
    }
    return std::nullopt;
}

}  // namespace khronos::cron

// Which ticks a record decides: its own, or a range of them.
#pragma once

#include <cstdint>

#include <fmt/format.h>

#include "base/limits.h"
#include "core/model/execution.h"
#include "core/verify/finding.h"

namespace khronos::verify {

inline WallTime first_of(const core::Execution& record) {
    return record.range_from.is_set() ? record.range_from : record.scheduled_at;
}

// Marks what `record` decides of `ticks`, which are all that were due then, in order, and tells
// what is wrong with that (I1). A tick has `at` and `covered`; `each` is called with every one.
template <class Ticks, class Each>
void cover(Ticks&& ticks, const core::Execution& record, const Tell& tell, Each each) {
    const WallTime first = first_of(record);
    const WallTime last = record.scheduled_at;
    const std::string id = core::to_text(record.id);
    std::uint32_t covered = 0;
    bool first_is_tick = false;
    bool last_is_tick = false;
    for (auto& tick : ticks) {
        if (tick.at < first || tick.at > last) continue;
        ++covered;
        first_is_tick |= tick.at == first;
        last_is_tick |= tick.at == last;
        if (tick.covered)
            tell("I1", fmt::format("the tick {} was decided twice: {}", to_rfc3339(tick.at), id));
        tick.covered = true;
        each(tick);
    }
    if (!first_is_tick || !last_is_tick)
        tell("I1", fmt::format("{} was decided, but {} is no tick that was due then", id,
                               to_rfc3339(first_is_tick ? last : first)));
    const bool counted =
        record.range_count_is_floor
            ? record.range_count <= covered && record.range_count >= limits::kCountedRange
            : record.range_count == covered;
    if (!counted)
        tell("I1",
             fmt::format("{} stands for {} ticks and says {}", id, covered, record.range_count));
}

}  // namespace khronos::verify

// What becomes of the due ticks of one job: fire, skip or coalesce, by 2-semantics "Missed
// ticks". Pure arithmetic over the schedule; concurrency is looked at by the engine, which knows
// what runs.
#pragma once

#include <cstddef>
#include <vector>

#include "core/model/execution.h"
#include "core/schedule/era.h"

namespace khronos::core {

struct TickDecision {
    enum class Kind : std::uint8_t { fire, skip, coalesce };
    Kind kind = Kind::fire;
    Reason reason = Reason::none;
    WallTime at;          // the tick; of a range: its last
    WallTime range_from;  // of a range: its first tick; unset: one tick
    std::uint32_t count = 1;
    bool count_is_floor = false;  // counting stopped at limits::kCountedRange
    WallTime coalesced_into;
    bool operator==(const TickDecision&) const = default;
};

struct MisfireRules {
    Misfire policy = Misfire::once;
    std::uint32_t limit = 100;  // of policy `all`
    WallTime missed_before;     // a tick t < missed_before is missed; later ones are at most late
    WallTime late_before;       // a fired tick t < late_before is recorded as late
};

struct Decided {
    std::vector<TickDecision> ticks;  // in time order
    // Everything of the era up to here is decided: `upper`, or earlier when there was no room.
    WallTime up_to;
};

// Decides the ticks t of `era` with lower < t <= upper, at most `room` (>= 2) records. A range that
// is coalesced into a tick comes together with it. Bounded work, however long the range.
Decided decide(const Era& era, WallTime lower, WallTime upper, const MisfireRules& rules,
               std::size_t room);

}  // namespace khronos::core

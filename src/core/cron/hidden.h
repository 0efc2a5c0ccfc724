// Ticks that a change of clocks took away: what the decision log has to say about a skipped day.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "core/cron/schedule.h"

namespace khronos::cron {

// Local times that the schedule names, that do not exist, and that the policy does not run: a gap
// of more than three hours, or a job with `dst: {gap: skip}`.
struct HiddenTicks {
    WallTime at;              // when the clocks were changed; a tick of its own may lie there too
    std::uint32_t count = 0;  // how many local times, up to limits::kCountedRange
    bool operator==(const HiddenTicks&) const = default;
};

// The first such change in (after, upto]. A schedule of all 24 hours loses nothing and has none.
std::optional<HiddenTicks> next_hidden(const Schedule& schedule, WallTime after, WallTime upto);

}  // namespace khronos::cron

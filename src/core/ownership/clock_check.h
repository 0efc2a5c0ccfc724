// Whether this agent's clock may decide ticks: not when most agents' clocks are another one's.
#pragma once

#include <span>

#include "base/time.h"

namespace khronos::core {

inline constexpr Duration kClockTolerance = std::chrono::seconds(1);

// `ahead` has, for each other live agent, how far our wall clock is ahead of its (negative:
// behind). True when more than half of all agents, this one included, are farther off than
// kClockTolerance; of two that differ it is the one that `stepped` since they agreed, and where
// neither did, nobody can say which is wrong.
bool clock_is_off(std::span<const Duration> ahead, bool stepped);

}  // namespace khronos::core

// What the changes of the clocks do to a job in a stretch of time.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "core/model/job.h"

namespace khronos::core {

// A sentence for each tick that a change of the clocks between `from` and `until` moves, leaves out
// or doubles: "night: 02:30:00 does not exist on ...". None of a disabled job.
std::vector<std::string> clock_changes(const Job& job, WallTime from, WallTime until);

}  // namespace khronos::core

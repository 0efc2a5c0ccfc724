// Remarks about a schedule that is valid but may surprise.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "core/cron/schedule.h"

namespace khronos::cron {

// One sentence each, the most important first, at most kMaxRemarks. Clock changes are looked for
// in the 366 days from `from`: "02:30:00 does not exist on 2027-03-28 in Europe/Paris: runs at
// 03:00:00".
inline constexpr std::size_t kMaxRemarks = 8;
std::vector<std::string> lint(const Schedule& schedule, WallTime from);

}  // namespace khronos::cron

// When a job runs next by its schedule: the one function behind every answer that says so.
#pragma once

#include "core/model/job.h"

namespace khronos::cluster {

// The first tick after `now` at which the job will run; unset (kNever) for a disabled job and one
// that has no tick to come.
WallTime next_run(const core::Job& job, WallTime now);

}  // namespace khronos::cluster

// Whether a JobSpec can be saved: every problem at once, each with its field.
#pragma once

#include <vector>

#include "base/error.h"
#include "core/model/job.h"

namespace khronos::core {

// In the order in which Dkron reports them (name, parent, schedule, concurrency, timezone,
// executor), then our own fields. `now` judges `@at` in the past. Messages of the shared fields
// are Dkron's words, because its clients show them.
std::vector<Error> validate(const JobSpec& spec, WallTime now, Duration misfire_threshold);

}  // namespace khronos::core

// When a job document is due: what of it the scheduler looks at.
#pragma once

#include <boost/json/value.hpp>
#include <expected>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/model/job.h"
#include "core/schedule/era.h"

namespace khronos::cli {

// The job as the scheduler would have it from `now` on. `@every` keeps the phase that the
// document's `next` tells; a new one counts from `now`. The error names the field.
std::expected<core::Job, std::string> scheduled_job(const boost::json::value& document,
                                                    WallTime now);

// Its ticks with from < t <= until, in order, at most `most`. None while it is disabled.
std::expected<std::vector<WallTime>, std::string> ticks_of(const core::Job& job, WallTime from,
                                                           WallTime until, std::size_t most);

}  // namespace khronos::cli

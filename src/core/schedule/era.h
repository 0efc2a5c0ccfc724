// A stretch of time in which one version of a job decides: ticks t with from < t <= until.
#pragma once

#include <expected>
#include <optional>
#include <vector>

#include "base/error.h"
#include "core/cron/schedule.h"
#include "core/model/job.h"

namespace khronos::core {

struct Era {
    Generation generation;
    WallTime from;
    WallTime until = WallTime::max();
    cron::Schedule schedule;
    WallTime anchor;
    WallTime starts_at;
    WallTime expires_at;
    bool disabled = false;

    // The first tick after `after` that belongs to this era, whether disabled or not.
    std::optional<WallTime> next(WallTime after) const;
    // The last tick before `before` that belongs to this era.
    std::optional<WallTime> prev(WallTime before) const;
};

// The schedule of a job's present version; the error names the field.
std::expected<cron::Schedule, Error> compile(const JobSpec& spec);
Era era_of(const Job& job, const cron::Schedule& schedule);
// The eras of job.past that end after `decided`, oldest first. One that no longer compiles is left out.
std::vector<Era> past_eras(const Job& job, WallTime decided);

}  // namespace khronos::core

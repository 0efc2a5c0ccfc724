// How a saved spec becomes the next version of its job, by 2-semantics "Deciding": a tick is
// decided by the version in force at its time.
#pragma once

#include <expected>
#include <optional>

#include "base/error.h"
#include "core/cron/schedule.h"
#include "core/model/job.h"
#include "core/model/shard.h"

namespace khronos::core {

// `wall` is the saver's clock, `cursor` the shard's, which the saving transaction compares.
Job first_version(JobSpec spec, JobUid uid, WallTime wall, const Cursor& cursor,
                  std::string saved_by);

// The error is ErrorKind::busy: too many changes of the schedule since the shard's cursor moved.
std::expected<Job, Error> next_version(const Job& old, JobSpec spec, WallTime wall,
                                       const Cursor& cursor, std::string saved_by);

// The trigger that saving the version writes at once: `@oneway`, and an `@at` or `@after` whose
// time has come. `previous` is the version before, if any: what ran by it does not run again.
std::optional<TriggerKey> immediate_trigger(const Job& job, const Job* previous, WallTime wall,
                                            Duration misfire_threshold, std::uint64_t nonce);

}  // namespace khronos::core

#include "cluster/next_run.h"

#include "core/schedule/era.h"

namespace khronos::cluster {

WallTime next_run(const core::Job& job, WallTime now) {
    if (job.spec.disabled) return {};
    const auto schedule = core::compile(job.spec);
    if (!schedule) return {};
    return core::era_of(job, *schedule).next(now).value_or(WallTime{});
}

}  // namespace khronos::cluster

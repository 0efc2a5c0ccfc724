// What one execution's record must be like, whenever it is looked at (I6, I11, I13, I14).
#pragma once

#include "core/model/execution.h"
#include "core/model/job.h"
#include "core/verify/finding.h"

namespace khronos::verify {

// By itself.
void check_shape(const core::Execution& record, const Tell& tell);
// Against the version of the job that it was decided by: not tried more often than that allows.
void check_caps(const core::Execution& record, const core::Job& version, const Tell& tell);

}  // namespace khronos::verify

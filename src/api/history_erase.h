// Forgets a job's ended executions and sets its counters to zero. What is open stays, and so does
// a decision that the shard's cursor has not passed: it is what keeps its tick from being decided
// again.
#pragma once

#include <string>

#include "api/services.h"

namespace khronos::api {

void erase_history(Services& services, std::string job_name, JobUid uid, Done<void> done);

}  // namespace khronos::api

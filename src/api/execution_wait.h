// Waits for an execution to be over.
#pragma once

#include <optional>

#include "api/services.h"
#include "core/model/execution.h"

namespace khronos::api {

// `done` gets the record once it has ended, or after `patience` as it is then; nothing where it is
// not decided by then. Watches the store, so that the end is known at once.
void wait_for_end(Services& services, const core::ExecutionId& id, Duration patience,
                  Done<std::optional<core::Execution>> done);

}  // namespace khronos::api

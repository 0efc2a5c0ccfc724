// The piece of a run's output that was asked for. Pure.
#pragma once

#include "wire/worker_link.h"
#include "worker/process_host.h"

namespace khronos::worker {

// Offsets count in head and tail as one text with a line in between that says how much is left
// out; with `as_written` in what was written, and a piece ends where a gap begins.
wire::OutputPart part_of(const Output& output, const wire::OutputQuery& query);

}  // namespace khronos::worker

// Executions as JSON: in Dkron v4's shape on its routes, and whole on ours.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/model/execution.h"
#include "core/zone/zone.h"

namespace khronos::api {

// Whether Dkron's clients see it: something that ran, runs, or was to run and is over. A tick that
// was decided not to run and an execution that waits for a worker are only on our own routes.
bool is_shown_as_run(const core::Execution& execution);

struct DkronExecution {
    const core::Execution& execution;
    std::string_view output;  // any bytes; JSON gets U+FFFD for what is no UTF-8
    // In lists only: whether `output` is not all there was.
    std::optional<bool> output_truncated;
    const khronos::zone::Zone& zone;  // in which times are written
};
// `finished_at` is 0001-01-01T00:00:00Z while it runs. The `id` is ours, not Dkron's
// `<nanoseconds>-<node>`: one row stands for all attempts, `attempt` says how many there were.
boost::json::object to_json(const DkronExecution& execution);

// Everything; times in UTC, null where something has not happened.
boost::json::object to_json(const core::Execution& execution);

std::string_view to_text(core::TriggerKind kind);  // `tick`, `manual`, ...

}  // namespace khronos::api

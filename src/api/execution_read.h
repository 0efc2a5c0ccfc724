// Executions out of the store. A record that this build cannot read is left out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/reply.h"
#include "api/services.h"
#include "core/model/execution.h"

namespace khronos::api {

// Of one job, newest first, at most `limit`.
void read_history(Services& services, JobUid uid, std::size_t limit,
                  Done<std::vector<core::Execution>> done);
void read_execution(Services& services, const core::ExecutionId& id,
                    Done<std::optional<core::Execution>> done);
// Finds the execution whose id is `text`, or answers 404 as our own routes do.
void with_execution(Services& services, std::shared_ptr<Reply> reply, std::string_view text,
                    std::move_only_function<void(core::Execution)> go_on);
// Those that are not ended, of all jobs, at most kOpenMax, in no order.
inline constexpr std::size_t kOpenMax = 1000;
void read_open(Services& services, Done<std::vector<core::Execution>> done);

// The kept output's last `limit` bytes: the worker's, or the tail in the record.
void read_output_tail(Services& services, const core::Execution& execution, std::size_t limit,
                      std::move_only_function<void(std::string)> done);

Error store_error(const store::ReadError& error);

}  // namespace khronos::api

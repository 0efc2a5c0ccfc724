// GET /v1/executions/:execution/output?follow: what a run writes, as it comes, until it is over.
#pragma once

#include <memory>

#include "api/reply.h"
#include "api/routes.h"

namespace khronos::api {

// Answers with a stream of events: `output` {attempt, offset, bytes, text}, `gap` where bytes
// were not kept, `attempt` where a retry begins, `end` with the execution as GET answers it. Their
// id is `<attempt>:<offset>` behind what was told; a Last-Event-ID goes on there.
void follow_output(Context& context, const Call& call, std::shared_ptr<Reply> reply);

// The longest front of `bytes` that does not end inside of a UTF-8 character.
std::size_t whole_characters(std::string_view bytes);

// What an execution's record keeps, as if it were all there is.
OutputPart part_of_tail(const core::Execution& execution, OutputRange range);

}  // namespace khronos::api

// The messages of core/model/messages.h as protocol buffers, both ways.
//
// What a newer peer says and this build does not know is never taken for something else: a message
// of an unknown kind is skipped, an unknown number of an enum becomes the value that does no harm
// (a held attempt runs, an outcome is a failure, a reason is none).
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "core/model/messages.h"
#include "khronos/worker/v1/worker.pb.h"
#include "wire/worker_link.h"

namespace khronos::wire {

namespace pb = khronos::worker::v1;

// Text that is not UTF-8 is made so: protocol buffers refuse it. A hello that would be longer than
// limits::kWireMessageBytes leaves out the ends of outputs; they can still be read.
pb::FromWorker to_proto(const core::FromWorker& message);
pb::ToWorker to_proto(const core::ToWorker& message);
pb::ReadOutput to_proto(std::uint64_t number, const OutputQuery& query);
pb::Output to_proto(std::uint64_t number, std::expected<OutputPart, Error> answer);

// nullopt: of another kind than core/model/messages.h has. The error says what is malformed.
std::expected<std::optional<core::FromWorker>, std::string> from_proto(pb::FromWorker&& message);
std::expected<std::optional<core::ToWorker>, std::string> from_proto(pb::ToWorker&& message);
std::expected<OutputQuery, std::string> from_proto(const pb::ReadOutput& question);
std::expected<OutputPart, Error> from_proto(pb::Output&& answer);

}  // namespace khronos::wire

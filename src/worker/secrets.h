// Secrets by reference: a job names a secret as `${secret:NAME}`, and the worker that runs it puts
// the value in at the last moment. So the value is in no record, journal, log or answer, and never
// on a command line, which others on the machine can read.
//
// Where a reference counts: in the values of shell's `env`, in http's `headers` and `body`.
// Elsewhere the text is left as it is (`${secret:1}` is also what bash makes of a variable).
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "core/model/messages.h"
#include "worker/process_host.h"

namespace khronos::worker {

// The value of a secret; the error says that there is none, and never what is in one.
using Secrets = std::function<std::expected<std::string, std::string>(std::string_view name)>;

// Letters, digits, `_`, `-`, `.`; at most 128; no `.` in front.
bool is_secret_name(std::string_view name);

// Every reference replaced by its value, once: a value is not looked through again.
std::expected<std::string, std::string> with_secrets(std::string_view text, const Secrets& secrets);

// The values of the environment.
std::expected<void, std::string> put_secrets(ProcessSpec& process, const Secrets& secrets);
// http's headers and body. In the headers a value is written as JSON, and may have no line break.
std::expected<void, std::string> put_secrets(core::RunSpec& spec, const Secrets& secrets);

}  // namespace khronos::worker

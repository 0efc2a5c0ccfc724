// What the end of a process means for its attempt. Pure.
#pragma once

#include <string>

#include "core/model/messages.h"
#include "worker/process_host.h"

namespace khronos::worker {

// `program`: argv[0], for the message; empty when it is not known any more.
core::RunResult process_result(const ProcessEnd& end, const std::string& program);

}  // namespace khronos::worker

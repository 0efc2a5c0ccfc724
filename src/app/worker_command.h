// `khronos worker`.
#pragma once

#include <string>
#include <vector>

namespace khronos::app {

// Blocks until it is told to stop; the exit status.
int worker_command(const std::vector<std::string>& arguments);

}  // namespace khronos::app

// `khronos agent`: from the command line to a running agent, and from a signal to its end.
#pragma once

#include <string>
#include <vector>

namespace khronos::app {

// `arguments`: what follows `khronos agent`. The process's exit status: 0 stopped as asked, 1 it
// could not start, 2 wrong usage or configuration.
int agent_command(const std::vector<std::string>& arguments);

}  // namespace khronos::app

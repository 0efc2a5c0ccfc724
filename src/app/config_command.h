// What main() calls: the agent's settings from its arguments, and `khronos config show`.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "app/config_load.h"

namespace khronos::app {

// What to print and with which status to exit instead of going on: 0 after --help, 2 after a
// mistake of usage.
struct Leave {
    int status = 0;
    std::string out;  // standard output
    std::string err;  // standard error
};

// `arguments`: what follows `khronos agent`.
std::expected<Loaded, Leave> agent_config_from(const std::vector<std::string>& arguments,
                                               const Machine& machine);

// `khronos config show [--origin] [the agent's flags]`; `arguments`: what follows `khronos config`.
Leave config_command(const std::vector<std::string>& arguments, const Machine& machine);

}  // namespace khronos::app

// The command line's flags as texts. The one place that knows the command line library.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/config_sources.h"

namespace khronos::app {

struct CommandLine {
    std::vector<TypedFlag> flags;
    std::vector<Problem> problems;
    bool wants_help = false;
    std::string help;  // always there
};

// `arguments` without the program's name and the subcommand, which `command` is for the help:
// `khronos agent`. `fallbacks` are the defaults as the help shows them, one for each option.
// What is unknown or lacks its value is a problem.
CommandLine parse_flags(const std::string& command, const std::string& what_it_does,
                        std::span<const OptionSpec> options,
                        const std::vector<std::string>& fallbacks,
                        const std::vector<std::string>& arguments);

}  // namespace khronos::app

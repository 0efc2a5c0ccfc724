// CLI11's tree as data, with the commands that have parsers of their own.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_tree.h"

namespace khronos::app {

cli::CommandNode command_tree(const CLI::App& app);

}  // namespace khronos::app

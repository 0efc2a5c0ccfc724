// What the commands need of the machine: the terminal, files, the clock.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "cli/commands.h"

namespace khronos::app {

struct Terminal {
    int width = 0;             // 0: standard output is none
    bool color = false;        // it is one, and NO_COLOR is not set
    bool interactive = false;  // standard input and error are one
};
Terminal this_terminal();

// The file; of a directory those whose names end in .json, .yaml, .yml or .toml, sorted.
std::expected<std::vector<cli::SourceFile>, std::string> read_sources(const std::string& path);
// A secret's first line.
std::expected<std::string, std::string> read_first_line(const std::string& path);

}  // namespace khronos::app

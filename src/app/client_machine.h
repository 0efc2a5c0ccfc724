// What the commands need of the machine: the terminal, files, the clock.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"

namespace khronos::app {

struct Terminal {
    int width = 0;             // 0: standard output is none
    bool color = false;        // it is one, and NO_COLOR is not set
    bool interactive = false;  // standard input and error are one
    bool progress = false;     // standard error is one
};
Terminal this_terminal();

// The file; of a directory those whose names end in .json, .yaml, .yml or .toml, sorted.
std::expected<std::vector<cli::SourceFile>, std::string> read_sources(const std::string& path);
// A crontab; of a directory those files that cron would read there: with no dot in their names.
std::expected<std::vector<cli::SourceFile>, std::string> read_crontabs(const std::string& path);
// What a YAML or TOML text holds.
std::expected<std::vector<boost::json::value>, std::string> parse_source(cli::SourceFormat format,
                                                                         const std::string& text);
// A secret's first line.
std::expected<std::string, std::string> read_first_line(const std::string& path);

// Whole or not at all, readable by this user only: a job's document may hold secrets.
std::expected<void, std::string> write_private_file(const std::string& path,
                                                    const std::string& text);
// IANA name of the zone that this machine's clocks show; empty where it cannot be told.
std::string machine_timezone();
bool is_user_of_this_machine(std::string_view name);

}  // namespace khronos::app

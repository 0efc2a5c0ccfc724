// A job's name made of the command that it runs: stable, so that the next import of the same line
// finds the same job, and readable enough to be known again.
#pragma once

#include <string>
#include <string_view>

namespace khronos::cli {

// `cd / && run-parts --report /etc/cron.hourly` is `run-parts-cron.hourly`. Only characters that
// a job's name may have; at most 48 of them; `job` where nothing is left.
std::string name_of_command(std::string_view command);

// Four hexadecimal digits that are always the same for the same text.
std::string name_tag(std::string_view text);

}  // namespace khronos::cli

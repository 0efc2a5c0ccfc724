// `khronos job|execution|why|status|version|cron`: from words to one of cli/'s commands.
#pragma once

#include <string>
#include <vector>

namespace khronos::app {

// `words`: the arguments of the program, the command first. The process's exit status.
int client_command(const std::vector<std::string>& words);

}  // namespace khronos::app

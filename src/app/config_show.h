// `khronos config show [--origin]`: the settings in force, as a file that could be read again.
#pragma once

#include <string>
#include <vector>

#include "app/config_load.h"

namespace khronos::app {

// One line a setting. With `origin`, behind each where it comes from. What a file cannot say (the
// environment, --insecure, secrets) stands there as a comment.
std::string show_config(const Loaded& loaded, const std::vector<AgentOption>& options, bool origin);

}  // namespace khronos::app

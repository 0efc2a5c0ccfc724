// What a reload (SIGHUP) does: options that can change while the agent runs do, the others keep
// their value until a restart, and it is said which.
#pragma once

#include <string>
#include <vector>

#include "app/config.h"
#include "app/config_options.h"

namespace khronos::app {

struct Change {
    std::string option;    // its flag's name
    std::string from, to;  // as `config show` writes them
    bool operator==(const Change&) const = default;
};
struct Reload {
    AgentConfig config;                 // what is in force now
    std::vector<Change> changed;        // in force now
    std::vector<Change> needs_restart;  // not in force
};

Reload reload(const AgentConfig& old_config, const AgentConfig& new_config,
              const std::vector<AgentOption>& options);

}  // namespace khronos::app

// The table of the agent's options, and the way from texts to an AgentConfig.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/config_sources.h"

namespace khronos::app {

struct AgentOption {
    OptionSpec spec;
    // The texts it has when nobody says anything. Empty: none, as for a list.
    std::vector<std::string> fallback;
    std::function<std::expected<void, std::string>(AgentConfig&, const std::vector<std::string>&)>
        set;
    // What `set` would have to be given; one text, unless a list or a mapping.
    std::function<std::vector<std::string>(const AgentConfig&)> show;
};

// Defaults depend on the environment and on the machine: the host's name, the home directory.
std::vector<AgentOption> agent_options(Env env, const Machine& machine);

// What is known of them without their meaning: for the flags and the help.
std::vector<OptionSpec> specs_of(const std::vector<AgentOption>& options);

}  // namespace khronos::app

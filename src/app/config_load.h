// From flags, environment and file to an AgentConfig. Precedence: flags, KHRONOS_* environment,
// file, default. Everything that is wrong is reported at once.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/config_options.h"
#include "app/config_sources.h"

namespace khronos::app {

struct Loaded {
    AgentConfig config;
    std::map<std::string, Origin> origins;  // by flag
};

// The options with their defaults for what `flags` and the machine's environment say of `env`.
using OptionsFor = std::vector<AgentOption> (*)(Env, const Machine&);

std::expected<Loaded, std::vector<Problem>> load_agent_config(
    const std::vector<TypedFlag>& flags, const Machine& machine,
    OptionsFor options_for = agent_options);

}  // namespace khronos::app

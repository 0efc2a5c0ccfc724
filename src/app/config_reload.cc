#include "app/config_reload.h"

#include <fmt/format.h>

#include "base/check.h"

namespace khronos::app {

Reload reload(const AgentConfig& old_config, const AgentConfig& new_config,
              const std::vector<AgentOption>& options) {
    Reload result;
    result.config = old_config;
    result.config.config_file = new_config.config_file;
    for (const AgentOption& option : options) {
        if (option.spec.flag == "config") continue;
        const std::vector<std::string> from = option.show(old_config);
        const std::vector<std::string> to = option.show(new_config);
        if (from == to) continue;
        const auto shown = [&](const std::vector<std::string>& texts) {
            return option.spec.secret ? std::string("(secret)")
                                      : fmt::format("{}", fmt::join(texts, ","));
        };
        const Change change{option.spec.flag, shown(from), shown(to)};
        if (option.spec.live) {
            CHECK(option.set(result.config, to).has_value());
            result.changed.push_back(change);
        } else {
            result.needs_restart.push_back(change);
        }
    }
    return result;
}

}  // namespace khronos::app

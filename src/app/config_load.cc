#include "app/config_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "app/config_values.h"

namespace khronos::app {
namespace {

// The last of what was typed, or the variable's; the file cannot say these.
std::optional<std::string> said(const std::vector<TypedFlag>& flags, const Machine& machine,
                                const std::string& flag, const std::string& variable) {
    const auto typed = std::ranges::find(flags, flag, &TypedFlag::flag);
    if (typed != flags.end() && !typed->values.empty()) return typed->values.back();
    const auto found = machine.environment.find(variable);
    if (found == machine.environment.end() || found->second.empty()) return std::nullopt;
    return found->second;
}

struct FoundFile {
    std::string path, text;
};

// The file that was named; else the first of the environment's that is there.
std::optional<FoundFile> find_file(const std::optional<std::string>& named, Env env,
                                   const Machine& machine, std::vector<Problem>& problems) {
    const std::string name = fmt::format("khronos.{}.toml", environment().show(env));
    std::vector<std::string> paths{"conf/" + name, machine.binary_dir + "/conf/" + name,
                                   "/etc/khronos/" + name};
    if (named) paths = {*named};
    for (const std::string& path : paths) {
        const bool relative = !path.starts_with('/');
        auto text = machine.read(relative ? machine.working_dir + "/" + path : path);
        if (text) return FoundFile{path, *std::move(text)};
        if (named || !text.error().missing)
            problems.push_back({path, fmt::format("cannot be read: {}", text.error().why)});
    }
    return std::nullopt;
}

}  // namespace

std::expected<Loaded, std::vector<Problem>> load_agent_config(const std::vector<TypedFlag>& flags,
                                                              const Machine& machine,
                                                              OptionsFor options_for) {
    std::vector<Problem> problems;
    // The environment comes first: it picks the file and the defaults. A wrong one is reported
    // below, with the other values.
    const auto env_text = said(flags, machine, "env", "KHRONOS_ENV");
    const Env env = environment().parse(env_text.value_or("local")).value_or(Env::local);
    const std::vector<AgentOption> options = options_for(env, machine);
    const std::vector<OptionSpec> specs = specs_of(options);

    RawValues values;
    for (const AgentOption& option : options)
        values[option.spec.flag] = {option.fallback, {Source::fallback, "default"}};
    const auto file =
        find_file(said(flags, machine, "config", "KHRONOS_CONFIG"), env, machine, problems);
    if (file) take_file(specs, machine, file->path, file->text, values, problems);
    take_environment(specs, machine, values, problems);
    take_flags(specs, machine, flags, values, problems);

    Loaded loaded;
    for (const AgentOption& option : options) {
        const RawValue& raw = values[option.spec.flag];
        loaded.origins[option.spec.flag] = raw.origin;
        const bool many = option.spec.form == Form::list || option.spec.form == Form::mapping;
        if (raw.values.empty() && !many) continue;
        if (auto set = option.set(loaded.config, raw.values); !set)
            problems.push_back({raw.origin.source == Source::fallback
                                    ? fmt::format("default of --{}", option.spec.flag)
                                    : raw.origin.where,
                                set.error()});
    }
    loaded.config.config_file = file ? file->path : "";
    if (file && loaded.origins["config"].source == Source::fallback)
        loaded.origins["config"].where = "found";
    // How values go together says something only once each of them is right.
    if (problems.empty())
        for (const auto& [flag, message] : validate(loaded.config)) {
            const Origin& origin = loaded.origins[flag];
            problems.push_back({origin.source == Source::fallback
                                    ? fmt::format("--{} ({})", flag, origin.where)
                                    : origin.where,
                                message});
        }
    if (!problems.empty()) return std::unexpected(std::move(problems));
    return loaded;
}

}  // namespace khronos::app

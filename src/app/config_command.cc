#include "app/config_command.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/config_cli.h"
#include "app/config_show.h"

namespace khronos::app {
namespace {

constexpr const char* kAgentDoc =
    "Runs an agent: the scheduler, the REST API, the page and a worker. Each option NAME can also "
    "be set in the environment (KHRONOS_NAME) and in conf/khronos.ENV.toml (also next to the "
    "program and in /etc/khronos); flags win over the environment, that over the file.";
constexpr const char* kShowDoc =
    "Shows the settings that an agent started here with the same flags would have.";

std::string in_lines(const std::vector<Problem>& problems) {
    std::string text;
    for (const Problem& problem : problems)
        text += fmt::format("khronos: {}\n", in_words(problem));
    return text;
}

std::vector<std::string> shown_fallbacks(const std::vector<AgentOption>& options) {
    std::vector<std::string> texts;
    for (const AgentOption& option : options)
        texts.push_back(fmt::format("{}", fmt::join(option.fallback, ",")));
    return texts;
}

std::expected<Loaded, Leave> load(const std::string& command, const char* doc,
                                  const std::vector<std::string>& arguments,
                                  const Machine& machine) {
    const auto options = agent_options(Env::local, machine);
    const auto specs = specs_of(options);
    CommandLine line = parse_flags(command, doc, specs, shown_fallbacks(options), arguments);
    if (line.wants_help) return std::unexpected(Leave{0, line.help, ""});
    auto loaded = load_agent_config(line.flags, machine);
    std::vector<Problem> problems = std::move(line.problems);
    if (!loaded) problems.insert(problems.end(), loaded.error().begin(), loaded.error().end());
    if (problems.empty()) return *std::move(loaded);
    return std::unexpected(
        Leave{2, "", in_lines(problems) + fmt::format("See {} --help\n", command)});
}

}  // namespace

std::expected<Loaded, Leave> agent_config_from(const std::vector<std::string>& arguments,
                                               const Machine& machine) {
    return load("khronos agent", kAgentDoc, arguments, machine);
}

Leave config_command(const std::vector<std::string>& arguments, const Machine& machine) {
    if (arguments.empty() || arguments[0] != "show")
        return {2, "", "usage: khronos config show [--origin] [OPTIONS OF khronos agent]\n"};
    std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
    const bool origin = std::erase(rest, "--origin") > 0;
    auto loaded = load("khronos config show", kShowDoc, rest, machine);
    if (!loaded) return std::move(loaded).error();
    return {0, show_config(*loaded, agent_options(loaded->config.env, machine), origin), ""};
}

}  // namespace khronos::app

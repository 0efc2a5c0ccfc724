#include "app/config_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "app/config_nearest.h"
#include "app/config_toml.h"

namespace khronos::app {
namespace {

constexpr std::string_view kPrefix = "KHRONOS_";
constexpr std::string_view kFileSuffix = "_FILE";

// Set by others, for others: the client's options, what a running job sees, test switches.
constexpr std::string_view kOthers[] = {
    "KHRONOS_SERVER",       "KHRONOS_TOKEN",   "KHRONOS_TOKEN_FILE", "KHRONOS_JOB_NAME",
    "KHRONOS_EXECUTION_ID", "KHRONOS_ATTEMPT", "KHRONOS_NODE_NAME",  "KHRONOS_APPLICATION",
    "KHRONOS_SCHEDULED_AT", "KHRONOS_PAYLOAD", "KHRONOS_DEADLINE",   "KHRONOS_FAILPOINT",
    "KHRONOS_SKIP_DEPS",    "KHRONOS_TIMEOUT", "KHRONOS_OUTPUT",
};

bool in_file(const OptionSpec& option) {
    return !option.key.empty();
}
bool in_environment(const OptionSpec& option) {
    return option.environment;
}
bool many(const OptionSpec& option) {
    return option.form == Form::list || option.form == Form::mapping;
}

std::vector<std::string> split_at_commas(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        if (comma > 0) parts.emplace_back(text.substr(0, comma));
        text.remove_prefix(std::min(text.size(), comma + 1));
    }
    return parts;
}

std::string without_line_end(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    return text;
}

// A secret's value, from the file that holds it.
std::optional<std::string> read_secret(const Machine& machine, const std::string& path,
                                       const std::string& where, std::vector<Problem>& problems) {
    auto content = machine.read(path);
    if (!content) {
        problems.push_back(
            {where, fmt::format("'{}' cannot be read: {}", path, content.error().why)});
        return std::nullopt;
    }
    std::string secret = without_line_end(std::move(*content));
    if (secret.empty()) {
        problems.push_back({where, fmt::format("'{}' is empty", path)});
        return std::nullopt;
    }
    return secret;
}

}  // namespace

std::string in_words(const Problem& problem) {
    return problem.where + ": " + problem.message;
}

std::string environment_name(const OptionSpec& option) {
    std::string name(kPrefix);
    for (const char c : option.flag)
        name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return name;
}

namespace {

// One value of a file, at an option that is known.
void take_entry(const OptionSpec& option, const TomlEntry& entry, const std::string& where,
                RawValues& values, std::vector<Problem>& problems) {
    const auto wrong = [&](std::string_view is, std::string_view should) {
        problems.push_back(
            {where, fmt::format("{} is {}; it has to be {}", entry.key, is, should)});
    };
    if (entry.type == TomlType::other)
        return wrong("a date, a float or a list of lists",
                     fmt::format("like {}", option.value_name));
    if (entry.type == TomlType::array && !many(option)) return wrong("a list", "a single value");
    if (entry.type == TomlType::boolean && option.form != Form::toggle && !many(option))
        return wrong("true or false", fmt::format("like {}", option.value_name));
    if (entry.type == TomlType::integer && option.form == Form::text)
        return wrong("a number", "a text in quotes");
    if (entry.type != TomlType::boolean && option.form == Form::toggle)
        return wrong("not true or false", "true or false");
    RawValue& value = values[option.flag];
    if (option.form == Form::mapping) {
        // The first line of the table replaces what a weaker source said; the others are added.
        if (value.origin.source != Source::file) value = {{}, {Source::file, where}};
        const std::string name =
            entry.key.substr(std::min(entry.key.size(), option.key.size() + 1));
        for (const std::string& text : entry.values)
            value.values.push_back(name.empty() ? text : name + "=" + text);
    } else {
        value = {entry.values, {Source::file, where}};
    }
}

const OptionSpec* option_of_key(std::span<const OptionSpec> options, const std::string& key) {
    for (const OptionSpec& option : options) {
        if (!in_file(option)) continue;
        if (key == option.key || (option.secret && key == option.key + "_file")) return &option;
        if (option.form == Form::mapping && key.starts_with(option.key + ".")) return &option;
    }
    return nullptr;
}

Problem unknown_key(std::span<const OptionSpec> options, const TomlEntry& entry,
                    const std::string& where) {
    std::vector<std::string> known;
    for (const OptionSpec& option : options) {
        std::string as_key = option.flag;
        std::ranges::replace(as_key, '-', '_');
        if (!in_file(option) && entry.key == as_key)
            return {where,
                    fmt::format("'{}' cannot be set in a file; type --{}", entry.key, option.flag)};
        if (in_file(option)) known.push_back(option.key);
    }
    return {where, fmt::format("'{}' is no option{}", entry.key, did_you_mean(entry.key, known))};
}

}  // namespace

void take_file(std::span<const OptionSpec> options, const Machine& machine, const std::string& path,
               const std::string& text, RawValues& values, std::vector<Problem>& problems) {
    const auto entries = parse_toml(text);
    if (!entries) {
        problems.push_back(
            {fmt::format("{}:{}", path, entries.error().line), entries.error().message});
        return;
    }
    for (const TomlEntry& entry : *entries) {
        const std::string where = fmt::format("{}:{}", path, entry.line);
        const OptionSpec* option = option_of_key(options, entry.key);
        if (!option) {
            problems.push_back(unknown_key(options, entry, where));
        } else if (option->secret && entry.key != option->key) {
            if (const auto secret = read_secret(
                    machine, entry.values.empty() ? "" : entry.values[0], where, problems))
                values[option->flag] = {{*secret}, {Source::file, where}};
        } else {
            take_entry(*option, entry, where, values, problems);
        }
    }
}

void take_environment(std::span<const OptionSpec> options, const Machine& machine,
                      RawValues& values, std::vector<Problem>& problems) {
    std::vector<std::string> known;
    for (const OptionSpec& option : options) {
        if (!in_environment(option)) continue;
        const std::string name = environment_name(option);
        known.push_back(name);
        const auto found = machine.environment.find(name);
        // An empty variable is the same as none: compose files cannot say it otherwise.
        const bool direct = found != machine.environment.end() && !found->second.empty();
        if (direct)
            values[option.flag] = {
                many(option) ? split_at_commas(found->second) : std::vector{found->second},
                {Source::environment, name}};
        if (!option.secret) continue;
        const std::string file_name = name + std::string(kFileSuffix);
        known.push_back(file_name);
        const auto file = machine.environment.find(file_name);
        if (file == machine.environment.end() || file->second.empty()) continue;
        if (direct)
            problems.push_back({file_name, fmt::format("{} is set too; set one of the two", name)});
        else if (const auto secret = read_secret(machine, file->second, file_name, problems))
            values[option.flag] = {{*secret}, {Source::environment, file_name}};
    }
    // A variable that is nearly one of ours is a mistake; any other belongs to somebody else (an
    // orchestrator puts KHRONOS_SERVICE_HOST there for a service of that name).
    for (const auto& [name, value] : machine.environment) {
        if (!name.starts_with(kPrefix) || std::ranges::find(known, name) != known.end() ||
            std::ranges::find(kOthers, name) != std::end(kOthers))
            continue;
        for (const std::string& near : known)
            if (edit_distance(name, near) <= 2) {
                problems.push_back({name, fmt::format("is no option; did you mean '{}'?", near)});
                break;
            }
    }
}

void take_flags(std::span<const OptionSpec> options, const Machine& machine,
                const std::vector<TypedFlag>& flags, RawValues& values,
                std::vector<Problem>& problems) {
    for (const OptionSpec& option : options) {
        const std::string flag = option.secret ? option.flag + "-file" : option.flag;
        const std::string where = "--" + flag;
        const auto typed = std::ranges::find(flags, flag, &TypedFlag::flag);
        if (typed == flags.end()) continue;
        if (option.form == Form::toggle) {
            values[option.flag] = {{"true"}, {Source::flag, where}};
        } else if (typed->values.size() > 1 && !many(option)) {
            problems.push_back(
                {where, fmt::format("is given {} times; it has one value", typed->values.size())});
        } else if (option.secret) {
            if (const auto secret = read_secret(machine, typed->values.at(0), where, problems))
                values[option.flag] = {{*secret}, {Source::flag, where}};
        } else {
            values[option.flag] = {typed->values, {Source::flag, where}};
        }
    }
}

}  // namespace khronos::app

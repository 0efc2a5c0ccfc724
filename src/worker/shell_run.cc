#include "worker/shell_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/duration.h"

namespace khronos::worker {
namespace {

// The kernel takes no longer single argument or environment entry (MAX_ARG_STRLEN).
constexpr std::size_t kMaxArgument = 128 * 1024 - 1;

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

const std::string* find(const core::StringMap& map, std::string_view key) {
    const auto at = map.find(key);
    return at == map.end() || at->second.empty() ? nullptr : &at->second;
}

std::unexpected<Error> wrong(std::string_view key, std::string message) {
    return std::unexpected(invalid(fmt::format("executor_config.{}", key), std::move(message)));
}

using Entries = std::vector<std::pair<std::string, std::string>>;

// What would let a job's author into the loader or the shell before the command itself runs.
bool is_dangerous(std::string_view name) {
    return name.starts_with("LD_") || name == "BASH_ENV" || name == "IFS";
}

std::expected<Entries, Error> parse_env(std::string_view text) {
    Entries entries;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        const std::string_view entry = text.substr(0, comma);
        text.remove_prefix(std::min(comma + 1, text.size()));
        if (entry.empty()) continue;
        const std::size_t equals = entry.find('=');
        const std::string_view name = entry.substr(0, equals);
        if (equals == entry.npos || name.empty())
            return wrong("env", fmt::format("'{}' is not NAME=value", entry.substr(0, 64)));
        if (!is_letter(name[0]) ||
            !std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c); }))
            return wrong("env", fmt::format("'{}' is not a name of letters, digits and _",
                                            name.substr(0, 64)));
        if (is_dangerous(name))
            return wrong("env", fmt::format("{} may not be set by a job", name));
        if (name.starts_with("KHRONOS_") || name == "ENV_JOB_NAME")
            return wrong("env", fmt::format("{} is set by Khronos itself", name));
        entries.emplace_back(name, entry.substr(equals + 1));
    }
    return entries;
}

void add_own_env(Entries& env, const core::RunSpec& spec, FenceToken token,
                 const std::string& node) {
    env.emplace_back("KHRONOS_JOB_NAME", spec.job_name);
    env.emplace_back("KHRONOS_EXECUTION_ID", to_text(spec.id.execution));
    env.emplace_back("KHRONOS_SCHEDULED_AT", to_rfc3339(spec.scheduled_at));
    env.emplace_back("KHRONOS_ATTEMPT", std::to_string(spec.id.attempt.value));
    env.emplace_back("KHRONOS_TOKEN", std::to_string(token.value));
    env.emplace_back("KHRONOS_NODE_NAME", node);
    env.emplace_back("KHRONOS_APPLICATION",
                     spec.application.empty() ? "default" : spec.application);
    env.emplace_back("KHRONOS_PAYLOAD", spec.payload);
    env.emplace_back("ENV_JOB_NAME", spec.job_name);
}

std::expected<void, Error> check_strings(const ProcessSpec& p) {
    const auto bad = [](std::string_view what,
                        std::string_view text) -> std::expected<void, Error> {
        if (text.find('\0') != text.npos)
            return std::unexpected(
                invalid(std::string(what), "a NUL byte cannot be passed to a program"));
        if (text.size() > kMaxArgument)
            return std::unexpected(
                invalid(std::string(what),
                        fmt::format("{} bytes are too long for a program's argument or environment "
                                    "(at most {})",
                                    text.size(), kMaxArgument)));
        return {};
    };
    for (const std::string& word : p.argv)
        if (auto r = bad("executor_config.command", word); !r) return r;
    for (const auto& [name, value] : p.env) {
        const std::string_view field =
            name == "KHRONOS_PAYLOAD" ? "payload" : "executor_config.env";
        if (auto r = bad(field, fmt::format("{}={}", name, value)); !r) return r;
    }
    return bad("executor_config.cwd", p.cwd);
}

}  // namespace

std::expected<ProcessSpec, Error> shell_process(const core::RunSpec& spec, FenceToken token,
                                                const std::string& node, MonoTime deadline,
                                                Now now) {
    const core::StringMap& config = spec.executor_config;
    ProcessSpec p;
    p.id = spec.id;
    p.kill_grace = spec.kill_grace;
    p.guard = spec.guard;
    p.deadline = deadline;
    p.linger = spec.linger;

    const std::string* command = find(config, "command");
    if (!command) return wrong("command", "the shell executor needs a command");
    bool shell = false;
    if (const std::string* text = find(config, "shell")) {
        const auto value = parse_bool(*text);
        if (!value) return wrong("shell", value.error());
        shell = *value;
    }
    if (shell) {
        p.argv = {"/bin/sh", "-c", *command};
    } else {
        auto words = split_words(*command);
        if (!words) return wrong("command", words.error());
        if (words->empty() || words->front().empty())
            return wrong("command", "the command is empty");
        p.argv = std::move(*words);
    }
    if (const std::string* text = find(config, "env")) {
        auto entries = parse_env(*text);
        if (!entries) return std::unexpected(entries.error());
        p.env = std::move(*entries);
    }
    add_own_env(p.env, spec, token, node);
    if (const std::string* cwd = find(config, "cwd")) {
        if (cwd->front() != '/')
            return wrong("cwd", fmt::format("'{}' is not an absolute path", *cwd));
        p.cwd = *cwd;
    }
    p.timeout = spec.timeout;
    if (const std::string* text = find(config, "timeout"); text && p.timeout == Duration(0)) {
        const auto value = parse_duration(*text);
        if (!value) return wrong("timeout", value.error());
        if (*value <= Duration(0)) return wrong("timeout", "a timeout is longer than nothing");
        p.timeout = *value;
    }
    if (const std::string* text = find(config, "mem_limit")) {
        const auto value = parse_size(*text);
        if (!value) return wrong("mem_limit", value.error());
        p.memory_bytes = *value;
    }
    p.run_as = spec.run_as;
    if (const std::string* su = find(config, "su"); su && p.run_as.empty()) p.run_as = *su;
    if (const std::string* text = find(config, "payload")) {
        auto bytes = decode_base64(*text);
        if (!bytes) return wrong("payload", bytes.error());
        p.has_input = true;
        p.input = std::move(*bytes);
    }
    if (p.timeout > Duration(0)) {
        p.env.emplace_back("KHRONOS_DEADLINE", to_rfc3339(now.wall + p.timeout));
    } else if (deadline.us != 0) {
        // The earliest end that a broken connection can bring.
        p.env.emplace_back("KHRONOS_DEADLINE", to_rfc3339(now.wall + (deadline - now.mono)));
    }
    if (auto ok = check_strings(p); !ok) return std::unexpected(ok.error());
    return p;
}

std::expected<std::vector<std::string>, std::string> split_words(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\'') {
            const std::size_t close = text.find('\'', i + 1);
            if (close == text.npos)
                return std::unexpected(
                    fmt::format("the single quote at character {} is never closed", i + 1));
            word.append(text.substr(i + 1, close - i - 1));
            in_word = true;
            i = close;
        } else if (c == '"') {
            const std::size_t open = i++;
            for (; i < text.size() && text[i] != '"'; ++i) {
                if (text[i] == '\\' && i + 1 < text.size()) {
                    const char next = text[i + 1];
                    if (next == '\n') {
                        ++i;
                        continue;
                    }
                    if (next == '"' || next == '\\' || next == '$' || next == '`') ++i;
                }
                word += text[i];
            }
            if (i >= text.size())
                return std::unexpected(
                    fmt::format("the double quote at character {} is never closed", open + 1));
            in_word = true;
        } else if (c == '\\') {
            if (i + 1 >= text.size())
                return std::unexpected("the backslash at the end quotes nothing");
            ++i;
            if (text[i] == '\n') continue;
            word += text[i];
            in_word = true;
        } else if (is_blank(c)) {
            if (in_word) words.push_back(std::exchange(word, {}));
            in_word = false;
        } else {
            word += c;
            in_word = true;
        }
    }
    if (in_word) words.push_back(std::move(word));
    return words;
}

std::expected<std::uint64_t, std::string> parse_size(std::string_view text) {
    const auto wrong_size = [&](std::string_view why) {
        return std::unexpected(
            fmt::format("'{}' is not a size such as 512MB or 2GB: {}", text.substr(0, 40), why));
    };
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{}) return wrong_size("a number is missing");
    std::string unit;
    for (const char* c = end; c != text.data() + text.size(); ++c) {
        if (*c == ' ' && unit.empty()) continue;
        unit += static_cast<char>(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    }
    struct Unit {
        std::string_view name;
        int shift;
    };
    static constexpr std::array kUnits{
        Unit{"", 0},     Unit{"B", 0},   Unit{"K", 10},   Unit{"KB", 10}, Unit{"KIB", 10},
        Unit{"M", 20},   Unit{"MB", 20}, Unit{"MIB", 20}, Unit{"G", 30},  Unit{"GB", 30},
        Unit{"GIB", 30}, Unit{"T", 40},  Unit{"TB", 40},  Unit{"TIB", 40}};
    const auto* found = std::ranges::find(kUnits, unit, &Unit::name);
    if (found == kUnits.end()) return wrong_size("the unit is none of B, KB, MB, GB, TB");
    const double bytes = number * static_cast<double>(std::uint64_t{1} << found->shift);
    if (bytes < 1) return wrong_size("it is nothing");
    if (bytes > 1e18) return wrong_size("it is too large");
    return static_cast<std::uint64_t>(bytes);
}

std::expected<std::string, std::string> decode_base64(std::string_view text) {
    std::string bytes;
    std::uint32_t bits = 0;
    int have = 0;
    std::size_t digits = 0;
    bool padding = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (is_blank(c)) continue;
        if (c == '=') {
            padding = true;
            continue;
        }
        std::uint32_t value = 0;
        if (c >= 'A' && c <= 'Z')
            value = static_cast<std::uint32_t>(c - 'A');
        else if (c >= 'a' && c <= 'z')
            value = static_cast<std::uint32_t>(c - 'a' + 26);
        else if (c >= '0' && c <= '9')
            value = static_cast<std::uint32_t>(c - '0' + 52);
        else if (c == '+')
            value = 62;
        else if (c == '/')
            value = 63;
        else
            return std::unexpected(fmt::format("character {} is not base64", i + 1));
        if (padding) return std::unexpected(fmt::format("character {} follows the padding", i + 1));
        ++digits;
        bits = bits << 6 | value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            bytes += static_cast<char>(bits >> have & 0xFF);
        }
    }
    if (digits % 4 == 1) return std::unexpected("the base64 text is cut off");
    return bytes;
}

std::expected<bool, std::string> parse_bool(std::string_view text) {
    for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"})
        if (text == yes) return true;
    for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
        if (text == no) return false;
    return std::unexpected(fmt::format("'{}' is neither true nor false", text.substr(0, 40)));
}

}  // namespace khronos::worker

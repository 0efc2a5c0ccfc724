// Where values come from: flags, the environment, a file, defaults; as texts, before anybody
// knows what they mean. Nothing here knows a single option.
#pragma once

#include <compare>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace khronos::app {

// In the order of precedence.
enum class Source : std::uint8_t { fallback, file, environment, flag };
struct Origin {
    Source source = Source::fallback;
    std::string where;  // `default`, `conf/khronos.prod.toml:12`, `KHRONOS_NODE`, `--node`
    bool operator==(const Origin&) const = default;
};

// For a person: `WHERE: MESSAGE`.
struct Problem {
    std::string where;  // a flag, a variable, a file with its line
    std::string message;
    bool operator==(const Problem&) const = default;
};
std::string in_words(const Problem& problem);

enum class Form : std::uint8_t {
    text,
    number,   // also a duration in a file is a text: it has a unit
    toggle,   // a flag without a value; `true` or `false` elsewhere
    list,     // a flag may be repeated; commas in the environment; an array in a file
    mapping,  // K=V: as list; a table in a file
};

// What is known of an option without knowing what it means. The flag `bind-port` is
// KHRONOS_BIND_PORT in the environment.
struct OptionSpec {
    std::string flag = {};  // without the dashes
    char letter = 0;        // of the short flag; 0: none
    std::string key = {};   // in a file; empty: not allowed there nor in the environment
    Form form = Form::text;
    std::string value_name = {};  // for the help
    std::string doc = {};         // one line
    bool environment = true;
    bool secret = false;  // given by file: --x-file, KHRONOS_X_FILE, x_file; never as a flag
    bool live = false;    // a reload changes it without a restart
};
std::string environment_name(const OptionSpec& option);

struct RawValue {
    std::vector<std::string> values;  // one, unless list or mapping
    Origin origin;
    bool operator==(const RawValue&) const = default;
};
using RawValues = std::map<std::string, RawValue>;  // by flag

// What was typed, in order.
struct TypedFlag {
    std::string flag;  // `x-file` for a secret
    std::vector<std::string> values;
    bool operator==(const TypedFlag&) const = default;
};

// The machine an agent starts on, as values, so that a test has its own.
struct Machine {
    std::map<std::string, std::string> environment;
    std::string host_name;
    std::string working_dir;
    std::string binary_dir;
    // The content; an error says why it cannot be read. `missing` tells that there is no such file.
    struct ReadError {
        bool missing = false;
        std::string why;
    };
    std::function<std::expected<std::string, ReadError>(const std::string& path)> read;
};
// The one this process runs on.
Machine this_machine();

// Each adds what it found to `values`, over what is there, and what is wrong to `problems`.
void take_file(std::span<const OptionSpec> options, const Machine& machine, const std::string& path,
               const std::string& text, RawValues& values, std::vector<Problem>& problems);
void take_environment(std::span<const OptionSpec> options, const Machine& machine,
                      RawValues& values, std::vector<Problem>& problems);
void take_flags(std::span<const OptionSpec> options, const Machine& machine,
                const std::vector<TypedFlag>& flags, RawValues& values,
                std::vector<Problem>& problems);

}  // namespace khronos::app

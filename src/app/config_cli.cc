#include "app/config_cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "app/config_nearest.h"

namespace khronos::app {
namespace {

std::string typed_name(const OptionSpec& option) {
    return option.secret ? option.flag + "-file" : option.flag;
}

// A flag that was not expected, with the nearest one there is. Its value, if it has one, follows
// as an argument of its own, and is not complained about again.
std::vector<Problem> about_extras(const std::vector<std::string>& extras,
                                  std::span<const OptionSpec> options) {
    std::vector<std::string> known{"--help"};
    for (const OptionSpec& option : options)
        known.push_back("--" + typed_name(option));
    std::vector<Problem> problems;
    bool after_flag = false;
    for (const std::string& extra : extras) {
        const bool flag = extra.size() > 1 && extra.starts_with('-');
        if (flag) {
            const std::string name = extra.substr(0, extra.find('='));
            problems.push_back({name, fmt::format("is no option{}", did_you_mean(name, known))});
        } else if (!after_flag) {
            problems.push_back(
                {fmt::format("'{}'", extra), "is not expected here; every option begins with --"});
        }
        after_flag = flag && extra.find('=') == std::string::npos;
    }
    return problems;
}

}  // namespace

CommandLine parse_flags(const std::string& command, const std::string& what_it_does,
                        std::span<const OptionSpec> options,
                        const std::vector<std::string>& fallbacks,
                        const std::vector<std::string>& arguments) {
    CLI::App parser(what_it_does, command);
    parser.allow_extras();
    parser.set_help_flag("-h,--help", "this text");
    std::map<std::string, std::vector<std::string>> values;
    std::map<std::string, bool> toggles;
    for (std::size_t i = 0; i < options.size(); ++i) {
        const OptionSpec& option = options[i];
        const std::string name = typed_name(option);
        const std::string names =
            option.letter == 0 ? "--" + name : fmt::format("-{},--{}", option.letter, name);
        if (option.form == Form::toggle) {
            parser.add_flag(names, toggles[name], option.doc);
            continue;
        }
        CLI::Option* added = parser.add_option(names, values[name], option.doc);
        // One value for each time it is typed: never the word behind it as well.
        added->allow_extra_args(false);
        added->type_name(option.secret ? "FILE" : option.value_name);
        added->option_text(i < fallbacks.size() && !fallbacks[i].empty()
                               ? fmt::format("{} [{}]", option.value_name, fallbacks[i])
                               : option.value_name);
    }

    CommandLine result;
    result.help = parser.help();
    try {
        // The library takes them from the back.
        parser.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::CallForHelp&) {
        result.wants_help = true;
        return result;
    } catch (const CLI::ArgumentMismatch& error) {
        // `--node: 1 required NAME missing`
        const std::string text = error.what();
        result.problems.push_back({text.substr(0, text.find(':')), "needs a value"});
        return result;
    } catch (const CLI::ParseError& error) {
        result.problems.push_back({command, error.what()});
        return result;
    }
    result.problems = about_extras(parser.remaining(), options);
    for (const OptionSpec& option : options) {
        const std::string name = typed_name(option);
        if (parser.count("--" + name) == 0) continue;
        result.flags.push_back({name, values[name]});
    }
    return result;
}

}  // namespace khronos::app

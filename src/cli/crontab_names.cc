#include "cli/crontab_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "base/ids.h"

namespace khronos::cli {
namespace {

constexpr std::size_t kLongestName = 48;
constexpr std::size_t kLongestArgument = 32;

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
    return std::ranges::find(words, word) != words.end();
}

// Commands that only prepare what comes behind them.
constexpr std::string_view kPreparing[] = {
    "cd",     "test", "[",    "[[",     "true",  "export", "set",     "umask", "sleep", ".",
    "source", "if",   "then", "ulimit", "mkdir", "echo",   "command", "unset", "pushd", "exit",
    "fi",     "date", "type", "for",    "while", "until",  "case",    "done",  "esac"};
// Programs that run what their arguments say.
constexpr std::string_view kRunning[] = {"sudo",
                                         "nice",
                                         "ionice",
                                         "timeout",
                                         "flock",
                                         "env",
                                         "exec",
                                         "nohup",
                                         "time",
                                         "chronic",
                                         "chrt",
                                         "setsid",
                                         "stdbuf",
                                         "cronic",
                                         "run-one",
                                         "su",
                                         "runuser",
                                         "bash",
                                         "sh",
                                         "dash",
                                         "zsh",
                                         "ksh",
                                         "python",
                                         "python2",
                                         "python3",
                                         "perl",
                                         "php",
                                         "node",
                                         "ruby",
                                         "java",
                                         "doas",
                                         "systemd-cat",
                                         "taskset",
                                         "then",
                                         "do",
                                         "else",
                                         "if",
                                         "!",
                                         "(",
                                         "{",
                                         "start-stop-daemon",
                                         "savelog-run",
                                         "lckdo",
                                         "setlock",
                                         "xvfb-run"};
constexpr std::string_view kEndings[] = {".sh",  ".bash", ".py", ".pl",
                                         ".php", ".rb",   ".js", ".jar"};

std::string_view base_of(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/'))
        path.remove_suffix(1);
    const std::size_t slash = path.rfind('/');
    if (slash != path.npos) path.remove_prefix(slash + 1);
    for (const std::string_view ending : kEndings)
        if (path.size() > ending.size() && path.ends_with(ending))
            path.remove_suffix(ending.size());
    return path;
}

// The words of one simple command; quotes are taken off. What follows a redirection ends it.
using Words = std::vector<std::string>;

// The simple commands between `;`, `&`, `|`, and brackets, near enough for a name.
std::vector<Words> simple_commands(std::string_view text) {
    std::vector<Words> commands(1);
    std::string word;
    bool in_word = false;
    char quote = 0;
    int nested = 0;
    const auto end_word = [&] {
        if (in_word) commands.back().push_back(word);
        word.clear();
        in_word = false;
    };
    for (const char c : text) {
        if (quote != 0) {
            if (c == quote)
                quote = 0;
            else
                word += c;
            continue;
        }
        switch (c) {
            case '\'':
            case '"':
                quote = c;
                in_word = true;
                break;
            case ';':
            case '&':
            case '|':
            case '\n':
                end_word();
                commands.emplace_back();
                break;
            case '(':
            case ')':
                // What `$(...)` holds is a part of its word.
                if (nested > 0 || (c == '(' && word.ends_with('$'))) {
                    nested += c == '(' ? 1 : -1;
                    word += c;
                    break;
                }
                end_word();
                commands.emplace_back();
                break;
            case ' ':
            case '\t':
                if (nested > 0)
                    word += c;
                else
                    end_word();
                break;
            default:
                word += c;
                in_word = true;
        }
    }
    end_word();
    return commands;
}

bool is_assignment(std::string_view word) {
    const std::size_t equals = word.find('=');
    return equals != word.npos && equals > 0 && word.find_first_of("/-.") > equals;
}

// An argument that helps to tell two uses of a program apart.
bool says_something(std::string_view word) {
    if (word.empty() || word.starts_with('-') || word.starts_with('+')) return false;
    if (word.find_first_of("$`<>*?{}=%\\") != word.npos || word.starts_with("/dev/")) return false;
    return base_of(word).size() <= kLongestArgument;
}

// Behind a program that runs others: the program that it runs, with its arguments. Nothing behind
// an interpreter whose program is an argument: that has no name.
std::span<const std::string> inner(std::span<const std::string> words) {
    while (!words.empty()) {
        const std::string_view program = base_of(words[0]);
        if (is_assignment(words[0])) {
            words = words.subspan(1);
        } else if (is_one_of(program, kRunning) && words.size() > 1) {
            words = words.subspan(1);
            // Its options, and what of their values can be told: numbers, durations, locks.
            bool locks = program == "flock" || program == "setlock" || program == "lckdo";
            bool times = program == "timeout";
            while (words.size() > 1) {
                const std::string& word = words[0];
                const bool takes_value = word == "-u" || word == "-g" || word == "-n" ||
                                         word == "-c" || word == "-s" || word == "-k" ||
                                         word == "-w" || word == "-E" || word == "-l" ||
                                         word == "-t" || word == "-p";
                if (word == "-e" && (program == "perl" || program == "ruby" || program == "node"))
                    return {};
                if (word == "-c" && program.starts_with("python")) return {};
                if (word.starts_with('-') && word.size() > 1) {
                    const bool number_follows =
                        takes_value && words.size() > 2 &&
                        (program == "sudo" || (words[1][0] >= '0' && words[1][0] <= '9'));
                    words = words.subspan(number_follows ? 2 : 1);
                } else if (locks || times) {
                    locks = times = false;
                    words = words.subspan(1);
                } else {
                    break;
                }
            }
        } else {
            break;
        }
    }
    return words;
}

void append_clean(std::string& name, std::string_view text) {
    for (const char c : text) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        const bool good = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
                          lower == '_' || lower == '.' || lower == '-';
        if (good)
            name += lower;
        else if (!name.ends_with('-'))
            name += '-';
    }
}

std::string trimmed_name(std::string name) {
    if (name.size() > kLongestName) name.resize(kLongestName);
    const std::size_t first = name.find_first_not_of("-.");
    if (first == name.npos) return "";
    return name.substr(first, name.find_last_not_of("-.") - first + 1);
}

std::string name_of_program(std::span<const std::string> program) {
    std::string name;
    append_clean(name, base_of(program[0]));
    for (const std::string& word : program.subspan(1)) {
        if (word.find_first_of("<>") != std::string::npos) break;
        if (!says_something(word)) continue;
        name += '-';
        append_clean(name, base_of(word));
        break;
    }
    return trimmed_name(std::move(name));
}

}  // namespace

std::string name_of_command(std::string_view command) {
    const auto commands = simple_commands(command);
    // First what does the work; where all only prepare, the first of them.
    for (const bool all : {false, true}) {
        for (const Words& words : commands) {
            const auto program = inner(words);
            if (program.empty() || (!all && is_one_of(base_of(program[0]), kPreparing))) continue;
            // `bash -c 'a && b'` holds a command line of its own.
            if (program[0].find(' ') != std::string::npos && program[0].size() < command.size())
                return name_of_command(program[0]);
            if (std::string name = name_of_program(program); !name.empty()) return name;
        }
    }
    return "job";
}

std::string name_tag(std::string_view text) {
    // FNV's upper bits vary least with the last letters of a text: fold them.
    std::uint64_t hash = stable_hash(text);
    hash ^= hash >> 32;
    hash ^= hash >> 16;
    return fmt::format("{:04x}", hash & 0xffff);
}

}  // namespace khronos::cli

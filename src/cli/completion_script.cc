#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>

#include "cli/command_tree.h"

namespace khronos::cli {
namespace {

bool is_file(const CommandOption& option) {
    return option.value.find("FILE") != std::string::npos ||
           option.value.find("PATH") != std::string::npos ||
           option.value.find("DIR") != std::string::npos;
}

// Which words a positional may be: a command that prints them, or files.
std::string source_of(const std::string& path, const CommandOption& option) {
    const std::string& name = option.names.front();
    if (name == "FILE") return "files";
    if (name == "NAME" && path.starts_with("job ")) return "jobs";
    if (name == "JOB" || name == "JOB@TIME") return "jobs";
    if (name == "ID" && path.starts_with("execution ")) return "executions";
    if (name == "ID" && path.starts_with("token ")) return "tokens";
    if (name == "WORKER") return "workers";
    if (name == "SHELL") return "choices";
    return "";
}

using Visit = std::function<void(const std::string&, const CommandNode&)>;
// `path` has the words behind `khronos` with blanks between.
void walk(const CommandNode& node, const std::string& path, const Visit& visit) {
    visit(path, node);
    for (const CommandNode& command : node.commands)
        walk(command, path.empty() ? command.name : path + ' ' + command.name, visit);
}

std::string joined(const std::vector<std::string>& words, std::string_view between = " ") {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : std::string(between)) + word;
    return text;
}

std::string single_quoted(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text)
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

// What asks the agent for names; quiet, and soon given up.
constexpr std::string_view kAsking = R"sh(
_khronos_names() {
    command khronos "$@" -o name --quiet --timeout 2s 2>/dev/null
}
)sh";

// bash and zsh share how the words are sorted out: `case`s on the path of commands.
struct Cases {
    std::string next;     // path -> the commands and options that may follow
    std::string values;   // path:option -> values
    std::string sources;  // path -> where its positionals come from
    std::string paths;    // path that is one
    std::string valued;   // options that take a value
};

Cases cases_of(const CommandNode& root) {
    Cases cases;
    std::vector<std::string> common;
    for (const CommandOption& option : root.options)
        if (!option.positional)
            common.insert(common.end(), option.names.begin(), option.names.end());
    std::vector<std::string> valued;
    walk(root, "", [&](const std::string& path, const CommandNode& node) {
        std::vector<std::string> words;
        for (const CommandNode& command : node.commands)
            words.push_back(command.name);
        for (const CommandOption& option : node.options) {
            if (!option.positional)
                words.insert(words.end(), option.names.begin(), option.names.end());
            std::string how;
            if (!option.choices.empty())
                how = "words " + joined(option.choices);
            else if (!option.positional && is_file(option))
                how = "files";
            else if (option.positional)
                how = source_of(path, option);
            if (option.positional) {
                if (!how.empty())
                    cases.sources += fmt::format("        {}) kh_how={} ;;\n", single_quoted(path),
                                                 single_quoted(how));
                continue;
            }
            if (option.value.empty()) continue;
            for (const std::string& name : option.names) {
                valued.push_back(name);
                cases.values +=
                    fmt::format("        {}) kh_how={} ;;\n", single_quoted(path + ':' + name),
                                single_quoted(how.empty() ? "any" : how));
            }
        }
        if (!path.empty()) {
            words.insert(words.end(), common.begin(), common.end());
            cases.paths += fmt::format("        {}) kh_path=$longer ;;\n", single_quoted(path));
        }
        cases.next += fmt::format("        {}) kh_words={} ;;\n", single_quoted(path),
                                  single_quoted(joined(words)));
    });
    std::ranges::sort(valued);
    valued.erase(std::ranges::unique(valued).begin(), valued.end());
    cases.valued = joined(valued, "|");
    return cases;
}

constexpr std::string_view kSorting = R"sh(
# Sets kh_path to the commands typed so far, kh_how to what completes the present word.
_khronos_look() {{
    local current=$1 previous=$2 longer word skip=
    shift 2
    kh_path= kh_how= kh_words=
    for word in "$@"; do
        if [ -n "$skip" ]; then skip=; continue; fi
        case $word in
        {valued}) skip=1; continue ;;
        -*) continue ;;
        esac
        longer="${{kh_path:+$kh_path }}$word"
        case $longer in
{paths}        esac
    done
    case "$kh_path:$previous" in
{values}    esac
    [ -n "$kh_how" ] || case ":$previous" in
{root_values}    esac
    [ -z "$kh_how" ] || return 0
    case $kh_path in
{next}    esac
    case $current in -*) return 0 ;; esac
    case $kh_path in
{sources}    esac
}}

# The words that may stand here, one a line.
_khronos_candidates() {{
    case $kh_how in
    'words '*) printf '%s\n' ${{=kh_how#words }} ;;
    jobs) _khronos_names job list ;;
    executions) _khronos_names execution list --limit 50 ;;
    tokens) _khronos_names token list ;;
    workers) _khronos_names worker-list ;;
    esac
}}
)sh";

std::string sorting(const Cases& cases, const CommandNode& root) {
    // Options of the root may stand behind any command.
    std::string root_values;
    for (const CommandOption& option : root.options)
        for (const std::string& name : option.names)
            if (!option.value.empty())
                root_values += fmt::format(
                    "        {}) kh_how={} ;;\n", single_quoted(":" + name),
                    single_quoted(!option.choices.empty() ? "words " + joined(option.choices)
                                  : is_file(option)       ? "files"
                                                          : "any"));
    return fmt::format(fmt::runtime(kSorting), fmt::arg("valued", cases.valued),
                       fmt::arg("paths", cases.paths), fmt::arg("values", cases.values),
                       fmt::arg("root_values", root_values), fmt::arg("next", cases.next),
                       fmt::arg("sources", cases.sources));
}

// `${=x}` splits in zsh alone; bash splits by itself.
std::string without_zsh_splitting(std::string text) {
    for (std::size_t at = text.find("${=kh_how"); at != text.npos; at = text.find("${=kh_how"))
        text.erase(at + 2, 1);
    return text;
}

std::string bash_script(const CommandNode& root) {
    return "# bash completion of khronos: source it, or put it into "
           "/usr/share/bash-completion/completions/khronos\n" +
           std::string(kAsking) + without_zsh_splitting(sorting(cases_of(root), root)) + R"sh(
_khronos() {
    local kh_path kh_how kh_words
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    COMPREPLY=()
    _khronos_look "$current" "$previous" "${COMP_WORDS[@]:1:COMP_CWORD-1}"
    case $kh_how in
    any) return 0 ;;
    files) mapfile -t COMPREPLY < <(compgen -f -- "$current"); compopt -o filenames 2>/dev/null ;;
    *)
        [[ $kh_how ]] && kh_words="$kh_words $(_khronos_candidates)"
        [[ $kh_how == 'words '* ]] && kh_words=${kh_how#words }
        mapfile -t COMPREPLY < <(compgen -W "$kh_words" -- "$current") ;;
    esac
}
complete -F _khronos khronos
)sh";
}

std::string zsh_script(const CommandNode& root) {
    return "#compdef khronos\n# zsh completion of khronos: put it as _khronos into a folder of "
           "$fpath\n" +
           std::string(kAsking) + sorting(cases_of(root), root) + R"sh(
_khronos() {
    emulate -L zsh
    local kh_path kh_how kh_words
    local current=${words[CURRENT]} previous=${words[CURRENT-1]}
    local -a typed=("${(@)words[2,CURRENT-1]}")
    local -a found
    _khronos_look "$current" "$previous" "${typed[@]}"
    case $kh_how in
    any) _message 'a value'; return ;;
    files) _files; return ;;
    'words '*) found=(${=kh_how#words }) ;;
    *) found=(${=kh_words} ${(f)"$(_khronos_candidates)"}) ;;
    esac
    compadd -a found
}
compdef _khronos khronos
)sh";
}

std::string fish_quoted(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + "'";
}

std::string fish_source(const std::string& how) {
    if (how == "jobs") return "(khronos job list -o name --quiet --timeout 2s 2>/dev/null)";
    if (how == "executions")
        return "(khronos execution list --limit 50 -o name --quiet --timeout 2s 2>/dev/null)";
    if (how == "tokens") return "(khronos token list -o name --quiet --timeout 2s 2>/dev/null)";
    if (how == "workers") return "(khronos worker-list -o name --quiet --timeout 2s 2>/dev/null)";
    return "";
}

std::string fish_script(const CommandNode& root) {
    std::string valued;
    walk(root, "", [&](const std::string&, const CommandNode& node) {
        for (const CommandOption& option : node.options)
            if (!option.positional && !option.value.empty())
                for (const std::string& name : option.names)
                    valued += ' ' + name;
    });
    std::string paths;
    walk(root, "", [&](const std::string& path, const CommandNode&) {
        if (!path.empty()) paths += ' ' + fish_quoted(path);
    });
    std::string text =
        "# fish completion of khronos: put it into ~/.config/fish/completions/khronos.fish\n"
        "function __khronos_path\n"
        "    set -l path\n"
        "    set -l skip 0\n"
        "    for word in (commandline -opc)[2..-1]\n"
        "        if test $skip = 1\n            set skip 0\n            continue\n        end\n"
        "        if contains -- $word" +
        valued +
        "\n            set skip 1\n            continue\n"
        "        end\n"
        "        string match -q -- '-*' $word; and continue\n"
        "        set -l longer (string trim -- \"$path $word\")\n"
        "        contains -- $longer" +
        paths +
        "; and set path $longer\n"
        "    end\n"
        "    echo $path\n"
        "end\n"
        "function __khronos_at\n    test (__khronos_path) = \"$argv\"\nend\n"
        "complete -c khronos -f\n";
    walk(root, "", [&](const std::string& path, const CommandNode& node) {
        const std::string at =
            fmt::format("complete -c khronos -n {}", fish_quoted("__khronos_at " + path));
        for (const CommandNode& command : node.commands)
            text += fmt::format("{} -a {} -d {}\n", at, command.name, fish_quoted(command.does));
        for (const CommandOption& option : node.options) {
            if (option.positional) {
                const std::string how = source_of(path, option);
                if (how == "files")
                    text += at + " -F\n";
                else if (how == "choices")
                    text += fmt::format("{} -a {}\n", at, fish_quoted(joined(option.choices)));
                else if (!how.empty())
                    text += fmt::format("{} -a {}\n", at, fish_quoted(fish_source(how)));
                continue;
            }
            // Options of the root are good everywhere.
            text += path.empty() ? std::string("complete -c khronos") : at;
            for (const std::string& name : option.names)
                text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
            if (!option.value.empty()) {
                text += is_file(option) ? " -r -F" : " -x";
                if (!option.choices.empty()) text += " -a " + fish_quoted(joined(option.choices));
            }
            text += " -d " + fish_quoted(option.does) + '\n';
        }
    });
    return text;
}

}  // namespace

std::string completion_script(const CommandNode& root, std::string_view shell) {
    if (shell == "bash") return bash_script(root);
    if (shell == "zsh") return zsh_script(root);
    if (shell == "fish") return fish_script(root);
    return "";
}

}  // namespace khronos::cli

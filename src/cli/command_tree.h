// The commands as data: what shell completions and the manual are made of, so that neither can
// say anything else than the program does.
#pragma once

#include <string>
#include <vector>

namespace khronos::cli {

struct CommandOption {
    std::vector<std::string> names = {};  // `-o`, `--output`; of a positional its name: `FILE`
    std::string value = {};               // what it takes: `FILE`, `TEXT`; empty: a flag
    std::string does = {};
    std::vector<std::string> choices = {};  // the only values there are
    std::string environment = {};           // the variable that stands for it
    std::string fallback = {};
    bool positional = false;
    bool required = false;
    bool repeated = false;
};

struct CommandNode {
    std::string name;
    std::string does;
    std::string footer;  // examples
    std::vector<CommandOption> options;
    std::vector<CommandNode> commands;
};

// A script for `bash`, `zsh` or `fish` that completes commands, options, their values, files, and
// names of jobs and ids that it asks an agent for. Empty for another shell.
std::string completion_script(const CommandNode& root, std::string_view shell);

// The manual's page in man(7)'s language, section 1.
std::string man_page(const CommandNode& root, std::string_view version);

}  // namespace khronos::cli

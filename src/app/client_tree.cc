#include "app/client_tree.h"

#include "app/client_words.h"
#include "app/config_options.h"

namespace khronos::app {
namespace {

std::vector<std::string> choices_of(const CLI::Option& option) {
    // CLI11 keeps them only as text: `{a,b,c}`.
    const std::string text = option.get_type_name();
    const std::size_t open = text.find('{');
    const std::size_t close = text.rfind('}');
    std::vector<std::string> choices;
    if (open == text.npos || close == text.npos || close < open) return choices;
    std::string word;
    for (const char c : text.substr(open + 1, close - open - 1) + ",") {
        if (c == ',') {
            if (!word.empty()) choices.push_back(word);
            word.clear();
        } else {
            word += c;
        }
    }
    return choices;
}

// What the option takes, by its description where CLI11 knows no more than TEXT.
std::string value_of(const CLI::Option& option) {
    if (option.get_expected_max() == 0) return "";
    const std::string& name =
        option.get_lnames().empty() ? option.get_snames().front() : option.get_lnames().front();
    if (name == "file" || name.ends_with("-file") || name == "cert" || name == "key") return "FILE";
    if (name == "server") return "URL";
    std::string type = option.get_type_name();
    type.resize(std::min(type.find_first_of(":{ "), type.size()));
    return type.empty() ? "VALUE" : type;
}

cli::CommandOption option_of(const CLI::Option& option) {
    cli::CommandOption made;
    made.does = option.get_description();
    made.choices = choices_of(option);
    made.environment = option.get_envname();
    made.required = option.get_required();
    made.repeated = option.get_expected_max() > 1;
    made.positional = option.get_positional();
    if (made.positional) {
        made.names = {option.get_name(true)};
        made.value = made.names.front();
        return made;
    }
    for (const std::string& name : option.get_snames())
        made.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames())
        made.names.push_back("--" + name);
    made.value = value_of(option);
    if (!made.value.empty()) made.fallback = option.get_default_str();
    return made;
}

cli::CommandNode node_of(const CLI::App& app) {
    std::string footer = app.get_footer();
    // The manual and the completion tell of them once.
    if (const std::size_t common = footer.find(kCommonOptions); common != footer.npos)
        footer.erase(common == 0 ? 0 : common - 1);
    cli::CommandNode node{app.get_name(), app.get_description(), std::move(footer), {}, {}};
    for (const CLI::Option* option : app.get_options()) {
        // Good everywhere, so told once.
        const bool help = option->check_name("--help") || option->check_name("--help-all");
        if (!help || app.get_parent() == nullptr) node.options.push_back(option_of(*option));
    }
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        node.commands.push_back(node_of(*command));
    return node;
}

// `khronos agent`'s options, from its own table.
void add_agent_options(cli::CommandNode& agent) {
    for (const OptionSpec& spec : specs_of(agent_options(Env::local, this_machine()))) {
        cli::CommandOption option;
        if (spec.letter != 0) option.names.push_back(std::string("-") + spec.letter);
        option.names.push_back("--" + spec.flag + (spec.secret ? "-file" : ""));
        if (spec.form != Form::toggle)
            option.value = spec.secret               ? "FILE"
                           : spec.value_name.empty() ? "VALUE"
                                                     : spec.value_name;
        option.does = spec.doc;
        if (spec.environment && !spec.key.empty()) option.environment = environment_name(spec);
        option.repeated = spec.form == Form::list || spec.form == Form::mapping;
        agent.options.push_back(std::move(option));
    }
}

}  // namespace

cli::CommandNode command_tree(const CLI::App& app) {
    cli::CommandNode root = node_of(app);
    // They all take an agent's options: to find its settings, or its store.
    for (cli::CommandNode& command : root.commands) {
        if (command.name == "agent" || command.name == "verify" || command.name == "migrate")
            add_agent_options(command);
        if (command.name == "config")
            for (cli::CommandNode& show : command.commands)
                add_agent_options(show);
    }
    return root;
}

}  // namespace khronos::app

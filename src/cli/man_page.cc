#include <fmt/format.h>

#include <string_view>

#include "cli/command_tree.h"

namespace khronos::cli {
namespace {

// Nothing that troff would take for itself.
std::string plain(std::string_view text) {
    std::string safe;
    bool line_begins = true;
    for (const char c : text) {
        if (line_begins && (c == '.' || c == '\'')) safe += "\\&";
        line_begins = c == '\n';
        if (c == '\\')
            safe += "\\e";
        else if (c == '-')
            safe += "\\-";
        else
            safe += c;
    }
    return safe;
}

// The examples' lines as they are typed; the rest of a footer as text.
std::string footer_text(std::string_view footer) {
    std::string text;
    bool verbatim = false;
    while (!footer.empty()) {
        const std::size_t end = std::min(footer.find('\n'), footer.size());
        const std::string_view line = footer.substr(0, end);
        footer.remove_prefix(std::min(end + 1, footer.size()));
        const bool indented = line.starts_with("  ");
        if (indented != verbatim) text += indented ? ".RS\n.nf\n" : ".fi\n.RE\n";
        verbatim = indented;
        text += plain(indented ? line.substr(2) : line) + '\n';
    }
    if (verbatim) text += ".fi\n.RE\n";
    return text;
}

std::string option_head(const CommandOption& option) {
    std::string head;
    for (const std::string& name : option.names)
        head += fmt::format("{}\\fB{}\\fR", head.empty() ? "" : ", ", plain(name));
    if (!option.value.empty() && !option.positional)
        head += fmt::format(" \\fI{}\\fR", plain(option.value));
    return head;
}

std::string options_text(const std::vector<CommandOption>& options) {
    std::string text;
    for (const CommandOption& option : options) {
        text += ".TP\n" + option_head(option) + '\n' + plain(option.does);
        if (!option.choices.empty()) {
            // The choices may be in the words already.
            std::string list;
            for (const std::string& choice : option.choices)
                if (option.does.find(choice) == std::string::npos)
                    list += (list.empty() ? "" : ", ") + choice;
            if (!list.empty())
                text += plain(fmt::format("{}{}", option.does.empty() ? "" : ": ", list));
        }
        if (!option.fallback.empty()) text += plain(fmt::format(" [{}]", option.fallback));
        if (!option.environment.empty()) text += plain(fmt::format(" ({})", option.environment));
        text += '\n';
    }
    return text;
}

std::string synopsis(const std::string& path, const CommandNode& node) {
    std::string text = fmt::format("\\fB{}\\fR", plain(path));
    bool options = false;
    for (const CommandOption& option : node.options)
        options = options || !option.positional;
    if (options) text += " [OPTIONS]";
    for (const CommandOption& option : node.options) {
        if (!option.positional) continue;
        std::string name = plain(option.names.front()) + (option.repeated ? "..." : "");
        text +=
            option.required ? fmt::format(" \\fI{}\\fR", name) : fmt::format(" [\\fI{}\\fR]", name);
    }
    return text;
}

void commands_text(const std::string& path, const CommandNode& node, std::string& text) {
    for (const CommandNode& command : node.commands) {
        const std::string below = path + ' ' + command.name;
        if (!command.commands.empty()) {
            commands_text(below, command, text);
            continue;
        }
        text += ".SS \"" + below + "\"\n" + synopsis(below, command) + "\n.PP\n" +
                plain(command.does) + ".\n" + options_text(command.options);
        if (!command.footer.empty()) text += ".PP\n" + footer_text(command.footer);
    }
}

}  // namespace

std::string man_page(const CommandNode& root, std::string_view version) {
    std::string text = fmt::format(
        ".TH KHRONOS 1 \"\" \"khronos {}\" \"User Commands\"\n.SH NAME\nkhronos \\- {}\n"
        ".SH SYNOPSIS\n\\fBkhronos\\fR \\fICOMMAND\\fR [OPTIONS]\n.SH DESCRIPTION\n"
        "The one program of Khronos: it runs an agent, and it is the client of every agent.\n"
        ".SH COMMANDS\n",
        plain(version), plain(root.does));
    commands_text("khronos", root, text);
    text += ".SH OPTIONS\nThey may stand behind any command but agent, worker and config.\n" +
            options_text(root.options);
    text +=
        ".SH EXIT STATUS\n.TP\n\\fB0\\fR\ndone\n.TP\n\\fB1\\fR\nfailed; of \\fBjob plan\\fR: "
        "something would change\n.TP\n\\fB2\\fR\nwrong usage; of \\fBjob plan\\fR: it cannot be "
        "told\n.TP\n\\fB124\\fR\ntime is up, with \\fB\\-\\-timeout\\fR\n.PP\n\\fBjob run "
        "\\-\\-wait\\fR and \\fBexecution logs \\-f\\fR exit with the run's own status, 128 + N "
        "where signal N ended it.\n"
        ".SH ENVIRONMENT\n\\fBNO_COLOR\\fR, set to anything, keeps colours away. The variables "
        "that stand for options are named with them.\n";
    return text;
}

}  // namespace khronos::cli

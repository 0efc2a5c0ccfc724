#include "app/config_show.h"

#include <fmt/format.h>

#include <algorithm>

namespace khronos::app {
namespace {

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += fmt::format("\\{}", c);
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        else
            out += c;
    }
    return out + '"';
}

std::string value_of(const OptionSpec& option, const std::vector<std::string>& texts) {
    std::vector<std::string> parts;
    switch (option.form) {
        case Form::number:
        case Form::toggle:
            return texts.at(0);
        case Form::text:
            return quoted(texts.at(0));
        case Form::list:
            for (const std::string& text : texts)
                parts.push_back(quoted(text));
            return fmt::format("[{}]", fmt::join(parts, ", "));
        case Form::mapping:
            for (const std::string& text : texts) {
                const std::size_t equals = text.find('=');
                parts.push_back(fmt::format("{} = {}", quoted(text.substr(0, equals)),
                                            quoted(text.substr(equals + 1))));
            }
            return parts.empty() ? "{}" : fmt::format("{{ {} }}", fmt::join(parts, ", "));
    }
    return {};
}

std::string line_of(const AgentOption& option, const AgentConfig& config) {
    if (option.spec.secret) {
        const auto texts = option.show(config);
        const bool set = std::ranges::any_of(texts, [](const auto& text) { return !text.empty(); });
        return fmt::format("# {}: {}", option.spec.flag, set ? "(set)" : "(not set)");
    }
    const std::string value = value_of(option.spec, option.show(config));
    return option.spec.key.empty() ? fmt::format("# --{} {}", option.spec.flag, value)
                                   : fmt::format("{} = {}", option.spec.key, value);
}

}  // namespace

std::string show_config(const Loaded& loaded, const std::vector<AgentOption>& options,
                        bool origin) {
    std::vector<std::string> lines;
    std::size_t width = 0;
    for (const AgentOption& option : options) {
        lines.push_back(line_of(option, loaded.config));
        width = std::max(width, lines.back().size());
    }
    std::string text;
    for (std::size_t i = 0; i < options.size(); ++i)
        text += origin ? fmt::format("{:<{}}  # {}\n", lines[i], std::min<std::size_t>(width, 60),
                                     loaded.origins.at(options[i].spec.flag).where)
                       : lines[i] + "\n";
    return text;
}

}  // namespace khronos::app

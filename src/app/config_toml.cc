#include "app/config_toml.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>

namespace khronos::app {
namespace {

// A scalar as the text a user would type; nothing for dates and floats, which no option takes.
std::optional<std::string> scalar(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
    if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
    return std::nullopt;
}

TomlType type_of(const toml::node& node) {
    if (node.is_string()) return TomlType::text;
    if (node.is_integer()) return TomlType::integer;
    if (node.is_boolean()) return TomlType::boolean;
    return TomlType::other;
}

TomlEntry entry_of(const toml::node& node, std::string key) {
    TomlEntry entry{std::move(key), type_of(node), {}, static_cast<int>(node.source().begin.line)};
    if (const toml::array* array = node.as_array()) {
        entry.type = TomlType::array;
        for (const toml::node& element : *array) {
            if (auto value = scalar(element))
                entry.values.push_back(std::move(*value));
            else
                entry.type = TomlType::other;
        }
    } else if (auto value = scalar(node)) {
        entry.values.push_back(std::move(*value));
    }
    return entry;
}

void flatten(const toml::table& table, const std::string& prefix, std::vector<TomlEntry>& out) {
    for (const auto& [key, node] : table) {
        const std::string name = prefix + std::string(key.str());
        if (const toml::table* inner = node.as_table())
            flatten(*inner, name + ".", out);
        else
            out.push_back(entry_of(node, name));
    }
}

}  // namespace

std::expected<std::vector<TomlEntry>, TomlError> parse_toml(std::string_view text) {
    try {
        std::vector<TomlEntry> entries;
        flatten(toml::parse(text), "", entries);
        std::ranges::stable_sort(entries, {}, &TomlEntry::line);
        return entries;
    } catch (const toml::parse_error& error) {
        return std::unexpected(TomlError{static_cast<int>(error.source().begin.line),
                                         std::string(error.description())});
    }
}

}  // namespace khronos::app

#include "cli/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <iterator>

namespace khronos::cli {
namespace json = boost::json;
namespace {

std::string quoted(std::string_view text) {
    return json::serialize(json::string(text));
}

// What is neither object nor list.
std::string scalar(const json::value& value) {
    if (const auto* number = value.if_double()) return fmt::format("{}", *number);
    return json::serialize(value);
}

bool is_leaf(const json::value& value) {
    if (const auto* object = value.if_object()) return object->empty();
    if (const auto* array = value.if_array()) return array->empty();
    return true;
}

void indent(std::string& out, int depth) {
    out.append(static_cast<std::size_t>(depth) * 2, ' ');
}

void write_json(const json::value& value, int depth, std::string& out) {
    if (is_leaf(value)) {
        out += scalar(value);
        return;
    }
    const auto* object = value.if_object();
    bool first = true;
    const auto begin_line = [&] {
        out += first ? "\n" : ",\n";
        first = false;
        indent(out, depth + 1);
    };
    out += object ? '{' : '[';
    if (object) {
        for (const auto& [key, member] : *object) {
            begin_line();
            out += quoted(key) + ": ";
            write_json(member, depth + 1, out);
        }
    } else {
        for (const auto& element : value.get_array()) {
            begin_line();
            write_json(element, depth + 1, out);
        }
    }
    out += '\n';
    indent(out, depth);
    out += object ? '}' : ']';
}

// A text that no YAML reader takes for something else.
bool is_plain(std::string_view text) {
    if (text.empty() || !std::isalpha(static_cast<unsigned char>(text[0]))) return false;
    std::string lower(text.substr(0, 8));
    for (char& c : lower)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const std::string_view word :
         {"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
        if (lower == word) return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.' ||
               c == '/';
    });
}

std::string yaml_scalar(const json::value& value) {
    const auto* text = value.if_string();
    return text && is_plain(*text) ? std::string(*text) : scalar(value);
}

void write_yaml(const json::value& value, int depth, std::string& out);

// What stands behind `key:` or `-`.
void write_yaml_member(const json::value& member, int depth, std::string& out) {
    if (is_leaf(member)) {
        out += ' ' + yaml_scalar(member) + '\n';
        return;
    }
    out += '\n';
    write_yaml(member, depth, out);
}

void write_yaml(const json::value& value, int depth, std::string& out) {
    if (const auto* object = value.if_object()) {
        for (const auto& [key, member] : *object) {
            indent(out, depth);
            out += (is_plain(key) ? std::string(key) : quoted(key)) + ':';
            write_yaml_member(member, depth + 1, out);
        }
        return;
    }
    for (const auto& element : value.get_array()) {
        indent(out, depth);
        out += '-';
        if (is_leaf(element)) {
            write_yaml_member(element, depth + 1, out);
            continue;
        }
        // The first line of the element stands behind the dash.
        std::string below;
        write_yaml(element, depth + 1, below);
        out += ' ' + below.substr(static_cast<std::size_t>(depth + 1) * 2);
    }
}

}  // namespace

std::string to_json_text(const json::value& value) {
    std::string out;
    write_json(value, 0, out);
    return out + '\n';
}

std::string to_yaml_text(const json::value& value) {
    if (is_leaf(value)) return yaml_scalar(value) + '\n';
    std::string out;
    write_yaml(value, 0, out);
    return out;
}

std::string cell(const json::value& value, std::string_view path) {
    const json::value* at = &value;
    while (!path.empty()) {
        const std::size_t dot = std::min(path.find('.'), path.size());
        const auto* object = at->if_object();
        at = object ? object->if_contains(path.substr(0, dot)) : nullptr;
        if (!at) return "";
        path.remove_prefix(std::min(dot + 1, path.size()));
    }
    if (at->is_null()) return "";
    if (const auto* text = at->if_string()) return std::string(*text);
    return scalar(*at);
}

std::string printable(std::string_view text) {
    std::string shown;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        // U+0080 to U+009F are control characters too.
        const bool high_control =
            c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (high_control) ++i;
        if (c < 0x20 || c == 0x7f || high_control)
            shown += c == '\n' || c == '\t' ? " " : "?";
        else
            shown += static_cast<char>(c);
    }
    return shown;
}

}  // namespace khronos::cli

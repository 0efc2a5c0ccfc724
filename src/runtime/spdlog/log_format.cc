#include "runtime/spdlog/log_format.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "base/duration.h"
#include "base/utf8.h"

namespace khronos::runtime {

namespace {

// Controls of both sets, line and paragraph separators, marks and overrides of direction.
bool steers_terminal(char32_t point) {
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x061c ||
           (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

void append_escaped(std::string& out, std::string_view text, bool quoted) {
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Character character = utf8_at(text, at);
        if (character.size == 0) {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}",
                           static_cast<unsigned char>(text[at]));
            ++at;
            continue;
        }
        if (character.point == '\n')
            out += "\\n";
        else if (steers_terminal(character.point))
            fmt::format_to(std::back_inserter(out), "\\u{:04x}",
                           static_cast<std::uint32_t>(character.point));
        else if (quoted && (character.point == '"' || character.point == '\\'))
            out.append({'\\', static_cast<char>(character.point)});
        else
            out.append(text, at, character.size);
        at += character.size;
    }
}

void append_text_value(std::string& out, std::string_view text) {
    const bool bare = !text.empty() && text.find_first_of(" =\"\\") == std::string_view::npos;
    if (!bare) out += '"';
    append_escaped(out, text, !bare);
    if (!bare) out += '"';
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Character character = utf8_at(text, at);
        if (character.size == 0) {
            out += "\\ufffd";
            ++at;
            continue;
        }
        if (character.point == '"' || character.point == '\\')
            out.append({'\\', static_cast<char>(character.point)});
        else if (steers_terminal(character.point))
            fmt::format_to(std::back_inserter(out), "\\u{:04x}",
                           static_cast<std::uint32_t>(character.point));
        else
            out.append(text, at, character.size);
        at += character.size;
    }
    out += '"';
}

// Text goes to `append_string`; what is no text looks the same in both forms, but for durations.
template <class AppendString>
void append_value(std::string& out, const LogField::Value& value, bool json,
                  AppendString append_string) {
    const auto at = std::back_inserter(out);
    std::visit(
        [&]<class Type>(const Type& held) {
            if constexpr (std::is_same_v<Type, std::string_view>)
                append_string(out, held);
            else if constexpr (std::is_same_v<Type, JobUid>)
                append_string(out, to_hex(held));
            else if constexpr (std::is_same_v<Type, Duration>)
                json ? append_string(out, format_duration(held))
                     : static_cast<void>(out += format_duration(held));
            else if constexpr (std::is_same_v<Type, double>)
                std::isfinite(held) ? static_cast<void>(fmt::format_to(at, "{}", held))
                                    : static_cast<void>(out += "null");
            else
                fmt::format_to(at, "{}", held);
        },
        value);
}

}  // namespace

void append_text(std::string& out, std::string_view message, Log::Fields fields) {
    append_escaped(out, message, false);
    for (const LogField& field : fields) {
        out += ' ';
        out += field.key;
        out += '=';
        append_value(out, field.value, false, append_text_value);
    }
}

void append_json(std::string& out, std::string_view message, Log::Fields fields) {
    out += "\"message\":";
    append_json_string(out, message);
    for (const LogField& field : fields) {
        out += ',';
        append_json_string(out, field.key);
        out += ':';
        append_value(out, field.value, true, append_json_string);
    }
}

}  // namespace khronos::runtime

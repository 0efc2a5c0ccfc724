#include "api/multipart.h"

#include <string>

#include "api/http_types.h"

namespace khronos::api {
namespace {

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t'))
        text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t'))
        text.remove_suffix(1);
    return text;
}

// The value of `key` in `form-data; name="file"; filename=x`.
std::optional<std::string_view> parameter(std::string_view field, std::string_view key) {
    std::size_t semicolon = field.find(';');
    while (semicolon != field.npos) {
        std::string_view rest = trimmed(field.substr(semicolon + 1));
        const std::size_t equals = rest.find('=');
        if (equals == rest.npos) return std::nullopt;
        const std::string_view found = trimmed(rest.substr(0, equals));
        rest.remove_prefix(equals + 1);
        std::size_t end = 0;
        std::string_view value;
        if (rest.starts_with('"')) {
            end = rest.find('"', 1);
            if (end == rest.npos) return std::nullopt;
            value = rest.substr(1, end - 1);
        } else {
            end = std::min(rest.find(';'), rest.size());
            value = trimmed(rest.substr(0, end));
        }
        if (equals_ignoring_case(found, key)) return value;
        const std::size_t next = rest.find(';', end);
        if (next == rest.npos) return std::nullopt;
        field = rest;
        semicolon = next;
    }
    return std::nullopt;
}

// Takes what stands before `separator` from the front, and the separator with it.
std::optional<std::string_view> take_until(std::string_view& text, std::string_view separator) {
    const std::size_t at = text.find(separator);
    if (at == text.npos) return std::nullopt;
    const std::string_view taken = text.substr(0, at);
    text.remove_prefix(at + separator.size());
    return taken;
}

bool is_named(std::string_view head, std::string_view name) {
    while (!head.empty()) {
        std::string_view line = head.substr(0, head.find("\r\n"));
        head.remove_prefix(std::min(line.size() + 2, head.size()));
        const std::size_t colon = line.find(':');
        if (colon == line.npos) continue;
        if (!equals_ignoring_case(trimmed(line.substr(0, colon)), "Content-Disposition")) continue;
        return parameter(line.substr(colon + 1), "name") == name;
    }
    return false;
}

}  // namespace

std::optional<std::string_view> form_part(std::string_view content_type, std::string_view body,
                                          std::string_view name) {
    constexpr std::string_view kType = "multipart/form-data";
    if (!equals_ignoring_case(trimmed(content_type.substr(0, content_type.find(';'))), kType))
        return std::nullopt;
    const auto boundary = parameter(content_type, "boundary");
    if (!boundary || boundary->empty()) return std::nullopt;
    const std::string delimiter = "--" + std::string(*boundary);
    if (!take_until(body, delimiter)) return std::nullopt;  // what stands before it is a preamble
    while (body.starts_with("\r\n")) {
        body.remove_prefix(2);
        const auto head = take_until(body, "\r\n\r\n");
        const auto content = head ? take_until(body, "\r\n" + delimiter) : std::nullopt;
        if (!content) return std::nullopt;
        if (is_named(*head, name)) return content;
    }
    return std::nullopt;
}

}  // namespace khronos::api

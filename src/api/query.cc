#include "api/query.h"

#include <fmt/format.h>

namespace khronos::api {

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, Plus plus) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            decoded += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            decoded += text[i] == '+' && plus == Plus::space ? ' ' : text[i];
        }
    }
    return decoded;
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(text.size());
    for (const char c : text) {
        if (is_unreserved(c)) {
            encoded += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded += {'%', kHex[byte >> 4], kHex[byte & 15]};
        }
    }
    return encoded;
}

std::expected<QueryParameters, Error> QueryParameters::parse(std::string_view query) {
    QueryParameters parsed;
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (pair.empty()) continue;
        const std::size_t equals = std::min(pair.find('='), pair.size());
        auto key = percent_decode(pair.substr(0, equals), Plus::space);
        auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), Plus::space);
        if (!key || !value)
            return std::unexpected(invalid(
                std::string(pair.substr(0, std::min<std::size_t>(equals, 64))),
                fmt::format("'{}' has a '%' that is not followed by two hexadecimal digits; "
                            "write '%25' for the character itself",
                            pair.substr(0, 64))));
        parsed.parameters_.push_back({std::move(*key), std::move(*value)});
    }
    return parsed;
}

std::optional<std::string_view> QueryParameters::get(std::string_view key) const {
    for (const Parameter& parameter : parameters_)
        if (parameter.key == key) return parameter.value;
    return std::nullopt;
}

std::vector<std::string_view> QueryParameters::all(std::string_view key) const {
    std::vector<std::string_view> values;
    for (const Parameter& parameter : parameters_)
        if (parameter.key == key) values.push_back(parameter.value);
    return values;
}

std::vector<std::pair<std::string_view, std::string_view>> QueryParameters::members(
    std::string_view name) const {
    std::vector<std::pair<std::string_view, std::string_view>> found;
    for (const Parameter& parameter : parameters_) {
        std::string_view key = parameter.key;
        if (!key.starts_with(name) || !key.ends_with(']')) continue;
        key.remove_prefix(name.size());
        if (!key.starts_with('[')) continue;
        found.emplace_back(key.substr(1, key.size() - 2), parameter.value);
    }
    return found;
}

}  // namespace khronos::api

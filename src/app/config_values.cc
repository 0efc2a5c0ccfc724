#include "app/config_values.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <utility>

#include "app/config_nearest.h"
#include "base/duration.h"

namespace khronos::app {
namespace {

constexpr std::size_t kNameMax = 128;

std::string cut(const std::string& text) {
    return text.size() <= 80 ? text : text.substr(0, 80) + "...";
}

template <class T>
Parsed<T> parse_number(const std::string& text, T least, T most, std::string_view what) {
    T value = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    if (text.empty() || error != std::errc() || at != end || value < least || value > most)
        return std::unexpected(
            fmt::format("'{}' is not {} ({} to {})", cut(text), what, least, most));
    return value;
}

template <class E>
Codec<E> choice(std::vector<std::pair<E, std::string>> names) {
    return {
        [names](const std::string& text) -> Parsed<E> {
            std::vector<std::string> known;
            for (const auto& [value, name] : names) {
                if (name == text) return value;
                known.push_back(name);
            }
            return std::unexpected(fmt::format("'{}' is none of {}{}", cut(text),
                                               fmt::join(known, ", "), did_you_mean(text, known)));
        },
        [names](const E& value) {
            for (const auto& [candidate, name] : names)
                if (candidate == value) return name;
            return std::string();
        },
    };
}

std::string same(const std::string& text) {
    return text;
}

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

// The path without `.` and `..`, and without a slash at its end.
std::string normal(const std::filesystem::path& path) {
    std::string text = path.lexically_normal().string();
    while (text.size() > 1 && text.back() == '/')
        text.pop_back();
    return text;
}

}  // namespace

Codec<std::string> ip_address() {
    return {[](const std::string& text) -> Parsed<std::string> {
                std::array<char, sizeof(in6_addr)> address{};
                if (inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
                    inet_pton(AF_INET6, text.c_str(), address.data()) == 1)
                    return text;
                return std::unexpected(
                    fmt::format("'{}' is not an IP address such as 127.0.0.1 or ::1", cut(text)));
            },
            same};
}

Codec<std::uint16_t> port() {
    return {[](const std::string& text) -> Parsed<std::uint16_t> {
                return parse_number<std::uint16_t>(text, 0, 65535, "a port");
            },
            [](const std::uint16_t& value) { return fmt::format("{}", value); }};
}

Codec<std::uint32_t> number(std::uint32_t least, std::uint32_t most) {
    return {[=](const std::string& text) -> Parsed<std::uint32_t> {
                return parse_number(text, least, most, "a number in range");
            },
            [](const std::uint32_t& value) { return fmt::format("{}", value); }};
}

Codec<Duration> duration(Duration least, Duration most) {
    return {
        [=](const std::string& text) -> Parsed<Duration> {
            auto value = parse_duration(text);
            if (value && (*value < least || *value > most))
                return std::unexpected(fmt::format("'{}' is out of range ({} to {})", text,
                                                   format_duration(least), format_duration(most)));
            return value;
        },
        [](const Duration& value) { return format_duration(value); }};
}

Codec<bool> truth() {
    return {[](const std::string& text) -> Parsed<bool> {
                if (text == "true" || text == "1") return true;
                if (text == "false" || text == "0") return false;
                return std::unexpected(fmt::format("'{}' is neither true nor false", cut(text)));
            },
            [](const bool& value) { return std::string(value ? "true" : "false"); }};
}

Codec<std::string> node_name() {
    return {[](const std::string& text) -> Parsed<std::string> {
                if (!text.empty() && text.size() <= kNameMax &&
                    std::ranges::all_of(text, is_name_char) && text != "." && text != "..")
                    return text;
                return std::unexpected(
                    fmt::format("'{}' is not a name: 1 to {} letters, digits, "
                                "'.', '_' and '-'",
                                cut(text), kNameMax));
            },
            same};
}

Codec<std::string> keyspace() {
    return {[](const std::string& text) -> Parsed<std::string> {
                const bool right =
                    text.size() >= 2 && text.size() <= kNameMax && text.front() == '/' &&
                    text.back() != '/' && text.find("//") == std::string::npos &&
                    std::ranges::all_of(text, [](char c) { return is_name_char(c) || c == '/'; });
                if (right) return text;
                return std::unexpected(fmt::format(
                    "'{}' is not a keyspace such as /khronos: it begins with '/' and does not end "
                    "with one",
                    cut(text)));
            },
            same};
}

Codec<std::string> directory(const std::string& relative_to) {
    return {[=](const std::string& text) -> Parsed<std::string> {
                if (text.empty() || text.find('\0') != std::string::npos)
                    return std::unexpected(std::string("is empty; it has to be a directory"));
                return normal(std::filesystem::path(relative_to) / text);
            },
            same};
}

Codec<std::string> any_text() {
    return {[](const std::string& text) -> Parsed<std::string> { return text; }, same};
}

Codec<HostPort> host_port() {
    return {[](const std::string& text) -> Parsed<HostPort> {
                const std::size_t colon = text.rfind(':');
                std::string host = text.substr(0, colon);
                const bool bracketed = host.starts_with('[') && host.ends_with(']');
                if (bracketed) host = host.substr(1, host.size() - 2);
                const auto number =
                    colon == std::string::npos
                        ? Parsed<std::uint16_t>(std::unexpected(std::string()))
                        : parse_number<std::uint16_t>(text.substr(colon + 1), 1, 65535, "a port");
                // An IPv6 address without brackets cannot be told from its port.
                if (!number || host.empty() ||
                    (!bracketed && host.find_first_of(":/@[] ") != std::string::npos))
                    return std::unexpected(fmt::format(
                        "'{}' is not HOST:PORT such as 10.0.0.1:2379 or [::1]:2379", cut(text)));
                return HostPort{host, *number};
            },
            [](const HostPort& value) {
                return value.host.find(':') == std::string::npos
                           ? fmt::format("{}:{}", value.host, value.port)
                           : fmt::format("[{}]:{}", value.host, value.port);
            }};
}

Codec<Env> environment() {
    return choice<Env>(
        {{Env::local, "local"}, {Env::dev, "dev"}, {Env::sit, "sit"}, {Env::prod, "prod"}});
}
Codec<Backend> backend() {
    return choice<Backend>({{Backend::embedded, "embedded"}, {Backend::etcd, "etcd"}});
}
Codec<LogLevel> log_level() {
    return choice<LogLevel>({{LogLevel::trace, "trace"},
                             {LogLevel::debug, "debug"},
                             {LogLevel::info, "info"},
                             {LogLevel::warn, "warn"},
                             {LogLevel::error, "error"}});
}
Codec<TlsClient> tls_client() {
    return choice<TlsClient>(
        {{TlsClient::optional, "optional"}, {TlsClient::required, "required"}});
}

Codec<CertificateRole> certificate_role() {
    using Role = CertificateRole;
    return choice<Role>({{Role::none, "none"},
                         {Role::viewer, "viewer"},
                         {Role::runner, "runner"},
                         {Role::editor, "editor"},
                         {Role::admin, "admin"}});
}

Codec<LogFormat> log_format() {
    return choice<LogFormat>({{LogFormat::text, "text"}, {LogFormat::json, "json"}});
}

Parsed<Tag> parse_tag(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
        return std::unexpected(fmt::format("'{}' is not a tag such as region=eu", cut(text)));
    return Tag{text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace khronos::app

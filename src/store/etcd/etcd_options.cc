#include "store/etcd/etcd_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/utf8.h"

namespace khronos::store {
namespace {

constexpr std::size_t kEndpointsMax = 16;
constexpr std::size_t kKeyspaceBytes = 128;
constexpr std::string_view kExample = "write HOST:PORT, such as 10.0.0.1:2379";

bool is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

std::string check_host(std::string_view host) {
    if (host.empty()) return "has no host";
    if (host.front() == '[') {
        const std::string_view inner = host.substr(1, host.size() - 2);
        const bool ok =
            host.back() == ']' && !inner.empty() && std::ranges::all_of(inner, [](char c) {
                return is_host_character(c) || c == ':' || c == '%';
            });
        return ok ? "" : "has a host that is no IPv6 address in brackets";
    }
    if (host.find(':') != std::string_view::npos)
        return "has more than one colon; an IPv6 address goes in brackets, [::1]:2379";
    if (!std::ranges::all_of(host, is_host_character))
        return "has a character in its host that no host name has";
    return "";
}

Error field_error(std::string field, std::string message) {
    return invalid("etcd." + std::move(field), std::move(message));
}

std::expected<void, Error> check_endpoints(const EtcdOptions& options) {
    if (options.endpoints.empty())
        return std::unexpected(field_error("endpoints", fmt::format("is empty: {}", kExample)));
    if (options.endpoints.size() > kEndpointsMax)
        return std::unexpected(
            field_error("endpoints", fmt::format("has {} entries; at most {} are allowed",
                                                 options.endpoints.size(), kEndpointsMax)));
    std::vector<std::string> seen;
    for (const std::string& text : options.endpoints) {
        auto endpoint = parse_endpoint(text);
        if (!endpoint) return std::unexpected(field_error("endpoints", endpoint.error()));
        if (endpoint->https && !options.tls)
            return std::unexpected(field_error(
                "endpoints", fmt::format("'{}' says https, but no TLS is set up", text)));
        if (text.starts_with("http://") && options.tls)
            return std::unexpected(
                field_error("endpoints", fmt::format("'{}' says http, but TLS is set up", text)));
        if (std::ranges::find(seen, endpoint->address) != seen.end())
            return std::unexpected(
                field_error("endpoints", fmt::format("'{}' is there twice", text)));
        seen.push_back(endpoint->address);
    }
    return {};
}

std::expected<void, Error> check_keyspace(const std::string& keyspace) {
    auto wrong = [&](std::string_view why) {
        return std::unexpected(field_error(
            "keyspace", fmt::format("'{}' {}; write one like /khronos", keyspace, why)));
    };
    if (keyspace.empty()) return wrong("is empty");
    if (keyspace.size() > kKeyspaceBytes)
        return wrong(fmt::format("is longer than {} bytes", kKeyspaceBytes));
    if (keyspace.back() == '/') return wrong("ends in a slash");
    if (!is_valid_utf8(keyspace)) return wrong("is not UTF-8");
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    };
    if (std::ranges::any_of(keyspace, is_control)) return wrong("has a control character");
    return {};
}

std::expected<void, Error> check_durations(const EtcdOptions& options) {
    struct Range {
        const char* field;
        Duration value, least, most;
    };
    const Range ranges[] = {
        {"call_deadline", options.call_deadline, 100ms, 60s},
        {"range_deadline", options.range_deadline, 100ms, 10min},
        {"open_deadline", options.open_deadline, 100ms, 10min},
        {"progress_interval", options.progress_interval, 100ms, 60s},
        {"compact_interval", options.compact_interval, 0s, 24h},
    };
    for (const Range& range : ranges) {
        if (range.value < range.least || range.value > range.most)
            return std::unexpected(field_error(
                range.field, fmt::format("is out of range: from {} ms to {} ms",
                                         range.least.count() / 1000, range.most.count() / 1000)));
    }
    return {};
}

}  // namespace

std::expected<EtcdEndpoint, std::string> parse_endpoint(std::string_view text) {
    auto wrong = [&](std::string_view why) {
        return std::unexpected(fmt::format("'{}' {}; {}", text, why, kExample));
    };
    EtcdEndpoint endpoint;
    std::string_view rest = text;
    if (const std::size_t scheme = rest.find("://"); scheme != std::string_view::npos) {
        const std::string_view name = rest.substr(0, scheme);
        if (name != "http" && name != "https") return wrong("is neither http nor https");
        endpoint.https = name == "https";
        rest.remove_prefix(scheme + 3);
        if (rest.ends_with('/')) rest.remove_suffix(1);
    }
    const std::size_t colon = rest.rfind(':');
    if (colon == std::string_view::npos || rest.ends_with(']')) return wrong("has no port");
    const std::string_view host = rest.substr(0, colon);
    const std::string_view port = rest.substr(colon + 1);
    if (std::string why = check_host(host); !why.empty()) return wrong(why);
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc() || end != port.data() + port.size() || number < 1 || number > 65535)
        return wrong("has no port from 1 to 65535");
    endpoint.address = rest;
    return endpoint;
}

std::expected<void, Error> EtcdOptions::validate() const {
    if (auto ok = check_endpoints(*this); !ok) return ok;
    if (auto ok = check_keyspace(keyspace); !ok) return ok;
    if (auto ok = check_durations(*this); !ok) return ok;
    if (user.empty() && !password.empty())
        return std::unexpected(field_error("user", "is empty, but there is a password"));
    if (!user.empty() && password.empty())
        return std::unexpected(
            field_error("password", fmt::format("is empty, but there is a user '{}'", user)));
    if (tls && tls->cert_file.empty() != tls->key_file.empty())
        return std::unexpected(
            field_error("tls", "a certificate and its key go together: one of the two is missing"));
    if (calls_in_flight < 1 || calls_in_flight > 4096)
        return std::unexpected(field_error("calls_in_flight", "is out of range: from 1 to 4096"));
    return {};
}

}  // namespace khronos::store

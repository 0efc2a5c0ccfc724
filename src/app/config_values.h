// From the text of a value to its type and back. An error is the rest of a sentence that begins
// with the option's name: `'x' is not a port (0 to 65535)`.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"

namespace khronos::app {

template <class T>
using Parsed = std::expected<T, std::string>;

// Reads and writes one value; what `show` writes, `parse` reads as the same value.
template <class T>
struct Codec {
    std::function<Parsed<T>(const std::string&)> parse;
    std::function<std::string(const T&)> show;
};

Codec<std::string> ip_address();
Codec<std::uint16_t> port();
Codec<std::uint32_t> number(std::uint32_t least, std::uint32_t most);
Codec<Duration> duration(Duration least, Duration most);
Codec<bool> truth();
Codec<std::string> node_name();  // letters, digits, `.`, `_`, `-`; at most 128
Codec<std::string> keyspace();   // `/khronos`
Codec<std::string> directory(const std::string& relative_to);  // absolute afterwards
Codec<std::string> any_text();
Codec<HostPort> host_port();  // `10.0.0.1:2379`, `[::1]:2379`, `etcd-1:2379`
Codec<Env> environment();
Codec<Backend> backend();
Codec<LogLevel> log_level();
Codec<LogFormat> log_format();
Codec<TlsClient> tls_client();
Codec<CertificateRole> certificate_role();

struct Tag {
    std::string key, value;
};
Parsed<Tag> parse_tag(const std::string& text);  // `k=v`

}  // namespace khronos::app

#include "worker/secrets.h"

#include <fmt/format.h>

#include <algorithm>

namespace khronos::worker {
namespace {

constexpr std::string_view kOpen = "${secret:";

// As the inside of a JSON string.
std::expected<std::string, std::string> for_header(const std::string& value) {
    std::string text;
    for (const char c : value) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return std::unexpected("has a line break or another control character, which no "
                                   "header can have");
        if (c == '"' || c == '\\') text += '\\';
        text += c;
    }
    return text;
}

}  // namespace

bool is_secret_name(std::string_view name) {
    if (name.empty() || name.size() > 128 || name[0] == '.') return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    });
}

std::expected<std::string, std::string> with_secrets(std::string_view text,
                                                     const Secrets& secrets) {
    std::string result;
    for (;;) {
        const std::size_t at = text.find(kOpen);
        result += text.substr(0, at);
        if (at == text.npos) return result;
        text.remove_prefix(at + kOpen.size());
        const std::size_t end = text.find('}');
        const std::string_view name = text.substr(0, end);
        if (end == text.npos || !is_secret_name(name))
            return std::unexpected(fmt::format("'{}{}' names no secret; write ${{secret:NAME}}",
                                               kOpen, name.substr(0, 40)));
        if (!secrets) return std::unexpected("this worker has no directory of secrets");
        auto value = secrets(name);
        if (!value) return std::unexpected(fmt::format("the secret '{}' {}", name, value.error()));
        result += *value;
        text.remove_prefix(end + 1);
    }
}

std::expected<void, std::string> put_secrets(ProcessSpec& process, const Secrets& secrets) {
    for (auto& [key, value] : process.env) {
        if (!value.contains(kOpen)) continue;
        auto whole = with_secrets(value, secrets);
        if (!whole) return std::unexpected(fmt::format("env: {}: {}", key, whole.error()));
        if (whole->contains('\0'))
            return std::unexpected(fmt::format("env: {}: the secret has a zero byte", key));
        value = std::move(*whole);
    }
    return {};
}

std::expected<void, std::string> put_secrets(core::RunSpec& spec, const Secrets& secrets) {
    if (spec.executor != "http") return {};
    const Secrets as_json = [&](std::string_view name) -> std::expected<std::string, std::string> {
        if (!secrets) return std::unexpected("cannot be read: this worker has none");
        auto value = secrets(name);
        if (!value) return value;
        return for_header(*value);
    };
    for (const std::string_view key : {"headers", "body"}) {
        const auto at = spec.executor_config.find(key);
        if (at == spec.executor_config.end() || !at->second.contains(kOpen)) continue;
        auto whole = with_secrets(at->second, key == "headers" ? as_json : secrets);
        if (!whole) return std::unexpected(fmt::format("{}: {}", key, whole.error()));
        at->second = std::move(*whole);
    }
    return {};
}

}  // namespace khronos::worker

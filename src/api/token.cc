#include "api/token.h"

#include <fmt/format.h>

#include "api/json_text.h"

namespace khronos::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kPrefix = "khr_";
constexpr std::size_t kIdDigits = 16;
constexpr std::size_t kSecretDigits = 64;

bool is_hex(std::string_view text) {
    for (const char c : text)
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
    return true;
}

std::optional<Digest> digest_of_hex(std::string_view text) {
    Digest digest{};
    if (text.size() != 2 * digest.size() || !is_hex(text)) return std::nullopt;
    const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    for (std::size_t i = 0; i < digest.size(); ++i)
        digest[i] = static_cast<std::uint8_t>(value(text[2 * i]) * 16 + value(text[2 * i + 1]));
    return digest;
}

std::string string_at(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

WallTime time_at(const json::object& object, std::string_view key) {
    return parse_rfc3339(string_at(object, key)).value_or(WallTime{});
}

json::value time_or_null(WallTime time) {
    if (!time.is_set()) return nullptr;
    return json::string(to_rfc3339(time));
}

}  // namespace

std::string to_hex(const Digest& digest) {
    std::string text;
    for (const std::uint8_t byte : digest)
        text += fmt::format("{:02x}", byte);
    return text;
}

bool equal_in_constant_time(const Digest& a, const Digest& b) {
    volatile unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        difference = difference | static_cast<unsigned>(a[i] ^ b[i]);
    return difference == 0;
}

std::optional<Permission> role_of(std::string_view word) {
    for (const Permission role :
         {Permission::viewer, Permission::runner, Permission::editor, Permission::admin})
        if (to_string(role) == word) return role;
    return std::nullopt;
}

std::string to_text(const TokenRecord& record) {
    return write_json(json::object{{"id", record.id},
                                   {"name", record.name},
                                   {"owner", record.owner},
                                   {"role", to_string(record.role)},
                                   {"sha256", to_hex(record.digest)},
                                   {"created_at", time_or_null(record.created_at)},
                                   {"created_by", record.created_by},
                                   {"expires_at", time_or_null(record.expires_at)}});
}

std::expected<TokenRecord, std::string> token_from_text(std::string_view text) {
    const auto value = parse_json(text);
    if (!value || !value->is_object()) return std::unexpected("is no token's record");
    const json::object& object = value->as_object();
    TokenRecord record;
    record.id = string_at(object, "id");
    record.name = string_at(object, "name");
    record.owner = string_at(object, "owner");
    record.created_by = string_at(object, "created_by");
    record.created_at = time_at(object, "created_at");
    record.expires_at = time_at(object, "expires_at");
    const auto role = role_of(string_at(object, "role"));
    const auto digest = digest_of_hex(string_at(object, "sha256"));
    // A record that is not understood lets nobody in, above all not for longer than it says.
    const auto* expires = object.if_contains("expires_at");
    const bool odd_end = expires && !expires->is_null() && !record.expires_at.is_set();
    if (!role || !digest || record.id.size() != kIdDigits || odd_end)
        return std::unexpected("is no token's record");
    record.role = *role;
    record.digest = *digest;
    return record;
}

json::object to_json(const TokenRecord& record, WallTime now) {
    return {{"id", record.id},
            {"name", record.name},
            {"owner", record.owner},
            {"role", to_string(record.role)},
            {"created_at", time_or_null(record.created_at)},
            {"created_by", record.created_by},
            {"expires_at", time_or_null(record.expires_at)},
            {"expired", record.expired(now)}};
}

NewToken make_token(runtime::Entropy& entropy, const Sha256& sha256) {
    NewToken made;
    made.record.id = fmt::format("{:016x}", entropy.next());
    made.text = fmt::format("{}{}_{:016x}{:016x}{:016x}{:016x}", kPrefix, made.record.id,
                            entropy.next(), entropy.next(), entropy.next(), entropy.next());
    made.record.digest = sha256(made.text);
    return made;
}

std::string_view token_id_of(std::string_view text) {
    if (text.size() != kPrefix.size() + kIdDigits + 1 + kSecretDigits) return {};
    if (!text.starts_with(kPrefix) || text[kPrefix.size() + kIdDigits] != '_') return {};
    const std::string_view id = text.substr(kPrefix.size(), kIdDigits);
    return is_hex(id) ? id : std::string_view();
}

}  // namespace khronos::api

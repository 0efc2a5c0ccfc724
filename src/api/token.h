// Access tokens: what is kept of them, and what they look like.
//
// A token is `khr_<id>_<secret>`: 64 bits that name its record and 256 random bits that nobody can
// guess. Only the SHA-256 of the whole text is kept, so that whoever reads the store cannot use it.
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/router.h"
#include "base/error.h"
#include "base/time.h"
#include "runtime/entropy.h"

namespace khronos::api {

using Digest = std::array<std::uint8_t, 32>;
using Sha256 = std::function<Digest(std::string_view)>;

std::string to_hex(const Digest& digest);
// Takes as long for equal ones as for others.
bool equal_in_constant_time(const Digest& a, const Digest& b);

// The record at tokens/<id>.
struct TokenRecord {
    std::string id;  // 16 hex digits
    std::string name;
    std::string owner;
    Permission role = Permission::viewer;  // viewer or above
    Digest digest{};
    WallTime created_at;
    std::string created_by;
    WallTime expires_at;  // unset: never
    bool operator==(const TokenRecord&) const = default;

    bool expired(WallTime now) const { return expires_at.is_set() && expires_at <= now; }
    std::string actor() const { return name + "#" + id.substr(0, 8); }
};

std::string to_text(const TokenRecord& record);
std::expected<TokenRecord, std::string> token_from_text(std::string_view text);
// For people: without the digest.
boost::json::object to_json(const TokenRecord& record, WallTime now);

struct NewToken {
    std::string text;  // shown once, kept nowhere
    TokenRecord record;
};
NewToken make_token(runtime::Entropy& entropy, const Sha256& sha256);
// The record's id in a token's text; empty where it is none.
std::string_view token_id_of(std::string_view text);

std::optional<Permission> role_of(std::string_view word);  // `viewer`, `runner`, `editor`, `admin`

}  // namespace khronos::api

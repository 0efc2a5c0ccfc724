// Who may do what. Knows every token, from a mirror of tokens/ that is read again every few
// seconds even if nothing is told: a token that is revoked is refused within 5 s at every agent.
//
// Invariants:
// - There is no token that nobody made: without one nothing but open routes answers.
// - A cookie alone never writes: it needs the CSRF token too, which only our own page can read.
// - Where the store does not answer, what was known last counts; nothing new is let in.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http_types.h"
#include "api/services.h"
#include "api/token.h"
#include "runtime/loop.h"
#include "store/mirror.h"
#include "store/store.h"

namespace khronos::api {

class AccessControl {
  public:
    struct Config {
        // Tokens that are no records: of this machine's administrator. At least kRootTokenBytes.
        std::vector<std::string> root_tokens;
        // What a client with a certificate that verified may do without a token. Empty: nothing.
        std::optional<Permission> certificate_role;
        // Told of each record that cannot be read; it lets nobody in.
        std::function<void(std::string)> on_unreadable = [](const std::string&) {};
    };
    AccessControl(store::Store& store, runtime::Loop& loop, Sha256 sha256, Config config);
    AccessControl(const AccessControl&) = delete;

    void start();
    void stop();

    // Who asks, if that one may do what needs `needs`.
    std::expected<Identity, Refusal> check(const HttpRequest& request, Permission needs) const;

    std::size_t tokens() const { return tokens_.size(); }

  private:
    struct Presented {
        std::string text;
        bool by_cookie = false;
    };
    static std::optional<Presented> presented(const HttpRequest& request);
    std::optional<Identity> identity_of(std::string_view text) const;
    store::Mirror::Listener listener();

    runtime::Loop& loop_;
    Sha256 sha256_;
    const Config config_;
    std::vector<Digest> roots_;
    std::map<std::string, TokenRecord, std::less<>> tokens_;
    std::map<std::string, TokenRecord, std::less<>> listed_;
    bool listing_ = false;
    store::Mirror mirror_;
};

inline constexpr std::size_t kRootTokenBytes = 32;

// What a page must send as X-CSRF-Token with a write that its cookie allows.
std::string csrf_token(const Sha256& sha256, std::string_view token);
// `__Host-khronos` under TLS, else `khronos`.
std::string_view cookie_name(const HttpRequest& request);
// The cookie's value of that name; empty: none.
std::string cookie_of(const HttpRequest& request);

}  // namespace khronos::api

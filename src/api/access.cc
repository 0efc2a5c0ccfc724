#include "api/access.h"

#include <fmt/format.h>

#include "store/keys.h"

namespace khronos::api {
namespace {

constexpr Duration kReadAgainEvery = std::chrono::seconds(4);
constexpr std::size_t kTokenBytes = 512;

bool is_write(Method method) {
    return method != Method::get && method != Method::head && method != Method::options;
}

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' '))
        text.remove_prefix(1);
    while (text.ends_with(' '))
        text.remove_suffix(1);
    return text;
}

}  // namespace

std::string csrf_token(const Sha256& sha256, std::string_view token) {
    return to_hex(sha256("khronos csrf " + std::string(token)));
}

std::string_view cookie_name(const HttpRequest& request) {
    return request.tls ? "__Host-khronos" : "khronos";
}

std::string cookie_of(const HttpRequest& request) {
    const std::string_view name = cookie_name(request);
    for (std::string_view rest : request.headers.all("Cookie")) {
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find(';'), rest.size());
            const std::string_view pair = trimmed(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
            const std::size_t equals = pair.find('=');
            if (equals != pair.npos && pair.substr(0, equals) == name)
                return std::string(pair.substr(equals + 1));
        }
    }
    return {};
}

AccessControl::AccessControl(store::Store& store, runtime::Loop& loop, Sha256 sha256, Config config)
    : loop_(loop),
      sha256_(std::move(sha256)),
      config_(std::move(config)),
      mirror_(store, loop, {std::string(store::keys::kTokens), 1000, kReadAgainEvery}, listener()) {
    for (const std::string& token : config_.root_tokens)
        if (token.size() >= kRootTokenBytes) roots_.push_back(sha256_(token));
}

void AccessControl::start() {
    mirror_.start();
}

void AccessControl::stop() {
    mirror_.stop();
}

store::Mirror::Listener AccessControl::listener() {
    store::Mirror::Listener listener;
    listener.on_list_begins = [this] {
        listing_ = true;
        listed_.clear();
    };
    listener.on_put = [this](const store::KeyValue& kv) {
        const std::string id = kv.key.substr(store::keys::kTokens.size());
        auto& tokens = listing_ ? listed_ : tokens_;
        auto record = token_from_text(kv.value.view());
        if (!record || record->id != id) {
            tokens.erase(id);
            config_.on_unreadable(fmt::format("the token at {} cannot be read", kv.key));
            return;
        }
        tokens[id] = std::move(*record);
    };
    listener.on_erase = [this](const std::string& key, Revision) {
        tokens_.erase(key.substr(store::keys::kTokens.size()));
    };
    listener.on_listed = [this] {
        listing_ = false;
        tokens_ = std::move(listed_);
        listed_.clear();
    };
    listener.on_reached = [](Revision) {};
    return listener;
}

std::optional<AccessControl::Presented> AccessControl::presented(const HttpRequest& request) {
    if (const auto header = request.headers.find("Authorization")) {
        constexpr std::string_view kBearer = "bearer ";
        if (header->size() > kBearer.size() &&
            equals_ignoring_case(header->substr(0, kBearer.size()), kBearer))
            return Presented{std::string(trimmed(header->substr(kBearer.size()))), false};
    }
    if (const auto header = request.headers.find("X-Dkron-Token"))
        return Presented{std::string(trimmed(*header)), false};
    if (std::string cookie = cookie_of(request); !cookie.empty())
        return Presented{std::move(cookie), true};
    return std::nullopt;
}

std::optional<Identity> AccessControl::identity_of(std::string_view text) const {
    if (text.size() > kTokenBytes) return std::nullopt;
    const Digest digest = sha256_(text);
    std::optional<Identity> found;
    for (const Digest& root : roots_)
        if (equal_in_constant_time(root, digest))
            found = Identity{"root", Permission::admin, "", {}};
    const auto record = tokens_.find(token_id_of(text));
    const bool known = record != tokens_.end();
    // An unknown id takes as long as a wrong secret.
    const bool same = equal_in_constant_time(known ? record->second.digest : Digest{}, digest);
    if (known && same && !record->second.expired(loop_.wall_now()))
        found = Identity{record->second.actor(), record->second.role, record->second.id,
                         record->second.expires_at};
    return found;
}

std::expected<Identity, Refusal> AccessControl::check(const HttpRequest& request,
                                                      Permission needs) const {
    std::optional<Identity> who;
    const auto token = presented(request);
    if (token) {
        who = identity_of(token->text);
        if (!who)
            return std::unexpected(
                Refusal{401, "the token is not known: it was revoked, has expired or is mistyped"});
        if (token->by_cookie && is_write(request.method)) {
            const std::string_view sent = request.headers.find("X-CSRF-Token").value_or("");
            const std::string wanted = csrf_token(sha256_, token->text);
            if (!equal_in_constant_time(sha256_(sent), sha256_(wanted)))
                return std::unexpected(
                    Refusal{403, "a write by cookie needs the X-CSRF-Token of GET /v1/session"});
        }
    } else if (config_.certificate_role && request.tls &&
               !request.tls->client_common_name.empty()) {
        who =
            Identity{"cert:" + request.tls->client_common_name, *config_.certificate_role, "", {}};
    } else {
        return std::unexpected(
            Refusal{401, "this needs a token: send it as `Authorization: Bearer TOKEN`"});
    }
    if (who->role < needs)
        return std::unexpected(
            Refusal{403, fmt::format("this needs the role {}; {} has the role {}", to_string(needs),
                                     who->name, to_string(who->role))});
    return *who;
}

}  // namespace khronos::api

// Tokens: who may do what; and the page's login, which puts a token into a cookie.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>

#include "api/access.h"
#include "api/execution_read.h"
#include "api/json_text.h"
#include "api/reply.h"
#include "api/routes.h"
#include "api/token.h"
#include "base/duration.h"
#include "base/utf8.h"
#include "store/keys.h"

namespace khronos::api {
namespace {

namespace json = boost::json;
namespace keys = store::keys;

constexpr std::size_t kTokensMost = 10'000;
constexpr std::size_t kNameBytes = 128;
constexpr int kCookieSeconds = 12 * 3600;

// ---- list, make, revoke

void list(Context& context, const Call& call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    store::RangeRequest request;
    request.begin = keys::kTokens;
    request.end = store::prefix_end(request.begin);
    request.limit = kTokensMost;
    context.services.store.range(std::move(request), [&context, reply](auto result) {
        if (!result) return reply->problem(store_error(result.error()));
        json::array rows;
        for (const store::KeyValue& kv : result->kvs)
            if (const auto record = token_from_text(kv.value.view()))
                rows.push_back(to_json(*record, context.services.loop.wall_now()));
        const std::string count = std::to_string(rows.size());
        reply->json(200, rows, {{"X-Total-Count", count}});
    });
}

std::string text_at(const json::object& object, std::string_view key, std::vector<Error>& wrong) {
    const auto* value = object.if_contains(key);
    if (!value || value->is_null()) return {};
    if (!value->is_string()) {
        wrong.push_back(invalid(std::string(key), "must be a string"));
        return {};
    }
    std::string text(value->as_string());
    if (text.size() > kNameBytes) wrong.push_back(invalid(std::string(key), "is too long"));
    for (const char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            wrong.push_back(invalid(std::string(key), "has a control character"));
            break;
        }
    return text;
}

// Fills in what the body says of the token to be made.
std::vector<Error> read_wish(const json::value& body, WallTime now, TokenRecord& record) {
    std::vector<Error> wrong;
    const auto* object = body.if_object();
    if (!object) return {invalid("", "must be an object with `name` and `role`")};
    record.name = text_at(*object, "name", wrong);
    if (record.name.empty() && wrong.empty())
        wrong.push_back(invalid("name", "is missing: say what, or whom, the token is for"));
    record.owner = text_at(*object, "owner", wrong);
    const auto role = role_of(text_at(*object, "role", wrong));
    if (!role)
        wrong.push_back(invalid("role", "must be one of viewer, runner, editor, admin"));
    else
        record.role = *role;
    const std::string lasts = text_at(*object, "expires_in", wrong);
    const std::string until = text_at(*object, "expires_at", wrong);
    if (!lasts.empty() && !until.empty())
        wrong.push_back(invalid("expires_in", "and `expires_at` exclude each other"));
    if (!lasts.empty()) {
        const auto duration = parse_duration(lasts);
        if (!duration || *duration <= Duration(0))
            wrong.push_back(invalid("expires_in", "must be a duration above zero, such as 720h"));
        else
            record.expires_at = now + *duration;
    }
    if (!until.empty()) {
        const auto time = parse_rfc3339(until);
        if (!time)
            wrong.push_back(invalid("expires_at", time.error()));
        else if (*time <= now)
            wrong.push_back(invalid("expires_at", "is over already"));
        else
            record.expires_at = *time;
    }
    return wrong;
}

void create(Context& context, const Call& call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    Services& services = context.services;
    if (!services.sha256) return reply->problem(501, {invalid("", "this agent has no tokens")});
    const auto body = parse_json(call.request.body);
    if (!body) return reply->problem(body.error());
    const WallTime now = services.loop.wall_now();
    NewToken made = make_token(services.entropy, services.sha256);
    if (const auto wrong = read_wish(*body, now, made.record); !wrong.empty())
        return reply->problem(400, wrong);
    made.record.created_at = now;
    made.record.created_by = call.actor;

    json::object shown = to_json(made.record, now);
    store::Txn txn;
    const std::string key = keys::token(made.record.id);
    txn.compares.push_back({key, store::Compare::Target::mod_revision, Revision(0)});
    txn.operations.push_back(store::Put{key, to_text(made.record), {}});
    txn.operations.push_back(
        audit_entry(services, reply->actor(), "token.create", made.record.actor(), nullptr, shown));
    services.store.write(
        std::move(txn), [reply, shown = std::move(shown),
                         text = std::move(made.text)](const auto& outcome) mutable {
            // One that was made without anybody knowing its secret is of no use to anybody.
            if (!std::holds_alternative<store::Applied>(outcome))
                return reply->problem(
                    {ErrorKind::unavailable, "", "the store did not confirm it; try again"});
            shown.emplace("token", std::move(text));
            reply->json(201, shown, {{"Cache-Control", "no-store"}});
        });
}

void revoke(Context& context, const Call& call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    const std::string key = keys::token(call.path["token"]);
    context.services.store.get(key, [&context, reply, key](auto result) {
        if (!result) return reply->problem(store_error(result.error()));
        const auto record =
            result->kv ? token_from_text(result->kv->value.view()) : std::unexpected(std::string());
        if (!result->kv)
            return reply->problem({ErrorKind::not_found, "", "there is no token of that id"});
        const json::value before =
            record ? json::value(to_json(*record, context.services.loop.wall_now())) : nullptr;
        store::Txn txn;
        txn.operations.push_back(store::Erase{key});
        txn.operations.push_back(audit_entry(context.services, reply->actor(), "token.revoke",
                                             record ? record->actor() : key, before));
        context.services.store.write(std::move(txn), [reply, before](const auto& outcome) {
            if (!std::holds_alternative<store::Applied>(outcome))
                return reply->problem(
                    {ErrorKind::unavailable, "", "the store did not confirm it; try again"});
            reply->json(200, before);
        });
    });
}

// ---- the page's session

json::object session_json(const Services& services, const Identity& who, std::string_view token) {
    json::object body{{"auth", static_cast<bool>(services.authorize)},
                      {"name", who.name},
                      {"role", to_string(who.role)},
                      {"expires_at", who.expires_at.is_set()
                                         ? json::value(json::string(to_rfc3339(who.expires_at)))
                                         : json::value(nullptr)}};
    if (!token.empty()) body.emplace("csrf_token", csrf_token(services.sha256, token));
    return body;
}

void session(Context& context, const Call& call, Responder responder) {
    Reply reply(call, std::move(responder));
    const Services& services = context.services;
    if (!services.authorize)
        return reply.json(200, session_json(services, {"local", Permission::admin, "", {}}, ""));
    const auto who = services.authorize(call.request, Permission::viewer);
    if (!who)
        return reply.json(200, json::object{{"auth", true}, {"name", nullptr}, {"role", nullptr}});
    reply.json(200, session_json(services, *who, cookie_of(call.request)));
}

std::string cookie(const HttpRequest& request, std::string_view value, int seconds) {
    return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}",
                       cookie_name(request), value, seconds, request.tls ? "; Secure" : "");
}

void login(Context& context, const Call& call, Responder responder) {
    Reply reply(call, std::move(responder));
    const Services& services = context.services;
    if (!services.authorize)
        return reply.json(200, session_json(services, {"local", Permission::admin, "", {}}, ""));
    const auto body = parse_json(call.request.body);
    if (!body) return reply.problem(body.error());
    const auto* object = body->if_object();
    const auto* text = object ? object->if_contains("token") : nullptr;
    if (!text || !text->is_string())
        return reply.problem(invalid("token", "is missing: send {\"token\": \"...\"}"));
    const std::string token(text->as_string());
    HttpRequest as_header;
    as_header.headers.add("Authorization", "Bearer " + token);
    const auto who = services.authorize(as_header, Permission::viewer);
    // What could end the cookie early, or add to it, is no token; nor is one that is not known.
    const bool plain = token.find_first_of("; ,\"\\\r\n\t") == token.npos;
    if (!who || !plain)
        return reply.problem(401, {{ErrorKind::refused, "token",
                                    "is not known: it was revoked, has expired or is mistyped"}});
    context.audit({who->name, call.request.peer_address}, "session.login", who->name);
    reply.json(200, session_json(services, *who, token),
               {{"Set-Cookie", cookie(call.request, token, kCookieSeconds)}});
}

void logout(Context&, const Call& call, Responder responder) {
    Reply(call, std::move(responder))
        .json(200, json::object{{"name", nullptr}}, {{"Set-Cookie", cookie(call.request, "", 0)}});
}

}  // namespace

void add_token_routes(std::vector<Route>& routes, Context& context) {
    const auto add = [&](Method method, std::string_view path, Permission needs,
                         std::string_view id, auto handler) {
        routes.emplace_back(method, path, needs, id,
                            [&context, handler](const Call& call, Responder r) {
                                handler(context, call, std::move(r));
                            });
    };
    add(Method::get, "/v1/tokens", Permission::admin, "listTokens", list);
    add(Method::post, "/v1/tokens", Permission::admin, "createToken", create);
    add(Method::del, "/v1/tokens/:token", Permission::admin, "revokeToken", revoke);
    add(Method::get, "/v1/session", Permission::open, "session", session);
    add(Method::post, "/v1/login", Permission::open, "login", login);
    add(Method::post, "/v1/logout", Permission::open, "logout", logout);
}

}  // namespace khronos::api

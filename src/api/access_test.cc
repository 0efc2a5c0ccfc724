// Who may do what: every route with every kind of credential, and the life of a token.
#include "api/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/stream_test.h"
#include "api/world_test.h"

namespace khronos::api {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Not a digest that keeps a secret, but one that differs: OpenSSL's is tested where it is called.
Digest fake_sha256(std::string_view text) {
    Digest digest{};
    std::string salted(text);
    for (std::size_t i = 0; i < digest.size(); ++i) {
        salted += static_cast<char>('a' + i);
        digest[i] = static_cast<std::uint8_t>(stable_hash(salted) >> 24);
    }
    return digest;
}

constexpr std::string_view kRoot = "0123456789abcdef0123456789abcdef";

struct GuardedWorld : World {
    AccessControl access{store, loop, fake_sha256,
                         AccessControl::Config{{std::string(kRoot)}, std::nullopt}};

    GuardedWorld() {
        services.sha256 = fake_sha256;
        services.authorize = [this](const HttpRequest& request, Permission needs) {
            return access.check(request, needs);
        };
        access.start();
        loop.run_until_idle();
    }

    static Headers bearer(std::string_view token) {
        return {{"Authorization", "Bearer " + std::string(token)}};
    }
    boost::json::value make(std::string_view role, std::string_view more = "") {
        const Answer answer =
            ask("POST /v1/tokens",
                R"({"name":"t","role":")" + std::string(role) + "\"" + std::string(more) + "}",
                bearer(kRoot));
        EXPECT_EQ(answer.status, 201) << answer.body;
        return answer.json();
    }
    std::string token(std::string_view role, std::string_view more = "") {
        return std::string(make(role, more).at("token").as_string());
    }
};

std::string line_of(const Route& route) {
    std::string path;
    bool in_name = false;
    for (const char c : route.pattern) {
        if (c == '/') in_name = false;
        if (c == ':' || c == '*') {
            in_name = true;
            path += 'x';
        }
        if (!in_name) path += c;
    }
    return std::string(to_string(route.method)) + " " + path;
}

TEST(Access, EveryRouteAnswersEveryCredentialByItsPermission) {
    GuardedWorld world;
    struct Credential {
        std::string name;
        Headers headers;
        std::optional<Permission> role;  // nobody
    };
    const std::string revoked = world.token("admin");
    const std::string revoked_id(token_id_of(revoked));
    EXPECT_EQ(world.ask("DELETE /v1/tokens/" + revoked_id, "", world.bearer(kRoot)).status, 200);
    const std::string expired = world.token("admin", R"(,"expires_in":"1h")");
    world.loop.advance(2h);
    std::string altered = world.token("admin");
    altered.back() = altered.back() == '0' ? '1' : '0';
    const std::string good = world.token("admin");
    const Credential credentials[] = {
        {"nothing", {}, std::nullopt},
        {"an empty token", {{"Authorization", "Bearer "}}, std::nullopt},
        {"nonsense", world.bearer("admin"), std::nullopt},
        {"a basic password", {{"Authorization", "Basic YWRtaW46YWRtaW4="}}, std::nullopt},
        {"an altered token", world.bearer(altered), std::nullopt},
        {"only the id", world.bearer(good.substr(0, 20)), std::nullopt},
        {"a long text", world.bearer(std::string(5000, 'a')), std::nullopt},
        {"a revoked token", world.bearer(revoked), std::nullopt},
        {"an expired token", world.bearer(expired), std::nullopt},
        {"a digest", world.bearer(to_hex(fake_sha256(good))), std::nullopt},
        {"viewer", world.bearer(world.token("viewer")), Permission::viewer},
        {"runner", world.bearer(world.token("runner")), Permission::runner},
        {"editor", world.bearer(world.token("editor")), Permission::editor},
        {"admin", world.bearer(good), Permission::admin},
        {"the old header", {{"X-Dkron-Token", good}}, Permission::admin},
        {"lower case", {{"authorization", "bearer " + good}}, Permission::admin},
        {"root", world.bearer(kRoot), Permission::admin},
    };
    for (const Route& route : world.front.router().routes()) {
        // The stream is begun, not answered.
        if (route.pattern == "/v1/events") continue;
        for (const Credential& credential : credentials) {
            const Answer answer = world.ask(line_of(route), "", credential.headers);
            const bool open = route.permission == Permission::open;
            const bool may = open || (credential.role && *credential.role >= route.permission);
            if (may)
                EXPECT_TRUE(answer.status != 401 && (answer.status != 403))
                    << line_of(route) << " with " << credential.name << ": " << answer.status;
            else
                EXPECT_EQ(answer.status, credential.role ? 403 : 401)
                    << line_of(route) << " with " << credential.name;
        }
    }
}

TEST(Access, NoSpellingOfAPathOpensARoute) {
    GuardedWorld world;
    const Headers viewer = world.bearer(world.token("viewer"));
    for (const char* path : {"/v1/pause",    "/v1/pause/",         "//v1/pause",
                             "/v1//pause",   "/%76%31/pause",      "/v1/%70ause",
                             "/V1/PAUSE",    "/v1/pause;x=y",      "/v1;/pause",
                             "/v1/./pause",  "/v1/x/../pause",     "/v1/%2e%2e/v1/pause",
                             "/v1%2fpause",  "/livez/../v1/pause", "/livez/%2e%2e/v1/pause",
                             "/v1/pause%00", "/v1/pause%20",       "/health/../v1/pause",
                             "/v1\\pause",   "/v1/pause?/livez",   "/ui/../v1/pause",
                             "/v1/pause/."}) {
        const Answer answer = world.ask(std::string("POST ") + path, "", viewer);
        EXPECT_TRUE(answer.status == 403 || answer.status == 404 || answer.status == 405)
            << path << " " << answer.status;
        const Answer stranger = world.ask(std::string("POST ") + path);
        EXPECT_TRUE(stranger.status == 401 || stranger.status == 404 || stranger.status == 405)
            << path << " " << stranger.status;
    }
    EXPECT_EQ(world.ask("GET /v1/pause", "", viewer).body, R"({"paused":false})");
}

TEST(Tokens, AreShownOnceAndKeptAsADigest) {
    GuardedWorld world;
    const auto made = world.make("editor", R"(,"owner":"ann@example.com")");
    const std::string text(made.at("token").as_string());
    EXPECT_EQ(text.size(), 85U) << text;
    const std::string secret = text.substr(21);
    const Answer list = world.ask("GET /v1/tokens", "", world.bearer(kRoot));
    EXPECT_EQ(list.header("X-Total-Count"), "1");
    EXPECT_THAT(list.body, AllOf(HasSubstr(R"("owner":"ann@example.com","role":"editor")"),
                                 HasSubstr(R"("created_by":"root")"), Not(HasSubstr(secret)),
                                 Not(HasSubstr("sha256"))));
    bool in_store = false;
    store::RangeRequest everything;
    everything.begin = "";
    everything.end = "\xff";
    world.store.range(everything, [&](auto result) {
        for (const auto& kv : result->kvs)
            in_store = in_store || kv.value.view().find(secret) != std::string_view::npos;
    });
    world.loop.run_until_idle();
    EXPECT_FALSE(in_store);
    const std::string audit = world.ask("GET /v1/audit", "", world.bearer(kRoot)).body;
    EXPECT_THAT(audit,
                AllOf(HasSubstr("token.create"), Not(HasSubstr(secret)), Not(HasSubstr("sha256"))));
}

TEST(Tokens, WrongWishesAreRefusedWithTheirField) {
    GuardedWorld world;
    struct Case {
        const char* body;
        const char* field;
    };
    const Case cases[] = {
        {R"({"role":"admin"})", "name"},
        {R"({"name":"a"})", "role"},
        {R"({"name":"a","role":"root"})", "role"},
        {R"({"name":"a","role":"open"})", "role"},
        {R"({"name":7,"role":"admin"})", "name"},
        {R"({"name":"a\nb","role":"admin"})", "name"},
        {R"({"name":"a","role":"admin","expires_in":"-1h"})", "expires_in"},
        {R"({"name":"a","role":"admin","expires_in":"soon"})", "expires_in"},
        {R"({"name":"a","role":"admin","expires_at":"2001-01-01T00:00:00Z"})", "expires_at"},
        {R"({"name":"a","role":"admin","expires_at":"2031-01-01T00:00:00Z","expires_in":"1h"})",
         "expires_in"},
        {"[]", ""},
    };
    for (const Case& c : cases) {
        const Answer answer = world.ask("POST /v1/tokens", c.body, world.bearer(kRoot));
        EXPECT_EQ(answer.status, 400) << c.body;
        EXPECT_EQ(answer.json().at("errors").at(0).at("field").as_string(), c.field) << c.body;
    }
    EXPECT_EQ(world.ask("GET /v1/tokens", "", world.bearer(kRoot)).body, "[]");
}

TEST(Tokens, ARevokedOneIsRefusedWithinFiveSecondsEvenIfTheWatchSaysNothing) {
    GuardedWorld world;
    const std::string token = world.token("viewer");
    EXPECT_EQ(world.ask("GET /v1/jobs", "", world.bearer(token)).status, 200);
    Watcher events(world, "GET /v1/events", world.bearer(token));
    EXPECT_EQ(events.head().status, 200);
    // Another agent's deletion, of which this one's watch does not tell.
    store::MemoryStore other(world.backend, world.loop, "other");
    world.backend.break_watches("api", "nothing is told any more");
    store::Txn txn;
    txn.operations.push_back(store::Erase{store::keys::token(token_id_of(token))});
    other.write(std::move(txn), [](const store::WriteOutcome&) {});
    world.loop.advance(5s);
    EXPECT_EQ(world.ask("GET /v1/jobs", "", world.bearer(token)).status, 401);
    world.loop.advance(5s);
    EXPECT_TRUE(events.ended()) << "what is open already ends too";
}

TEST(Tokens, ARecordThatCannotBeReadLetsNobodyIn) {
    GuardedWorld world;
    const std::string token = world.token("admin");
    const std::string key = store::keys::token(token_id_of(token));
    for (const char* record : {"", "{}", R"({"id":"x"})"}) {
        world.put(key, record);
        world.loop.advance(5s);
        EXPECT_EQ(world.ask("GET /v1/jobs", "", world.bearer(token)).status, 401) << record;
    }
    const std::string hex(64, '0');
    EXPECT_FALSE(token_from_text(R"({"id":"0000000000000000","role":"admin","sha256":")" + hex +
                                 R"(","expires_at":"never"})"))
        << "an end that is not understood is no end in infinity";
    EXPECT_FALSE(
        token_from_text(R"({"id":"0000000000000000","role":"open","sha256":")" + hex + R"("})"));
}

TEST(Tokens, ComeBackFromTheirTextAsTheyWere) {
    TokenRecord record;
    record.id = "0123456789abcdef";
    record.name = "ci";
    record.owner = "ann";
    record.role = Permission::runner;
    record.digest = fake_sha256("x");
    record.created_at = runtime::ManualLoop::kDefaultWall;
    record.created_by = "root";
    EXPECT_EQ(token_from_text(to_text(record)), record);
    record.expires_at = record.created_at + 1h;
    EXPECT_EQ(token_from_text(to_text(record)), record);
}

TEST(Access, AShortRootTokenIsNone) {
    World world;
    AccessControl access{
        world.store, world.loop, fake_sha256,
        AccessControl::Config{{"", "admin", "123456789012345678901234567890"}, {}}};
    for (const char* token : {"", "admin", "123456789012345678901234567890"}) {
        HttpRequest request;
        request.headers.add("Authorization", std::string("Bearer ") + token);
        EXPECT_FALSE(access.check(request, Permission::viewer)) << token;
    }
}

TEST(Access, ACertificateMayStandForARole) {
    World world;
    AccessControl access{world.store, world.loop, fake_sha256,
                         AccessControl::Config{{}, Permission::runner}};
    HttpRequest request;
    EXPECT_FALSE(access.check(request, Permission::viewer)) << "a plain connection";
    request.tls = TlsInfo{};
    EXPECT_FALSE(access.check(request, Permission::viewer)) << "no certificate";
    request.tls->client_common_name = "build-7";
    ASSERT_TRUE(access.check(request, Permission::runner));
    EXPECT_EQ(access.check(request, Permission::runner)->name, "cert:build-7");
    EXPECT_EQ(access.check(request, Permission::editor).error().status, 403);
    request.headers.add("Authorization", "Bearer nonsense");
    EXPECT_EQ(access.check(request, Permission::viewer).error().status, 401)
        << "a wrong token is not made good by a certificate";
}

// ---- the page's cookie

struct Login {
    Answer answer;
    std::string cookie;  // `khronos=...`
    std::string csrf;
};
Login log_in(GuardedWorld& world, const std::string& token) {
    Login login;
    login.answer = world.ask("POST /v1/login", R"({"token":")" + token + R"("})");
    const std::string set = login.answer.header("Set-Cookie");
    login.cookie = set.substr(0, set.find(';'));
    if (login.answer.status == 200) login.csrf = login.answer.json().at("csrf_token").as_string();
    return login;
}

TEST(Session, ALoginGivesACookieThatScriptsCannotReadAndOtherSitesDoNotSend) {
    GuardedWorld world;
    const Login login = log_in(world, world.token("editor"));
    EXPECT_EQ(login.answer.status, 200);
    EXPECT_THAT(login.answer.header("Set-Cookie"),
                AllOf(HasSubstr("; HttpOnly"), HasSubstr("; SameSite=Strict"),
                      HasSubstr("; Path=/"), HasSubstr("; Max-Age=")));
    EXPECT_EQ(login.answer.json().at("role"), "editor");
    EXPECT_EQ(world.ask("GET /v1/jobs", "", {{"Cookie", login.cookie}}).status, 200);
    EXPECT_EQ(world.ask("GET /v1/jobs", "", {{"Cookie", "a=b; " + login.cookie}}).status, 200);
    EXPECT_EQ(world.ask("GET /v1/tokens", "", {{"Cookie", login.cookie}}).status, 403);
    const Answer session = world.ask("GET /v1/session", "", {{"Cookie", login.cookie}});
    EXPECT_EQ(session.json().at("csrf_token").as_string(), login.csrf);
    EXPECT_THAT(world.ask("POST /v1/logout").header("Set-Cookie"), HasSubstr("Max-Age=0"));
}

TEST(Session, AWriteByCookieNeedsTheCsrfToken) {
    GuardedWorld world;
    const Login login = log_in(world, world.token("editor"));
    const Login other = log_in(world, world.token("editor"));
    const auto post = [&](Headers headers) {
        headers.add("Cookie", login.cookie);
        return world.ask("POST /v1/jobs", R"({"name":"a"})", std::move(headers)).status;
    };
    EXPECT_EQ(post({}), 403);
    EXPECT_EQ(post({{"X-CSRF-Token", ""}}), 403);
    EXPECT_EQ(post({{"X-CSRF-Token", other.csrf}}), 403);
    EXPECT_EQ(post({{"X-CSRF-Token", login.csrf}}), 201);
    EXPECT_EQ(post({{"X-CSRF-Token", login.csrf}, {"Origin", "https://evil.example"}}), 403);
    EXPECT_EQ(post({{"X-CSRF-Token", login.csrf}, {"Host", "evil.example"}}), 403);
}

TEST(Session, UnderTlsTheCookieIsForThisHostAndTlsOnly) {
    HttpRequest plain;
    plain.headers.add("Cookie", "khronos=a; __Host-khronos=b");
    HttpRequest secure = plain;
    secure.tls = TlsInfo{};
    EXPECT_EQ(cookie_of(plain), "a");
    EXPECT_EQ(cookie_of(secure), "b") << "what a plain page could have set is not read";
}

TEST(Session, SaysWhetherOneMustLogIn) {
    GuardedWorld guarded;
    EXPECT_EQ(guarded.ask("GET /v1/session").body, R"({"auth":true,"name":null,"role":null})");
    EXPECT_EQ(guarded.ask("POST /v1/login", R"({"token":"x"})").status, 401);
    EXPECT_EQ(guarded.ask("POST /v1/login", R"({"token":7})").status, 400);
    EXPECT_EQ(log_in(guarded, std::string(kRoot)).answer.status, 200);
    World open;
    EXPECT_EQ(open.ask("GET /v1/session").body,
              R"({"auth":false,"name":"local","role":"admin","expires_at":null})");
}

TEST(AuditRoute, ListsNewestFirstFiltersAndPages) {
    GuardedWorld world;
    const Headers root = world.bearer(kRoot);
    const Headers editor = world.bearer(world.token("editor"));
    for (const char* name : {"a", "b", "c"}) {
        world.loop.advance(1s);
        world.ask("POST /v1/jobs", std::string(R"({"name":")") + name + R"("})", editor);
    }
    const auto objects = [&](std::string_view query) {
        std::string text;
        const auto body = world.ask("GET /v1/audit?" + std::string(query), "", root).json();
        for (const auto& entry : body.at("entries").as_array())
            text += std::string(entry.at("object").as_string()).substr(0, 1);
        return text;
    };
    EXPECT_EQ(objects("action=job.create"), "cba");
    EXPECT_EQ(objects("object=b"), "b");
    EXPECT_EQ(objects("actor=root"), "t");
    EXPECT_EQ(objects("action=job.create&since=2024-01-01T00:00:02Z"), "cb");
    EXPECT_EQ(objects("action=job.create&until=2024-01-01T00:00:02Z"), "a");
    EXPECT_EQ(world.ask("GET /v1/audit?since=x", "", root).status, 400);
    std::string paged;
    std::string cursor;
    for (int page = 0; page < 10; ++page) {
        const auto body = world.ask("GET /v1/audit?limit=1&cursor=" + cursor, "", root).json();
        for (const auto& entry : body.at("entries").as_array())
            paged += std::string(entry.at("object").as_string()).substr(0, 1);
        if (body.at("next_cursor").is_null()) break;
        cursor = body.at("next_cursor").as_string();
    }
    EXPECT_EQ(paged, "cbat");
}

TEST(AuditRoute, OldEntriesAreTrimmed) {
    GuardedWorld world;
    const Headers root = world.bearer(kRoot);
    world.ask("POST /v1/jobs", R"({"name":"a"})", root);
    world.loop.advance(kAuditAge - 1h);
    trim_audit(world.services);
    EXPECT_THAT(world.ask("GET /v1/audit", "", root).body, HasSubstr("job.create"));
    world.loop.advance(2h);
    trim_audit(world.services);
    EXPECT_EQ(world.ask("GET /v1/audit", "", root).body, R"({"entries":[],"next_cursor":null})");
}

}  // namespace
}  // namespace khronos::api

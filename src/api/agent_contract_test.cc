// The agent's own routes, the schedules', restore, and the front door.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/world_test.h"

namespace khronos::api {
namespace {

using core::ExecutionState;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

Member node1() {
    Member member;
    member.name = "node1";
    member.address = "10.0.0.1";
    member.port = 10001;
    member.tags = {{"role", "khronos"}};
    member.leads = true;
    return member;
}

TEST(AgentRoutes, MembersHaveDkronsKeys) {
    World world;
    Member second = node1();
    second.name = "node2";
    second.leads = false;
    second.status = Member::Status::failed;
    world.services.members = [=] { return std::vector{node1(), second}; };
    const Answer list = world.ask("GET /v1/members");
    EXPECT_EQ(list.header("X-Total-Count"), "2");
    EXPECT_THAT(list.body,
                StartsWith(R"([{"Name":"node1","Addr":"10.0.0.1","Port":10001,)"
                           R"("Tags":{"role":"khronos"},"Status":1,"ProtocolMin":1,)"
                           R"("ProtocolMax":5,"ProtocolCur":2,"DelegateMin":2,"DelegateMax":5,)"
                           R"("DelegateCur":4,"id":"node1","statusText":"alive"},)"));
    EXPECT_THAT(list.body, HasSubstr(R"("Status":4)"));
    const Answer leader = world.ask("GET /v1/leader");
    EXPECT_EQ(leader.status, 200);
    EXPECT_EQ(leader.json().at("Name"), "node1");
    EXPECT_FALSE(leader.json().as_object().contains("id"));
    EXPECT_EQ(world.ask("GET /v1/isleader").body, R"("I am a leader")");
    EXPECT_THAT(world.ask("GET /v1").body,
                AllOf(HasSubstr(R"("agent":{"name":"node1","version":"0.1.0"})"),
                      HasSubstr(R"("serf":{)"), HasSubstr(R"("tags":{"role":"khronos"})")));
}

TEST(AgentRoutes, WithoutALeaderTheAnswerIsNull) {
    World world;
    const Answer leader = world.ask("GET /v1/leader");
    EXPECT_EQ(leader.status, 500);
    EXPECT_EQ(leader.body, "null");
    const Answer is = world.ask("GET /v1/isleader");
    EXPECT_EQ(is.status, 404);
    EXPECT_EQ(is.body, R"("I am a follower")");
}

TEST(AgentRoutes, HealthSaysWhatIsWrong) {
    World world;
    EXPECT_EQ(world.ask("GET /health").body, R"({"status":"healthy","leader":false})");
    EXPECT_EQ(world.ask("GET /health").header("X-Whom"), "<none>");
    EXPECT_EQ(world.ask("GET /readyz").status, 200);
    world.services.readiness = [] { return Readiness{false, {"the store does not answer"}}; };
    const Answer sick = world.ask("GET /health");
    EXPECT_EQ(sick.status, 503);
    EXPECT_EQ(sick.body,
              R"({"status":"unhealthy","issues":["the store does not answer"],"leader":false})");
    EXPECT_EQ(world.ask("GET /readyz").status, 503);
    EXPECT_EQ(world.ask("GET /livez").status, 200) << "it lives, though it is not ready";
}

TEST(AgentRoutes, MetricsAre404WhereTheyAreOff) {
    World world;
    EXPECT_EQ(world.ask("GET /metrics").status, 404);
    world.services.metrics = [] { return std::string("khronos_jobs 1\n"); };
    const Answer on = world.ask("GET /metrics");
    EXPECT_EQ(on.body, "khronos_jobs 1\n");
    EXPECT_THAT(on.header("Content-Type"), StartsWith("text/plain; version=0.0.4"));
}

TEST(AgentRoutes, WhatThisAgentCannotDoSaysSo) {
    World world;
    for (const char* line : {"GET /v1/workers", "GET /v1/applications", "POST /v1/workers/w/drain",
                             "POST /v1/leave"}) {
        const Answer answer = world.ask(line);
        EXPECT_EQ(answer.status, 501) << line;
        EXPECT_EQ(answer.header("Content-Type"), "application/problem+json") << line;
    }
    EXPECT_EQ(world.ask("GET /v1/leave").status, 405) << "an old client's GET must not leave";
}

// ---- schedules

TEST(ScheduleRoutes, NextAnswersAsManyTimesAsAsked) {
    World world;
    world.ask("POST /v1/jobs", R"({"name":"a","schedule":"0 0 9 * * *","timezone":"Asia/Tokyo"})");
    const auto body = world.ask("GET /v1/jobs/a/next?n=2").json();
    EXPECT_EQ(body.at("timezone"), "Asia/Tokyo");
    EXPECT_EQ(body.at("times"), parse_json(R"(["2024-01-02T00:00:00Z","2024-01-03T00:00:00Z"])"));
    EXPECT_EQ(
        world.ask("GET /v1/jobs/a/next?n=1&from=2025-06-01T12:00:00Z").json().at("times").at(0),
        "2025-06-02T00:00:00Z");
    EXPECT_EQ(world.ask("GET /v1/jobs/a/next?from=x").status, 400);
    EXPECT_EQ(world.ask("GET /v1/jobs/x/next").status, 404);
}

std::string why(World& world, const std::string& at) {
    const auto body = world.ask("GET /v1/jobs/a/why?at=" + at).json();
    const auto* object = body.if_object();
    if (!object || !object->contains("sentence")) return "no sentence";
    return std::string(object->at("decision").as_string()) + ": " +
           std::string(object->at("sentence").as_string());
}

TEST(ScheduleRoutes, WhyTellsWhatBecameOfATick) {
    World world;
    world.ask("POST /v1/jobs", R"({"name":"a","schedule":"*/10 * * * * *"})");
    world.put(world.execution("a", 10, ExecutionState::succeeded));
    core::Execution skipped = world.execution("a", 20, ExecutionState::skipped);
    skipped.reason = core::Reason::concurrency;
    skipped.blocked_by = "other-1";
    world.put(skipped);
    core::Execution range = world.execution("a", 60, ExecutionState::skipped);
    range.reason = core::Reason::misfire_skip;
    range.range_from = range.scheduled_at - 30s;
    range.range_count = 4;
    world.put(range);
    core::Cursor cursor;
    cursor.t = runtime::ManualLoop::kDefaultWall + 80s;
    world.put(store::keys::shard_cursor(shard_of("a")), store::encode(cursor));
    world.loop.advance(100s);

    EXPECT_EQ(why(world, "2024-01-01T00:00:10Z"),
              "fired: It ran on node1 from 2024-01-01T00:00:10.005Z to 2024-01-01T00:00:11Z and "
              "succeeded");
    EXPECT_THAT(why(world, "2024-01-01T00:00:20Z"),
                AllOf(StartsWith("skipped: It was skipped: "), HasSubstr("other-1")));
    EXPECT_THAT(why(world, "2024-01-01T00:00:40Z"),
                AllOf(StartsWith("skipped: "), HasSubstr("4 ticks from 2024-01-01T00:00:30Z to "
                                                         "2024-01-01T00:01:00Z")));
    EXPECT_THAT(why(world, "2024-01-01T00:01:10Z"), HasSubstr("its record is not kept any more"));
    EXPECT_THAT(why(world, "2024-01-01T00:01:30Z"), HasSubstr("due and not decided yet"));
    EXPECT_THAT(why(world, "2024-01-01T00:02:00Z"), HasSubstr("still to come"));
    EXPECT_THAT(why(world, "2024-01-01T00:01:15Z"),
                HasSubstr("is no tick of the schedule `*/10 * * * * *`; the next after it is "
                          "2024-01-01T00:01:20Z"));
    EXPECT_THAT(why(world, "2023-01-01T00:00:00Z"), HasSubstr("There was no such job"));
    EXPECT_THAT(why(world, ""), HasSubstr("4 ticks")) << "the latest";
    EXPECT_EQ(world.ask("GET /v1/jobs/a/why?at=x").status, 400);
    EXPECT_EQ(world.ask("GET /v1/jobs/x/why").status, 404);
}

TEST(ScheduleRoutes, PreviewAnswersWordsTimesAndRemarks) {
    World world;
    const auto body = world
                          .ask("POST /v1/schedule/preview",
                               R"({"schedule":"0 30 2 * * *","timezone":"Europe/Paris",
                                   "from":"2024-03-30T12:00:00Z","n":2})")
                          .json();
    EXPECT_EQ(body.at("valid"), true);
    EXPECT_EQ(body.at("times"),
              parse_json(R"(["2024-03-31T03:00:00+02:00","2024-04-01T02:30:00+02:00"])"));
    EXPECT_FALSE(body.at("remarks").as_array().empty());
    const auto wrong =
        world.ask("POST /v1/schedule/preview", R"({"schedule":"0 61 * * * *"})").json();
    EXPECT_EQ(wrong.at("valid"), false);
    EXPECT_EQ(wrong.at("error").at("offset"), 2);
    EXPECT_EQ(world.ask("POST /v1/schedule/preview", R"({"n":0})").status, 400);
    EXPECT_EQ(world.ask("POST /v1/schedule/preview", "[]").status, 400);
}

// ---- restore

const Headers kForm{{"Content-Type", "multipart/form-data; boundary=\"xyz\""}};
std::string form(const std::string& name, const std::string& content) {
    return "preamble\r\n--xyz\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nno\r\n--xyz"
           "\r\ncontent-disposition: form-data; filename=\"a;b.json\"; name=\"" +
           name + "\"\r\nContent-Type: application/json\r\n\r\n" + content + "\r\n--xyz--\r\n";
}

TEST(RestoreRoute, SavesEveryJobWithItsCounters) {
    World world;
    const Answer answer = world.ask(
        "POST /v1/restore",
        form("file", R"([{"name":"a","success_count":4},{"name":"b","schedule":"@daily"}])"),
        kForm);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, R"("[\"success create a\",\"success create b\"]")");
    EXPECT_EQ(world.ask("GET /v1/jobs/a").json().at("success_count"), 4);
}

TEST(RestoreRoute, SavesNothingWhereOneIsWrong) {
    World world;
    const Answer answer =
        world.ask("POST /v1/restore", form("file", R"([{"name":"a"},{"name":"b c"}])"), kForm);
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr("[1].name: name contains illegal character"));
    EXPECT_EQ(world.catalog.size(), 0u);
    EXPECT_EQ(world.ask("POST /v1/restore", form("file", "{"), kForm).status, 400);
    EXPECT_EQ(world.ask("POST /v1/restore", form("file", "{}"), kForm).status, 400);
    EXPECT_EQ(world.ask("POST /v1/restore", form("data", "[]"), kForm).status, 404);
    EXPECT_EQ(world.ask("POST /v1/restore", "[]").status, 404);
    EXPECT_EQ(world.ask("POST /v1/restore", "--xyz\r\n", kForm).status, 404);
}

// ---- the front door

TEST(Front, UnknownPathsAndWrongMethods) {
    World world;
    const Answer unknown = world.ask("GET /v1/nothing");
    EXPECT_EQ(unknown.status, 404);
    EXPECT_EQ(unknown.body, "404 page not found");
    EXPECT_EQ(unknown.header("X-Whom"), "node1");
    const Answer wrong = world.ask("PUT /v1/jobs");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.header("Allow"), "GET, HEAD, POST, PATCH");
    const Answer options = world.ask("OPTIONS /v1/jobs");
    EXPECT_EQ(options.status, 204);
    EXPECT_EQ(options.header("Access-Control-Allow-Origin"), "<none>");
    EXPECT_EQ(world.ask("GET /v1/executions/:job").status, 404);
    EXPECT_EQ(world.ask("GET /v1/jobs?a=%zz").status, 400);
}

TEST(Front, EveryAnswerCarriesTheSafetyHeaders) {
    World world;
    for (const char* line : {"GET /v1/jobs", "GET /nothing", "POST /v1/jobs", "GET /health"}) {
        const Answer answer = world.ask(line);
        EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff") << line;
        EXPECT_EQ(answer.header("Cache-Control"), "no-store") << line;
        EXPECT_THAT(answer.header("Content-Security-Policy"), HasSubstr("default-src 'none'"));
    }
}

TEST(Front, LetsInOnlyThoseWhoCallUsByOurName) {
    World world;
    world.services.access.hosts = {"khronos.example", "10.0.0.1", "fd00::1"};
    for (const char* host : {"localhost", "LOCALHOST:10001", "127.0.0.1", "127.0.0.1:1", "[::1]",
                             "[::1]:10001", "khronos.example:443", "10.0.0.1:8080", "[fd00::1]:1"})
        EXPECT_EQ(world.ask("GET /livez", "", {{"Host", host}}).status, 200) << host;
    for (const char* host :
         {"", "evil.example", "evil.example:10001", "localhost.evil.example",
          "127.0.0.1.evil.example", "localhost:", "localhost:x", "localhost:1:2", "[::1", "[::1]x",
          "::1", "localhost@evil.example", "127.0.0.2", "localhost:123456"})
        EXPECT_EQ(world.ask("GET /livez", "", {{"Host", host}}).status, 403) << host;
}

TEST(Front, RefusesWritesOfForeignPages) {
    World world;
    world.services.access.origins = {"https://tools.example"};
    const auto post = [&](Headers headers) {
        return world.ask("POST /v1/unpause", "", std::move(headers)).status;
    };
    EXPECT_EQ(post({}), 200) << "a program, not a page";
    EXPECT_EQ(post({{"Origin", "http://127.0.0.1:10001"}}), 200);
    EXPECT_EQ(post({{"Origin", "https://tools.example"}}), 200);
    EXPECT_EQ(post({{"Sec-Fetch-Site", "same-origin"}}), 200);
    EXPECT_EQ(post({{"Sec-Fetch-Site", "none"}}), 200);
    for (const char* origin :
         {"https://evil.example", "null", "", "http://127.0.0.1:10002", "https://127.0.0.1:10001",
          "http://127.0.0.1:10001.evil.example", "https://tools.example.evil.example"})
        EXPECT_EQ(post({{"Origin", origin}}), 403) << origin;
    EXPECT_EQ(post({{"Sec-Fetch-Site", "cross-site"}}), 403);
    EXPECT_EQ(post({{"Sec-Fetch-Site", "same-site"}}), 403);
    EXPECT_EQ(world.ask("GET /v1/pause", "", {{"Origin", "https://evil.example"}}).status, 200)
        << "it may ask; without CORS it cannot read the answer";
}

TEST(Front, AsksForPermissionByTheRouteAndNotByThePath) {
    World world;
    std::vector<std::string> asked;
    world.services.authorize = [&](const HttpRequest&,
                                   Permission needs) -> std::expected<Identity, Refusal> {
        asked.emplace_back(to_string(needs));
        if (needs == Permission::viewer) return Identity{"ann", needs, "", {}};
        if (needs == Permission::admin) return std::unexpected(Refusal{403, "not you"});
        return std::unexpected(Refusal{401, "who are you?"});
    };
    EXPECT_EQ(world.ask("GET /health").status, 200);
    EXPECT_TRUE(asked.empty()) << "an open route asks nobody";
    EXPECT_EQ(world.ask("GET /v1/jobs").status, 200);
    const Answer unknown = world.ask("POST /v1/jobs", R"({"name":"a"})");
    EXPECT_EQ(unknown.status, 401);
    EXPECT_EQ(unknown.header("WWW-Authenticate"), "Bearer");
    EXPECT_EQ(world.ask("POST /v1/pause").status, 403);
    EXPECT_EQ(world.ask("POST /%76%31/pause/").status, 403);
    EXPECT_EQ(world.ask("POST //v1/pause").status, 404);
    EXPECT_THAT(asked, ElementsAre("viewer", "editor", "admin", "admin"));
}

TEST(Front, EveryRouteButTheOpenOnesRefusesStrangers) {
    World world;
    world.services.authorize = [](const HttpRequest&,
                                  Permission) -> std::expected<Identity, Refusal> {
        return std::unexpected(Refusal{401, "who are you?"});
    };
    int open = 0;
    for (const Route& route : world.front.router().routes()) {
        std::string path;
        for (const char c : route.pattern)
            path += c == ':' ? 'x' : c;
        const int status = world.ask(std::string(to_string(route.method)) + " " + path).status;
        if (route.permission == Permission::open)
            ++open;
        else
            EXPECT_EQ(status, 401) << route.pattern;
    }
    EXPECT_EQ(open, 11) << "a new open route is a decision: /, the page and its files, health, "
                           "livez, readyz, version, "
                           "openapi.json, "
                           "session, login, logout";
}

}  // namespace
}  // namespace khronos::api

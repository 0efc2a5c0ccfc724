// The routes of jobs as Dkron's clients know them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/world_test.h"

namespace khronos::api {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kJob = R"({"name":"job1","schedule":"@every 10s","executor":"shell",
    "executor_config":{"command":"date"},"tags":{"server":"true:1"}})";

std::vector<std::string> names_in(const Answer& answer) {
    std::vector<std::string> names;
    const auto value = answer.json();
    if (!value.is_array()) return {"no list: " + answer.body};
    for (const auto& job : value.as_array())
        names.emplace_back(job.as_object().at("name").as_string());
    return names;
}

TEST(JobRoutes, SaveAnswers201WithTheJobForCreateAndUpdate) {
    World world;
    for (const char* line :
         {"POST /v1/jobs", "POST /v1/jobs/", "PATCH /v1/jobs", "PUT /v1/jobs/job1"}) {
        const Answer answer = world.ask(line, kJob);
        EXPECT_EQ(answer.status, 201) << line << answer.body;
        EXPECT_EQ(answer.header("Location"), "/v1/jobs/job1") << line;
        EXPECT_EQ(answer.header("Content-Type"), "application/json; charset=utf-8");
        EXPECT_EQ(answer.header("X-Whom"), "node1");
        EXPECT_EQ(answer.json().at("name"), "job1");
        EXPECT_EQ(answer.json().at("next"), "2024-01-01T00:00:10Z") << "never a time of the past";
    }
    EXPECT_EQ(world.catalog.size(), 1u);
}

TEST(JobRoutes, AJobThatWasSavedIsReadBackWithEveryKeyAndListedAtOnce) {
    World world;
    world.ask("POST /v1/jobs", kJob);
    const Answer read = world.ask("GET /v1/jobs/job1");
    EXPECT_EQ(read.status, 200);
    EXPECT_EQ(
        read.body,
        R"({"id":"job1","name":"job1","displayname":"","timezone":"","schedule":"@every 10s",)"
        R"("owner":"","owner_email":"","success_count":0,"error_count":0,)"
        R"("last_success":null,"last_error":null,"disabled":false,"tags":{"server":"true:1"},)"
        R"("metadata":null,"retries":0,"dependent_jobs":null,"parent_job":"",)"
        R"("processors":{},"concurrency":"allow","executor":"shell",)"
        R"("executor_config":{"command":"date"},"status":"","next":"2024-01-01T00:00:10Z",)"
        R"("ephemeral":false,"starts_at":null,"expires_at":null})");
    EXPECT_EQ(world.ask("GET /v1/jobs").body, "[" + read.body + "]");
}

TEST(JobRoutes, ContentTypeIsNotLookedAt) {
    World world;
    EXPECT_EQ(
        world.ask("POST /v1/jobs", kJob, {{"Content-Type", "application/x-www-form-urlencoded"}})
            .status,
        201);
}

TEST(JobRoutes, ErrorsAreDkronsStatusesAndSentences) {
    World world;
    struct Case {
        const char* body;
        const char* starts;
    };
    const Case cases[] = {
        {"", "Unable to parse payload: the body is empty"},
        {"{", "Unable to parse payload: not valid JSON"},
        {R"({"name":1})", "Unable to parse payload: name: must be a string, not a number"},
        {R"({"schedule":"@every 1m"})", "Job validation failed: name: name cannot be empty"},
        {R"({"name":"a b"})", "Job validation failed: name: name contains illegal character ' '"},
        {R"({"name":"a","parent_job":"a"})",
         "Job validation failed: parent_job: the job can not have itself as parent"},
        {R"({"name":"a","schedule":"nonsense"})",
         "Job validation failed: schedule: can't parse job schedule: "},
        {R"({"name":"a","concurrency":"maybe"})",
         "Job validation failed: concurrency: invalid concurrency policy value, use \"allow\" or "
         "\"forbid\""},
        {R"({"name":"a","timezone":"Mars/Olympus"})",
         "Job validation failed: timezone: unknown time zone Mars/Olympus"},
    };
    for (const Case& c : cases) {
        const Answer answer = world.ask("POST /v1/jobs", c.body);
        EXPECT_EQ(answer.status, 400) << c.body;
        EXPECT_EQ(answer.header("Content-Type"), "text/plain; charset=utf-8");
        EXPECT_THAT(answer.body, StartsWith(c.starts));
    }
    EXPECT_EQ(world.catalog.size(), 0u);
}

TEST(JobRoutes, AllProblemsAreToldAtOnceAsAProblemDocumentToThoseWhoAsk) {
    World world;
    const Answer answer =
        world.ask("POST /v1/jobs", R"({"name":"a b","concurrency":"maybe","guard":"1s"})",
                  {{"Accept", "application/problem+json, application/json"}});
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
    const auto problem = answer.json();
    const auto& errors = problem.at("errors").as_array();
    ASSERT_EQ(errors.size(), 3u);
    EXPECT_EQ(errors[0].at("field"), "name");
    EXPECT_EQ(errors[1].at("field"), "concurrency");
    EXPECT_EQ(errors[2].at("field"), "guard");
}

TEST(JobRoutes, UnknownKeysAreNamedInAWarningAndRefusedByTheStrict) {
    World world;
    const char* body = R"({"name":"a","schedul":"@daily","retrys":1})";
    const Answer mild = world.ask("POST /v1/jobs", body);
    EXPECT_EQ(mild.status, 201);
    EXPECT_THAT(mild.headers.all("Warning"),
                ElementsAre("299 khronos \"unknown key schedul; did you mean schedule?\"",
                            "299 khronos \"unknown key retrys; did you mean retries?\""));
    const Answer strict = world.ask("POST /v1/jobs", body, {{"Prefer", "handling=strict"}});
    EXPECT_EQ(strict.status, 400);
    EXPECT_EQ(strict.body,
              "Job validation failed: schedul: unknown key; did you mean schedule?; retrys: "
              "unknown key; did you mean retries?");
}

TEST(JobRoutes, WhatIsKeptButNotAppliedIsWarnedOf) {
    World world;
    const Answer answer = world.ask(
        "POST /v1/jobs", R"({"name":"a","processors":{"log":{}},"owner_email":"a@example.com"})");
    EXPECT_EQ(answer.status, 201);
    EXPECT_THAT(answer.headers.all("Warning"),
                ElementsAre(HasSubstr("processors are kept"), HasSubstr("owner_email is kept")));
}

TEST(JobRoutes, PutTakesThePathsNameAndRefusesAnother) {
    World world;
    EXPECT_EQ(world.ask("PUT /v1/jobs/a", R"({"schedule":"@daily"})").json().at("name"), "a");
    const Answer other = world.ask("PUT /v1/jobs/a", R"({"name":"b"})");
    EXPECT_EQ(other.status, 400);
    EXPECT_EQ(other.body, "Job validation failed: name: the path says 'a' and the body 'b'");
}

TEST(JobRoutes, SavingReplacesTheWholeJobButItsCounters) {
    World world;
    world.ask("POST /v1/jobs", R"({"name":"a","owner":"me","success_count":3})");
    const Answer answer = world.ask("PATCH /v1/jobs", R"({"name":"a","displayname":"A"})");
    EXPECT_EQ(answer.json().at("owner"), "");
    EXPECT_EQ(answer.json().at("displayname"), "A");
    EXPECT_EQ(answer.json().at("success_count"), 3);
}

TEST(JobRoutes, ATimeThatIsOverIsRefusedUnlessItWasSavedBefore) {
    World world;
    const char* body = R"({"name":"a","schedule":"@at 2024-01-01T01:00:00Z"})";
    EXPECT_EQ(world.ask("POST /v1/jobs", body).status, 201);
    world.loop.advance(3h);
    EXPECT_EQ(world.ask("POST /v1/jobs", body).status, 201) << "nothing changes";
    const Answer answer =
        world.ask("POST /v1/jobs", R"({"name":"b","schedule":"@at 2024-01-01T01:00:00Z"})");
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr("is in the past"));
}

TEST(JobRoutes, ADryRunSavesNothing) {
    World world;
    EXPECT_EQ(world.ask("PUT /v1/jobs/a?dry_run", "{}").status, 200);
    EXPECT_EQ(world.ask("PUT /v1/jobs/a?dry_run", R"({"guard":"1s"})").status, 400);
    EXPECT_EQ(world.ask("GET /v1/jobs/a").status, 404);
}

TEST(JobRoutes, APauseRefusesSubmissionsForAllAgentsUntilItEnds) {
    World world;
    EXPECT_EQ(world.ask("GET /v1/pause").body, R"({"paused":false})");
    EXPECT_EQ(world.ask("POST /v1/pause").body, R"({"paused":true})");
    EXPECT_EQ(world.ask("POST /v1/pause").body, R"({"paused":true})");
    EXPECT_EQ(world.ask("GET /v1/pause").body, R"({"paused":true})");
    const Answer refused = world.ask("POST /v1/jobs", "no JSON");
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.body, "New job submissions are currently paused");
    EXPECT_EQ(world.ask("POST /v1/unpause").body, R"({"paused":false})");
    EXPECT_EQ(world.ask("POST /v1/jobs", kJob).status, 201);
}

TEST(JobRoutes, AJobThatIsNotThereIs404WithoutABody) {
    World world;
    for (const char* line :
         {"GET /v1/jobs/x", "DELETE /v1/jobs/x", "POST /v1/jobs/x", "POST /v1/jobs/x/run",
          "POST /v1/jobs/x/toggle", "GET /v1/jobs/x/executions", "DELETE /v1/jobs/x/executions",
          "GET /v1/jobs/x/executions/1"}) {
        const Answer answer = world.ask(line);
        EXPECT_EQ(answer.status, 404) << line;
        EXPECT_EQ(answer.body, "") << line;
    }
}

TEST(JobRoutes, DeleteAnswersTheDeletedJobAndTheListForgetsItAtOnce) {
    World world;
    world.ask("POST /v1/jobs", kJob);
    const Answer answer = world.ask("DELETE /v1/jobs/job1");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.json().at("name"), "job1");
    EXPECT_EQ(answer.json().at("next"), "0001-01-01T00:00:00Z");
    EXPECT_EQ(world.ask("GET /v1/jobs").body, "[]");
    EXPECT_EQ(world.ask("GET /v1/jobs/job1").status, 404);
}

TEST(JobRoutes, RunAnswers200WithTheJobAndWhereToLook) {
    World world;
    world.ask("POST /v1/jobs", kJob);
    for (const char* line :
         {"POST /v1/jobs/job1", "POST /v1/jobs/job1/run", "POST /v1/jobs/job1/"}) {
        const Answer answer = world.ask(line, "anything");
        EXPECT_EQ(answer.status, 200) << line;
        EXPECT_EQ(answer.json().at("name"), "job1");
        EXPECT_EQ(answer.header("Location"),
                  "/v1/jobs/job1/executions/" + answer.header("Khronos-Execution"));
    }
}

std::vector<core::Trigger> triggers_of(World& world, std::string_view job) {
    std::vector<core::Trigger> triggers;
    store::RangeRequest request;
    request.begin = store::keys::triggers_of(shard_of(job));
    request.end = store::prefix_end(request.begin);
    world.store.range(request, [&](auto result) {
        for (const auto& kv : result->kvs)
            triggers.push_back(*store::decode<core::Trigger>(kv.value.view()));
    });
    world.loop.run_until_idle();
    return triggers;
}

TEST(JobRoutes, ADisabledJobCanBeRunByHand) {
    World world;
    world.ask("POST /v1/jobs", R"({"name":"a","disabled":true})");
    EXPECT_EQ(world.ask("POST /v1/jobs/a/run").status, 200);
    EXPECT_EQ(triggers_of(world, "a").size(), 1u);
}

TEST(JobRoutes, RunTakesAPayloadAndRepeatsNothingUnderOneKey) {
    World world;
    world.ask("POST /v1/jobs", kJob);
    const Headers key{{"Idempotency-Key", "k1"}};
    const Answer first = world.ask("POST /v1/jobs/job1/run", R"({"payload":{"n":1}})", key);
    const Answer again = world.ask("POST /v1/jobs/job1/run", R"({"payload":{"n":1}})", key);
    EXPECT_EQ(first.status, 200);
    EXPECT_EQ(again.status, 200);
    EXPECT_EQ(first.header("Khronos-Execution"), again.header("Khronos-Execution"));
    const auto triggers = triggers_of(world, "job1");
    ASSERT_EQ(triggers.size(), 1u);
    EXPECT_EQ(triggers[0].payload, R"({"n":1})");
    EXPECT_EQ(triggers[0].requested_by, "local");
    EXPECT_EQ(world.ask("POST /v1/jobs/job1/run", R"({"payload":)").status, 400);
    EXPECT_EQ(world.ask("POST /v1/jobs/job1/run", "", {{"Idempotency-Key", std::string(256, 'k')}})
                  .status,
              400);
}

TEST(JobRoutes, RunOnCreateAsksForARunTogetherWithTheSave) {
    World world;
    world.ask("POST /v1/jobs?runoncreate", kJob);
    EXPECT_EQ(triggers_of(world, "job1").size(), 1u);
}

TEST(JobRoutes, ToggleFlipsDisabledAndNext) {
    World world;
    world.ask("POST /v1/jobs", kJob);
    const Answer off = world.ask("POST /v1/jobs/job1/toggle");
    EXPECT_EQ(off.status, 200);
    EXPECT_EQ(off.json().at("disabled"), true);
    EXPECT_EQ(off.json().at("next"), "0001-01-01T00:00:00Z");
    EXPECT_EQ(off.header("Location"), "/v1/jobs/job1");
    EXPECT_EQ(world.ask("POST /v1/jobs/job1/toggle").json().at("disabled"), false);
}

TEST(JobRoutes, ToggleSetsWhatItIsTold) {
    World world;
    world.ask("POST /v1/jobs", kJob);
    for (const bool disabled : {true, true, false, false}) {
        const std::string line =
            std::string("POST /v1/jobs/job1/toggle?disabled=") + (disabled ? "true" : "false");
        EXPECT_EQ(world.ask(line).json().at("disabled"), disabled);
    }
    EXPECT_EQ(world.ask("POST /v1/jobs/job1/toggle?disabled=maybe").status, 400);
}

TEST(JobRoutes, ETagsGuardEditsAndDeletes) {
    World world;
    const std::string first = world.ask("POST /v1/jobs", kJob).header("ETag");
    EXPECT_EQ(world.ask("GET /v1/jobs/job1").header("ETag"), first);
    const Answer edited = world.ask("PUT /v1/jobs/job1", "{}", {{"If-Match", first}});
    EXPECT_EQ(edited.status, 201);
    EXPECT_NE(edited.header("ETag"), first);
    EXPECT_EQ(world.ask("PUT /v1/jobs/job1", "{}", {{"If-Match", first}}).status, 412);
    EXPECT_EQ(world.ask("PUT /v1/jobs/job1", "{}", {{"If-None-Match", "*"}}).status, 412);
    EXPECT_EQ(world.ask("PUT /v1/jobs/new", "{}", {{"If-Match", "*"}}).status, 412);
    EXPECT_EQ(world.ask("PUT /v1/jobs/new", "{}", {{"If-None-Match", "*"}}).status, 201);
    EXPECT_EQ(world.ask("DELETE /v1/jobs/job1", "", {{"If-Match", first}}).status, 412);
    EXPECT_EQ(
        world.ask("DELETE /v1/jobs/job1", "", {{"If-Match", "W/\"0\" , " + edited.header("ETag")}})
            .status,
        200);
}

TEST(JobRoutes, AReadOfWhatTheClientHasIs304) {
    World world;
    const std::string tag = world.ask("POST /v1/jobs", kJob).header("ETag");
    const Answer same = world.ask("GET /v1/jobs/job1", "", {{"If-None-Match", tag}});
    EXPECT_EQ(same.status, 304);
    EXPECT_EQ(same.body, "");
    EXPECT_EQ(world.ask("GET /v1/jobs/job1", "", {{"If-None-Match", "\"1\""}}).status, 200);
}

TEST(JobRoutes, CountersAndStatusComeFromTheStatistics) {
    World world;
    world.ask("POST /v1/jobs", kJob);
    core::JobStats stats;
    stats.success_count = 2;
    stats.last_success = world.loop.wall_now();
    stats.last_status = "success";
    world.put(store::keys::stats(world.uid_of("job1")), store::encode(stats));
    for (const char* line : {"GET /v1/jobs/job1", "GET /v1/jobs"}) {
        const std::string body = world.ask(line).body;
        EXPECT_THAT(body,
                    AllOf(HasSubstr(R"("success_count":2)"), HasSubstr(R"("status":"success")"),
                          HasSubstr(R"("last_success":"2024-01-01T00:00:00Z")")));
    }
}

TEST(JobRoutes, PrettyIsIndentedByFourSpaces) {
    World world;
    world.ask("POST /v1/jobs", kJob);
    EXPECT_THAT(world.ask("GET /v1/jobs/job1?pretty").body,
                StartsWith("{\n    \"id\": \"job1\",\n"));
    EXPECT_THAT(world.ask("GET /v1/jobs?pretty=false").body,
                StartsWith("[\n    {\n        \"id\": \"job1\",\n"));
    EXPECT_TRUE(world.ask("GET /v1/jobs?pretty").json().is_array());
}

// ---- the list

World& fill(World& world) {
    world.ask("POST /v1/jobs", R"({"name":"a","displayname":"Zed","schedule":"0 0 3 * * *",
        "metadata":{"team":"x","env":"prod"}})");
    world.ask("POST /v1/jobs", R"({"name":"b","displayname":"Anna","schedule":"0 0 1 * * *",
        "metadata":{"team":"x"},"success_count":5})");
    world.ask("POST /v1/jobs", R"({"name":"c","displayname":"Mia","schedule":"0 0 2 * * *",
        "disabled":true,"error_count":2,"last_error":"2023-01-01T00:00:00Z"})");
    world.ask("POST /v1/jobs", R"({"name":"d","schedule":"@manually","success_count":1})");
    return world;
}

TEST(JobList, SortsByEveryColumnBothWays) {
    World world;
    fill(world);
    struct Case {
        const char* query;
        std::vector<std::string> names;
    };
    const Case cases[] = {
        {"", {"a", "b", "c", "d"}},
        {"_sort=id&_order=DESC", {"d", "c", "b", "a"}},
        {"_sort=name&_order=ASC", {"a", "b", "c", "d"}},
        {"_sort=displayname", {"d", "b", "c", "a"}},
        {"_sort=displayname&_order=DESC", {"a", "c", "b", "d"}},
        {"_sort=schedule", {"b", "c", "a", "d"}},
        {"_sort=success_count", {"a", "c", "d", "b"}},
        {"_sort=success_count&_order=DESC", {"b", "d", "a", "c"}},
        {"_sort=error_count&_order=DESC", {"c", "a", "b", "d"}},
        {"_sort=last_success&_order=DESC", {"a", "b", "c", "d"}},
        {"_sort=last_error&_order=DESC", {"c", "a", "b", "d"}},
        {"_sort=next&_order=DESC", {"a", "b", "c", "d"}},
    };
    for (const Case& c : cases)
        EXPECT_EQ(names_in(world.ask(std::string("GET /v1/jobs?") + c.query)), c.names) << c.query;
    EXPECT_EQ(world.ask("GET /v1/jobs?_sort=color").status, 500);
}

TEST(JobList, FiltersByApplicationAndTags) {
    World world;
    world.ask("POST /v1/jobs", R"({"name":"a","application":"web","tags":{"dc":"x","gpu":"1"}})");
    world.ask("POST /v1/jobs", R"({"name":"b","application":"web","metadata":{"dc":"x"}})");
    world.ask("POST /v1/jobs", R"({"name":"c","application":"default","tags":{"dc":"y"}})");
    world.ask("POST /v1/jobs", R"({"name":"d","tags":{"dc":"x:2"}})");
    struct Case {
        const char* query;
        std::vector<std::string> names;
    };
    const Case cases[] = {
        {"application=web", {"a", "b"}},
        {"application=default", {"c", "d"}},
        {"application=we", {}},
        {"application=", {"a", "b", "c", "d"}},
        {"tags[dc]=x", {"a"}},
        {"tags%5Bdc%5D=x:2", {"d"}},
        {"tags[dc]=x&tags[gpu]=1", {"a"}},
        {"tags[dc]=x&tags[gpu]=2", {}},
        {"tags[dc]=", {}},
        {"application=default&tags[dc]=y", {"c"}},
        {"application=web&_order=DESC&_start=0&_end=1", {"b"}},
    };
    for (const Case& c : cases)
        EXPECT_EQ(names_in(world.ask(std::string("GET /v1/jobs?") + c.query)), c.names) << c.query;
    EXPECT_EQ(world.ask("GET /v1/jobs?application=web&_end=1").header("X-Total-Count"), "2");
}

TEST(JobList, FiltersAndCountsBeforeItPages) {
    World world;
    fill(world);
    core::JobStats failed;
    failed.last_status = "failed";
    world.put(store::keys::stats(world.uid_of("a")), store::encode(failed));
    struct Case {
        const char* query;
        std::vector<std::string> names;
        const char* total;
    };
    const Case cases[] = {
        {"q=nn", {"b"}, "1"},
        {"q=NN", {}, "0"},
        {"q=c", {"c"}, "1"},
        {"metadata%5Bteam%5D=x", {"a", "b"}, "2"},
        {"metadata[team]=x&metadata[env]=prod", {"a"}, "1"},
        {"metadata[team]=y", {}, "0"},
        {"disabled=true", {"c"}, "1"},
        {"disabled=false", {"a", "b", "d"}, "3"},
        {"disabled=", {"a", "b", "c", "d"}, "4"},
        {"status=failed", {"a"}, "1"},
        {"status=success", {}, "0"},
        {"status=untriggered", {"b", "c", "d"}, "3"},
        {"status=", {"a", "b", "c", "d"}, "4"},
        {"_start=1&_end=3", {"b", "c"}, "4"},
        {"_start=1&_end=3&_order=DESC", {"c", "b"}, "4"},
        {"_start=1", {"b", "c", "d"}, "4"},
        {"_start=3&_end=1", {}, "4"},
        {"_start=9&_end=99", {}, "4"},
        {"_start=-5&_end=2", {"a", "b"}, "4"},
        {"_start=x&_end=y", {"a", "b", "c", "d"}, "4"},
        {"_end=99999999999999999999999", {"a", "b", "c", "d"}, "4"},
        {"disabled=false&_start=1&_end=2", {"b"}, "3"},
        {"disabled=false&_start=1&_end=2&_order=DESC", {"b"}, "3"},
        {"_sort=schedule&_start=0&_end=1", {"b"}, "4"},
    };
    for (const Case& c : cases) {
        const Answer answer = world.ask(std::string("GET /v1/jobs?") + c.query);
        EXPECT_EQ(names_in(answer), c.names) << c.query;
        EXPECT_EQ(answer.header("X-Total-Count"), c.total) << c.query;
    }
}

TEST(JobList, KnowsWhichJobsRun) {
    World world;
    fill(world);
    world.put(world.execution("b", 0, core::ExecutionState::claimed));
    world.put(world.execution("c", 0, core::ExecutionState::waiting));
    world.put(world.execution("d", 0, core::ExecutionState::succeeded));
    EXPECT_EQ(names_in(world.ask("GET /v1/jobs?status=running")), std::vector<std::string>{"b"});
}

TEST(JobList, WaitsForARevisionThatTheAgentHasNotSeen) {
    World world;
    fill(world);
    auto exchange = std::make_shared<NotedExchange>();
    const std::uint64_t ahead = world.catalog.revision().value + 1;
    world.front.handle(World::request("GET /v1/jobs?min_revision=" + std::to_string(ahead), "", {}),
                       Responder(exchange));
    world.loop.run_until_idle();
    EXPECT_EQ(exchange->answers, 0);
    world.ask("POST /v1/jobs", R"({"name":"e"})");
    ASSERT_EQ(exchange->answers, 1);
    EXPECT_THAT(exchange->answer->body.view(), HasSubstr(R"("name":"e")"));

    auto never = std::make_shared<NotedExchange>();
    world.front.handle(World::request("GET /v1/jobs?min_revision=999999", "", {}),
                       Responder(never));
    world.loop.advance(3s);
    ASSERT_EQ(never->answers, 1);
    EXPECT_EQ(never->answer->status, 503);
    EXPECT_EQ(world.ask("GET /v1/jobs?min_revision=x").status, 400);
}

}  // namespace
}  // namespace khronos::api

// Runs that somebody asks for: waited for, repeated; and saving under an idempotency key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/world_test.h"

namespace khronos::api {
namespace {

using core::ExecutionState;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kJob = R"({"name":"a","executor":"noop","payload":{"n":1}})";

core::Trigger only_trigger(World& world) {
    core::Trigger trigger;
    store::RangeRequest request;
    request.begin = store::keys::kTriggers;
    request.end = store::prefix_end(request.begin);
    int count = 0;
    world.store.range(request, [&](auto result) {
        for (const auto& kv : result->kvs) {
            trigger = *store::decode<core::Trigger>(kv.value.view());
            ++count;
        }
    });
    world.loop.run_until_idle();
    EXPECT_EQ(count, 1);
    return trigger;
}

TEST(RunRoute, WaitAnswersWithTheExecutionOnceItIsOver) {
    World world;
    world.ask("POST /v1/jobs", kJob);
    auto exchange = std::make_shared<NotedExchange>();
    world.front.handle(World::request("POST /v1/jobs/a/run?wait=30s", "", {}), Responder(exchange));
    world.loop.run_until_idle();
    EXPECT_EQ(exchange->answers, 0) << "it is not over";
    core::Execution run = world.execution("a", 0, ExecutionState::claimed);
    run.id = only_trigger(world).id;
    world.put(run);
    EXPECT_EQ(exchange->answers, 0);
    run.state = ExecutionState::failed;
    run.exit_code = 3;
    world.put(run);
    ASSERT_EQ(exchange->answers, 1);
    EXPECT_EQ(exchange->answer->status, 200);
    EXPECT_THAT(std::string(exchange->answer->body.view()), HasSubstr(R"("exit_code":3)"));
    EXPECT_EQ(exchange->answer->headers.find("Khronos-Execution"), core::to_text(run.id));
}

TEST(RunRoute, WaitEndsWithoutTheExecutionBeingOver) {
    World world;
    world.ask("POST /v1/jobs", kJob);
    auto exchange = std::make_shared<NotedExchange>();
    world.front.handle(World::request("POST /v1/jobs/a/run?wait=30s", "", {}), Responder(exchange));
    world.loop.advance(29s);
    EXPECT_EQ(exchange->answers, 0);
    world.loop.advance(2s);
    ASSERT_EQ(exchange->answers, 1);
    EXPECT_EQ(exchange->answer->status, 202);
    EXPECT_EQ(world.ask("POST /v1/jobs/a/run?wait=x").status, 400);
    EXPECT_EQ(world.ask("POST /v1/jobs/a/run?wait=-1s").status, 400);
}

TEST(RetryRoute, IsANewExecutionWithTheOldPayload) {
    World world;
    world.ask("POST /v1/jobs", kJob);
    core::Execution old = world.execution("a", 0, ExecutionState::failed);
    old.payload = R"({"n":2})";
    world.put(old);
    const Answer answer = world.ask("POST /v1/executions/" + core::to_text(old.id) + "/retry");
    EXPECT_EQ(answer.status, 202);
    const core::Trigger trigger = only_trigger(world);
    EXPECT_EQ(answer.json().at("id").as_string(), core::to_text(trigger.id));
    EXPECT_EQ(trigger.id.trigger.kind, core::TriggerKind::retry);
    EXPECT_EQ(trigger.payload, R"({"n":2})");
    EXPECT_EQ(trigger.requested_by, "local");
}

TEST(RetryRoute, AKeyRetriesOnce) {
    World world;
    world.ask("POST /v1/jobs", kJob);
    const core::Execution old = world.execution("a", 0, ExecutionState::lost);
    world.put(old);
    const std::string line = "POST /v1/executions/" + core::to_text(old.id) + "/retry";
    const Answer first = world.ask(line, "", {{"Idempotency-Key", "k"}});
    EXPECT_EQ(world.ask(line, "", {{"Idempotency-Key", "k"}}).body, first.body);
    only_trigger(world);
}

TEST(RetryRoute, WhatRunsOrIsGoneIsNotRetried) {
    World world;
    world.ask("POST /v1/jobs", kJob);
    const core::Execution running = world.execution("a", 0, ExecutionState::claimed);
    const core::Execution ended = world.execution("a", 10, ExecutionState::failed);
    world.put(running);
    world.put(ended);
    EXPECT_EQ(world.ask("POST /v1/executions/" + core::to_text(running.id) + "/retry").status, 409);
    EXPECT_EQ(world.ask("POST /v1/executions/x/retry").status, 404);
    world.ask("DELETE /v1/jobs/a");
    EXPECT_EQ(world.ask("POST /v1/executions/" + core::to_text(ended.id) + "/retry").status, 409);
}

TEST(SaveRoute, AnIdempotencyKeySavesOnce) {
    World world;
    const Headers key{{"Idempotency-Key", "k1"}};
    const Answer first = world.ask("POST /v1/jobs", kJob, key);
    EXPECT_EQ(first.status, 201);
    EXPECT_EQ(first.header("Idempotent-Replayed"), "<none>");
    world.ask("POST /v1/jobs", R"({"name":"a","displayname":"edited since"})");
    const Answer again = world.ask("POST /v1/jobs", kJob, key);
    EXPECT_EQ(again.status, 201);
    EXPECT_EQ(again.header("Idempotent-Replayed"), "true");
    EXPECT_EQ(again.json().at("displayname"), "edited since") << "the edit is not undone";
    const Answer other = world.ask("POST /v1/jobs", R"({"name":"b"})", key);
    EXPECT_EQ(other.status, 422);
    EXPECT_EQ(world.ask("GET /v1/jobs/b").status, 404);
    EXPECT_EQ(world.ask("POST /v1/jobs", kJob, {{"Idempotency-Key", std::string(300, 'k')}}).status,
              400);
}

// The audit log's keys and values, oldest first.
std::vector<std::string> audited(World& world) {
    std::vector<std::string> rows;
    store::RangeRequest request;
    request.begin = store::keys::kAudit;
    request.end = store::prefix_end(request.begin);
    world.store.range(request, [&](auto result) {
        for (const auto& kv : result->kvs)
            rows.emplace_back(kv.value.view());
    });
    world.loop.run_until_idle();
    return rows;
}

TEST(Audit, EveryChangeOfAJobIsNotedWithWhatIsDifferent) {
    World world;
    world.ask("POST /v1/jobs", R"({"name":"a","schedule":"@daily"})");
    world.loop.advance(1s);
    world.ask("POST /v1/jobs", R"({"name":"a","schedule":"@hourly"})");
    world.loop.advance(1s);
    world.ask("POST /v1/jobs/a/toggle");
    world.loop.advance(1s);
    world.ask("POST /v1/jobs/a/run");
    world.loop.advance(1s);
    world.ask("DELETE /v1/jobs/a");
    const auto rows = audited(world);
    ASSERT_EQ(rows.size(), 5U);
    EXPECT_THAT(rows[0], HasSubstr(R"("action":"job.create","object":"a","before":null)"));
    EXPECT_THAT(rows[0], HasSubstr(R"("actor":"local")"));
    EXPECT_THAT(rows[1],
                HasSubstr(R"("action":"job.update","object":"a","before":{"schedule":"@daily"},)"
                          R"("after":{"schedule":"@hourly"})"));
    EXPECT_THAT(rows[2], HasSubstr(R"("before":{"disabled":false},"after":{"disabled":true})"));
    EXPECT_THAT(rows[3], HasSubstr(R"("action":"job.run")"));
    EXPECT_THAT(rows[4], HasSubstr(R"("action":"job.delete")"));
}

TEST(Audit, HoldsNoSecret) {
    World world;
    const auto save = [&](std::string_view secret) {
        world.ask("POST /v1/jobs",
                  R"({"name":"a","executor":"http","payload":{"key":")" + std::string(secret) +
                      R"("},"executor_config":{"url":"http://me:)" + std::string(secret) +
                      R"(@x/","headers":"[\"Authorization: )" + std::string(secret) +
                      R"(\"]","body":")" + std::string(secret) + R"(","env":"K=)" +
                      std::string(secret) + R"("}})");
        world.loop.advance(1s);
    };
    save("canary-one");
    save("canary-two");
    const auto rows = audited(world);
    ASSERT_EQ(rows.size(), 2U);
    for (const std::string& row : rows)
        EXPECT_EQ(row.find("canary"), std::string::npos) << row;
    EXPECT_THAT(rows[1], HasSubstr(R"("executor_config")")) << "that it changed is told";
}

TEST(DependentJobs, AreFilledInAndKeepTheirParentFromBeingDeleted) {
    World world;
    world.ask("POST /v1/jobs", R"({"name":"parent"})");
    for (const char* name : {"b", "a"}) {
        core::Job job;
        job.uid = JobUid(name[0]);
        job.spec.name = name;
        job.spec.parent_job = "parent";
        world.put(store::keys::job(name), store::encode(job));
    }
    EXPECT_THAT(world.ask("GET /v1/jobs/parent").body, HasSubstr(R"("dependent_jobs":["a","b"])"));
    EXPECT_THAT(world.ask("GET /v1/jobs").body, HasSubstr(R"("dependent_jobs":["a","b"])"));
    EXPECT_EQ(world.ask("DELETE /v1/jobs/parent").status, 404);
    EXPECT_EQ(world.ask("DELETE /v1/jobs/parent").body, "");
    EXPECT_THAT(
        world.ask("DELETE /v1/jobs/parent", "", {{"Accept", "application/problem+json"}}).body,
        HasSubstr("delete them first"));
    world.ask("DELETE /v1/jobs/a");
    world.ask("DELETE /v1/jobs/b");
    EXPECT_THAT(world.ask("GET /v1/jobs/parent").body, HasSubstr(R"("dependent_jobs":null)"));
    EXPECT_EQ(world.ask("DELETE /v1/jobs/parent").status, 200);
}

}  // namespace
}  // namespace khronos::api

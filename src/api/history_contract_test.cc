// Executions: in Dkron's shape under their job, and whole on our own routes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/world_test.h"

namespace khronos::api {
namespace {

using core::ExecutionState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void save(World& world, const std::string& name, const std::string& more = "") {
    ASSERT_EQ(world.ask("POST /v1/jobs", R"({"name":")" + name + "\"" + more + "}").status, 201);
}

// A job `a` whose ticks at 0, 10, ... seconds became these.
void with_history(World& world, const std::vector<ExecutionState>& states) {
    save(world, "a");
    int at = 0;
    for (const ExecutionState state : states) {
        core::Execution e = world.execution("a", at, state);
        e.output_tail = "output " + std::to_string(at);
        e.output_bytes = e.output_tail.size();
        world.put(e);
        at += 10;
    }
}

std::vector<std::string> starts_in(const Answer& answer) {
    std::vector<std::string> starts;
    const auto value = answer.json();
    if (!value.is_array()) return {"no list: " + answer.body};
    for (const auto& e : value.as_array()) {
        const std::string text(e.as_object().at("started_at").as_string());
        starts.push_back(text.substr(14, 5));
    }
    return starts;
}

std::vector<std::string> rows_in(const Answer& answer) {
    std::vector<std::string> rows;
    const auto value = answer.json();
    const auto* object = value.if_object();
    if (!object || !object->contains("executions")) return {"no list: " + answer.body};
    for (const auto& e : object->at("executions").as_array())
        rows.push_back(std::string(e.at("job").as_string()) + " " +
                       std::string(e.at("scheduled_at").as_string()).substr(14, 5) + " " +
                       std::string(e.at("status").as_string()));
    return rows;
}

TEST(HistoryRoutes, AnExecutionHasDkronsKeys) {
    World world;
    with_history(world, {ExecutionState::succeeded});
    const std::string id = core::to_text(world.execution("a", 0, ExecutionState::succeeded).id);
    const std::string shared = R"({"id":")" + id +
                               R"(","job_name":"a","started_at":"2024-01-01T00:00:00.005Z",)"
                               R"("finished_at":"2024-01-01T00:00:01Z","success":true,)"
                               R"("output":"output 0","node_name":"node1",)"
                               R"("group":1704067200000000000,"attempt":1)";
    const Answer list = world.ask("GET /v1/jobs/a/executions/");
    EXPECT_EQ(list.body, "[" + shared + R"(,"output_truncated":false}])");
    EXPECT_EQ(list.header("X-Total-Count"), "1");
    EXPECT_EQ(world.ask("GET /v1/jobs/a/executions/" + id).body, shared + "}");
}

TEST(HistoryRoutes, FinishedAtIsTheZeroTimeWhileItRuns) {
    World world;
    with_history(world, {ExecutionState::claimed});
    const std::string body = world.ask("GET /v1/jobs/a/executions").body;
    EXPECT_THAT(body, HasSubstr(R"("finished_at":"0001-01-01T00:00:00Z","success":false)"));
}

TEST(HistoryRoutes, TimesAreInTheJobsZoneButTheZeroTimeIsLiteral) {
    World world;
    save(world, "a", R"(,"timezone":"Asia/Tokyo")");
    world.put(world.execution("a", 0, ExecutionState::claimed));
    const std::string body = world.ask("GET /v1/jobs/a/executions").body;
    EXPECT_THAT(body, HasSubstr(R"("started_at":"2024-01-01T09:00:00.005+09:00")"));
    EXPECT_THAT(body, HasSubstr(R"("finished_at":"0001-01-01T00:00:00Z")"));
}

TEST(HistoryRoutes, WhatDidNotRunIsNotShownToDkronsClients) {
    World world;
    with_history(world, {ExecutionState::skipped, ExecutionState::coalesced,
                         ExecutionState::waiting, ExecutionState::failed});
    EXPECT_THAT(starts_in(world.ask("GET /v1/jobs/a/executions")), ElementsAre("00:30"));
    const std::string skipped = core::to_text(world.execution("a", 0, ExecutionState::skipped).id);
    EXPECT_EQ(world.ask("GET /v1/jobs/a/executions/" + skipped).status, 404);
}

TEST(HistoryRoutes, TheListIsNewestFirstSortedAndPagedAsAsked) {
    World world;
    with_history(world,
                 {ExecutionState::succeeded, ExecutionState::failed, ExecutionState::succeeded});
    core::Execution late = world.execution("a", 30, ExecutionState::succeeded);
    late.attempt = AttemptNo(3);
    late.finished_at = late.started_at - 29s;
    world.put(late);
    struct Case {
        const char* query;
        std::vector<std::string> starts;
    };
    const Case cases[] = {
        {"", {"00:30", "00:20", "00:10", "00:00"}},
        {"_order=ASC", {"00:00", "00:10", "00:20", "00:30"}},
        {"_sort=id&_order=ASC", {"00:00", "00:10", "00:20", "00:30"}},
        {"_sort=started_at", {"00:30", "00:20", "00:10", "00:00"}},
        {"_sort=finished_at&_order=ASC", {"00:00", "00:30", "00:10", "00:20"}},
        {"_sort=attempt", {"00:30", "00:20", "00:10", "00:00"}},
        {"_start=1&_end=3", {"00:20", "00:10"}},
        {"_start=-1&_end=99", {"00:30", "00:20", "00:10", "00:00"}},
        {"_start=9", {}},
    };
    for (const Case& c : cases) {
        const Answer answer = world.ask(std::string("GET /v1/jobs/a/executions?") + c.query);
        EXPECT_EQ(starts_in(answer), c.starts) << c.query;
        EXPECT_EQ(answer.header("X-Total-Count"), "4") << c.query;
    }
    EXPECT_EQ(world.ask("GET /v1/jobs/a/executions?_sort=color").status, 500);
}

TEST(HistoryRoutes, OutputIsCutFromTheFrontToTheSizeAskedFor) {
    World world;
    with_history(world, {ExecutionState::succeeded});
    const std::string cut = world.ask("GET /v1/jobs/a/executions?output_size_limit=3").body;
    EXPECT_THAT(cut, HasSubstr(R"("output":"t 0")"));
    EXPECT_THAT(cut, HasSubstr(R"("output_truncated":true)"));
    EXPECT_THAT(world.ask("GET /v1/jobs/a/executions?output_size_limit=0").body,
                testing::Not(HasSubstr("\"output\":")));
    EXPECT_THAT(world.ask("GET /v1/jobs/a/executions?output_size_limit=99").body,
                HasSubstr(R"("output_truncated":false)"));
}

TEST(HistoryRoutes, OneExecutionHasTheWholeOutputThatTheWorkerKeeps) {
    World world;
    world.services.read_output = [](const core::Execution&, OutputRange range,
                                    Done<OutputPart> done) {
        EXPECT_TRUE(range.from_end);
        done(OutputPart{"the whole \xff output", 0, 18, true});
    };
    save(world, "a");
    core::Execution e = world.execution("a", 0, ExecutionState::succeeded);
    e.output_tail = "tail";
    e.output_bytes = 18;
    world.put(e);
    EXPECT_THAT(world.ask("GET /v1/jobs/a/executions/" + core::to_text(e.id)).body,
                HasSubstr("\"output\":\"the whole \ufffd output\""));
    EXPECT_THAT(world.ask("GET /v1/jobs/a/executions").body,
                HasSubstr(R"("output":"tail","node_name":"node1","group":1704067200000000000,)"
                          R"("attempt":1,"output_truncated":true)"));
}

TEST(HistoryRoutes, AnExecutionOfAnotherJobIsNotFound) {
    World world;
    with_history(world, {ExecutionState::succeeded});
    save(world, "b");
    const std::string id = core::to_text(world.execution("a", 0, ExecutionState::succeeded).id);
    EXPECT_EQ(world.ask("GET /v1/jobs/b/executions/" + id).status, 404);
    EXPECT_EQ(world.ask("GET /v1/jobs/a/executions/nonsense").status, 404);
}

TEST(HistoryRoutes, BusyIsWhatRunsOldestFirst) {
    World world;
    with_history(world, {ExecutionState::claimed, ExecutionState::succeeded,
                         ExecutionState::waiting, ExecutionState::claimed});
    const Answer answer = world.ask("GET /v1/busy");
    EXPECT_THAT(starts_in(answer), ElementsAre("00:00", "00:30"));
    EXPECT_EQ(answer.header("X-Total-Count"), "2");
    World idle;
    EXPECT_EQ(idle.ask("GET /v1/busy").body, "[]");
}

TEST(HistoryRoutes, ForgettingKeepsWhatIsOpenAndWhatTheCursorHasNotPassed) {
    World world;
    with_history(world, {ExecutionState::succeeded, ExecutionState::skipped,
                         ExecutionState::claimed, ExecutionState::failed});
    core::JobStats stats;
    stats.success_count = 9;
    stats.last_success = world.loop.wall_now();
    stats.last_status = "success";
    world.put(store::keys::stats(world.uid_of("a")), store::encode(stats));
    core::Cursor cursor;
    cursor.t = runtime::ManualLoop::kDefaultWall + 20s;
    world.put(store::keys::shard_cursor(shard_of("a")), store::encode(cursor));

    const Answer answer = world.ask("DELETE /v1/jobs/a/executions");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.json().at("success_count"), 0);
    EXPECT_TRUE(answer.json().at("last_success").is_null());
    EXPECT_EQ(world.ask("GET /v1/jobs/a").json().at("success_count"), 0);
    EXPECT_THAT(rows_in(world.ask("GET /v1/executions?job=a")),
                ElementsAre("a 00:30 failed", "a 00:20 running"));
}

TEST(HistoryRoutes, ForgetsMoreThanOneTransactionHolds) {
    World world;
    save(world, "a");
    for (int i = 0; i < 300; ++i)
        world.put(world.execution("a", i,
                                  i == 150 ? ExecutionState::claimed : ExecutionState::succeeded));
    core::Cursor cursor;
    cursor.t = runtime::ManualLoop::kDefaultWall + 1h;
    world.put(store::keys::shard_cursor(shard_of("a")), store::encode(cursor));
    EXPECT_EQ(world.ask("DELETE /v1/jobs/a/executions").status, 200);
    EXPECT_THAT(rows_in(world.ask("GET /v1/executions?job=a")), ElementsAre("a 02:30 running"));
}

TEST(HistoryRoutes, WhatWasAskedForByHandIsForgottenThoughTheCursorStandsStill) {
    World world;
    save(world, "a");
    core::Execution run = world.execution("a", 5, ExecutionState::succeeded);
    run.id.trigger.kind = core::TriggerKind::manual;
    world.put(run);
    world.put(world.execution("a", 6, ExecutionState::succeeded));  // a tick that is not passed
    EXPECT_EQ(world.ask("DELETE /v1/jobs/a/executions").status, 200);
    EXPECT_THAT(rows_in(world.ask("GET /v1/executions?job=a")), ElementsAre("a 00:06 succeeded"));
}

// ---- our own routes

TEST(ExecutionRoutes, ListsFiltersAndPagesByCursor) {
    World world;
    with_history(world, {ExecutionState::succeeded, ExecutionState::skipped, ExecutionState::failed,
                         ExecutionState::succeeded});
    save(world, "b");
    world.put(world.execution("b", 5, ExecutionState::claimed));
    struct Case {
        const char* query;
        std::vector<std::string> rows;
    };
    const Case cases[] = {
        {"job=a", {"a 00:30 succeeded", "a 00:20 failed", "a 00:10 skipped", "a 00:00 succeeded"}},
        {"job=a&status=succeeded", {"a 00:30 succeeded", "a 00:00 succeeded"}},
        {"status=failed,skipped", {"a 00:20 failed", "a 00:10 skipped"}},
        {"status=failed&status=running", {"b 00:05 running", "a 00:20 failed"}},
        {"since=2024-01-01T00:00:20Z&job=a", {"a 00:30 succeeded", "a 00:20 failed"}},
        {"job=b", {"b 00:05 running"}},
    };
    for (const Case& c : cases)
        EXPECT_EQ(rows_in(world.ask(std::string("GET /v1/executions?") + c.query)), c.rows)
            << c.query;

    std::vector<std::string> all;
    std::string cursor;
    for (int page = 0; page < 10; ++page) {
        const Answer answer = world.ask("GET /v1/executions?limit=2&cursor=" + cursor);
        for (std::string& row : rows_in(answer))
            all.push_back(std::move(row));
        const auto body = answer.json();
        if (body.at("next_cursor").is_null()) break;
        cursor = body.at("next_cursor").as_string();
    }
    EXPECT_THAT(all, ElementsAre("b 00:05 running", "a 00:30 succeeded", "a 00:20 failed",
                                 "a 00:10 skipped", "a 00:00 succeeded"));
}

TEST(ExecutionRoutes, WrongParametersAreProblemsWithTheirField) {
    World world;
    for (const char* query : {"status=odd", "since=yesterday", "cursor=x"}) {
        const Answer answer = world.ask(std::string("GET /v1/executions?") + query);
        EXPECT_EQ(answer.status, 400) << query;
        EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
        const auto problem = answer.json();
        EXPECT_EQ(std::string(problem.at("errors").at(0).at("field").as_string()),
                  std::string(query).substr(0, std::string(query).find('=')));
    }
    EXPECT_EQ(world.ask("GET /v1/executions?job=none").status, 404);
}

TEST(ExecutionRoutes, OneIsShownWhole) {
    World world;
    save(world, "a");
    core::Execution e = world.execution("a", 0, ExecutionState::skipped);
    e.reason = core::Reason::concurrency;
    e.blocked_by = "x-1";
    e.range_from = e.scheduled_at - 60s;
    e.range_count = 7;
    world.put(e);
    const Answer answer = world.ask("GET /v1/executions/" + core::to_text(e.id));
    EXPECT_EQ(answer.status, 200);
    const auto body = answer.json();
    EXPECT_EQ(body.at("status"), "skipped");
    EXPECT_EQ(body.at("reason"), "concurrency");
    EXPECT_EQ(body.at("blocked_by"), "x-1");
    EXPECT_EQ(body.at("range").at("count"), 7);
    EXPECT_EQ(body.at("range").at("from"), "2023-12-31T23:59:00Z");
    EXPECT_TRUE(body.at("started_at").is_null());
    EXPECT_EQ(world.ask("GET /v1/executions/nonsense").status, 404);
    core::ExecutionId other = e.id;
    other.trigger.at = other.trigger.at + 1s;
    EXPECT_EQ(world.ask("GET /v1/executions/" + core::to_text(other)).status, 404);
}

TEST(ExecutionRoutes, OutputCanBeAskedForInParts) {
    World world;
    with_history(world, {ExecutionState::succeeded});  // "output 0"
    const std::string line = "GET /v1/executions/" +
                             core::to_text(world.execution("a", 0, ExecutionState::succeeded).id) +
                             "/output";
    const Answer whole = world.ask(line);
    EXPECT_EQ(whole.status, 200);
    EXPECT_EQ(whole.body, "output 0");
    EXPECT_EQ(whole.header("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_EQ(whole.header("Khronos-Output-Complete"), "true");
    struct Case {
        const char* range;
        int status;
        const char* body;
        const char* content_range;
    };
    const Case cases[] = {
        {"bytes=0-2", 206, "out", "bytes 0-2/8"},     {"bytes=7-", 206, "0", "bytes 7-7/8"},
        {"bytes=-2", 206, " 0", "bytes 6-7/8"},       {"bytes=8-", 416, "", "bytes */8"},
        {"bytes=0-99", 200, "output 0", "<none>"},    {"bytes=5-2", 200, "output 0", "<none>"},
        {"bytes=a-b", 200, "output 0", "<none>"},     {"lines=0-1", 200, "output 0", "<none>"},
        {"bytes=0-1,3-4", 200, "output 0", "<none>"},
    };
    for (const Case& c : cases) {
        const Answer answer = world.ask(line, "", {{"Range", c.range}});
        EXPECT_EQ(answer.status, c.status) << c.range;
        EXPECT_EQ(answer.body, c.body) << c.range;
        EXPECT_EQ(answer.header("Content-Range"), c.content_range) << c.range;
    }
}

TEST(ExecutionRoutes, CancelGoesToTheDispatcherWithTheNameOfWhoAsked) {
    World world;
    with_history(world, {ExecutionState::claimed, ExecutionState::succeeded});
    const auto line = [&](int at, ExecutionState state) {
        return "POST /v1/executions/" + core::to_text(world.execution("a", at, state).id) +
               "/cancel";
    };
    EXPECT_EQ(world.ask(line(0, ExecutionState::claimed)).status, 501);
    std::vector<std::string> asked;
    world.services.cancel = [&](const core::ExecutionId& id, std::string by, Done<void> done) {
        asked.push_back(core::to_text(id) + " " + by);
        done({});
    };
    EXPECT_EQ(world.ask(line(0, ExecutionState::claimed)).status, 202);
    EXPECT_EQ(world.ask(line(10, ExecutionState::succeeded)).status, 409);
    EXPECT_EQ(world.ask(line(20, ExecutionState::claimed)).status, 404);
    EXPECT_THAT(
        asked,
        ElementsAre(core::to_text(world.execution("a", 0, ExecutionState::claimed).id) + " local"));
}

TEST(ExecutionRoutes, ARecordThatCannotBeReadIsLeftOut) {
    World world;
    with_history(world, {ExecutionState::succeeded});
    world.put(store::keys::executions_of(world.uid_of("a")) + "01704067299000000t/0", "\xff\xff");
    EXPECT_THAT(rows_in(world.ask("GET /v1/executions?job=a")), ElementsAre("a 00:00 succeeded"));
    EXPECT_THAT(starts_in(world.ask("GET /v1/jobs/a/executions")), ElementsAre("00:00"));
}

}  // namespace
}  // namespace khronos::api

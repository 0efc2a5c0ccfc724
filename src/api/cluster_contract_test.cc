// Shards, workers, leaving, days: the routes about the cluster.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/calendar.h"
#include "api/world_test.h"
#include "cluster/day_counts.h"

namespace khronos::api {
namespace {

using core::ExecutionState;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr WallTime kDay = runtime::ManualLoop::kDefaultWall;

WorkerInfo worker(std::string id, std::vector<std::string> applications,
                  WorkerInfo::State state = WorkerInfo::State::ready) {
    WorkerInfo info;
    info.id = std::move(id);
    info.node = "host-" + info.id;
    info.applications = std::move(applications);
    info.slots = 4;
    info.used = 1;
    info.state = state;
    return info;
}

TEST(ClusterRoutes, EveryShardIsListedWithItsOwner) {
    World world;
    world.put(store::keys::shard_owner(ShardId(3)),
              store::encode(core::Owner{"ab", Epoch(2), "node2", {}}));
    core::Cursor cursor;
    cursor.t = kDay;
    world.put(store::keys::shard_cursor(ShardId(3)), store::encode(cursor));
    const Answer answer = world.ask("GET /v1/shards");
    EXPECT_EQ(answer.header("X-Total-Count"), "256");
    const auto list = answer.json().as_array();
    EXPECT_EQ(write_json(list[3]), R"({"shard":3,"node":"node2","agent":"ab","epoch":2,)"
                                   R"("decided_up_to":"2024-01-01T00:00:00Z"})");
    EXPECT_TRUE(list[4].at("node").is_null());
}

TEST(ClusterRoutes, WorkersAndTheirApplications) {
    World world;
    world.services.workers = [](Done<std::vector<WorkerInfo>> done) {
        done(std::vector{worker("b", {"default"}), worker("a", {"default", "video"}),
                         worker("c", {"video"}, WorkerInfo::State::gone)});
    };
    const auto workers = world.ask("GET /v1/workers").json().as_array();
    ASSERT_EQ(workers.size(), 3U);
    EXPECT_EQ(workers[0].at("id"), "a") << "in the order of their nodes";
    EXPECT_EQ(workers[2].at("state"), "gone");
    EXPECT_TRUE(workers[0].at("last_heartbeat").is_null());
    EXPECT_EQ(world.ask("GET /v1/applications").body,
              R"([{"name":"default","workers":2,"ready":2,"slots":8,"used":2},)"
              R"({"name":"video","workers":2,"ready":1,"slots":4,"used":2}])");
}

TEST(ClusterRoutes, AWorkerIsDrainedAndTakenBack) {
    World world;
    std::vector<std::string> asked;
    world.services.drain_worker = [&](const std::string& id, bool drain, const std::string&,
                                      Done<void> done) {
        asked.push_back(id + (drain ? " drain" : " undo"));
        if (id == "w") return done({});
        done(std::unexpected(Error{ErrorKind::not_found, "", "there is no such worker"}));
    };
    EXPECT_EQ(world.ask("POST /v1/workers/w/drain").body, R"({"id":"w","draining":true})");
    EXPECT_EQ(world.ask("POST /v1/workers/w/drain?undo=true").status, 202);
    EXPECT_EQ(world.ask("POST /v1/workers/x/drain").status, 404);
    EXPECT_EQ(world.ask("POST /v1/workers/x/drain?undo=perhaps").status, 400);
    EXPECT_THAT(asked, ElementsAre("w drain", "w undo", "x drain"));
}

TEST(ClusterRoutes, LeavingAnswersFirst) {
    World world;
    bool left = false;
    world.services.leave = [&] { left = true; };
    const Answer answer = world.ask("POST /v1/leave");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, R"({"global":[]})");
    EXPECT_FALSE(left);
    world.loop.advance(1s);
    EXPECT_TRUE(left);
}

TEST(ClusterRoutes, DebugVarsHaveTheKeysThatMonitorsRead) {
    World world;
    world.ask("POST /v1/jobs", R"({"name":"a"})");
    EXPECT_EQ(world.ask("GET /debug/vars").body,
              R"({"cmdline":["khronos","agent"],"memstats":{},"node":"node1",)"
              R"("scheduler_started":true,"cron_entries":1})");
}

void count_run(World& world, ExecutionState state, WallTime at) {
    cluster::DayCounter counter(world.store, world.loop, {std::to_string(world.revision())});
    counter.add(state, at);
    counter.flush();
    world.loop.run_until_idle();
}

TEST(CalendarRoutes, StatsAreTheLastDaysOldestFirst) {
    World world;
    count_run(world, ExecutionState::succeeded, kDay);
    count_run(world, ExecutionState::failed, kDay);
    count_run(world, ExecutionState::timed_out, kDay - 24h);
    count_run(world, ExecutionState::succeeded, kDay - 48h);
    EXPECT_EQ(world.ask("GET /v1/stats?days=2").body,
              R"({"stats":[{"date":"2023-12-31T00:00:00Z","success_count":0,"failed_count":1},)"
              R"({"date":"2024-01-01T00:00:00Z","success_count":1,"failed_count":1}]})");
    EXPECT_EQ(world.ask("GET /v1/stats").json().at("stats").as_array().size(), 30U);
    EXPECT_EQ(world.ask("GET /v1/stats?days=-3").json().at("stats").as_array().size(), 30U);
    EXPECT_EQ(world.ask("GET /v1/stats?days=x").json().at("stats").as_array().size(), 30U);
    EXPECT_EQ(world.ask("GET /v1/stats?days=9999").json().at("stats").as_array().size(), 365U);
}

TEST(CalendarRoutes, ThePastIsCountedAndTheFutureIsReckoned) {
    World world;
    count_run(world, ExecutionState::succeeded, kDay - 1h);
    count_run(world, ExecutionState::lost, kDay - 1h);
    world.ask("POST /v1/jobs", R"({"name":"a","schedule":"0 0 */6 * * *"})");
    world.ask("POST /v1/jobs", R"({"name":"b","schedule":"0 0 9 * * *"})");
    world.ask("POST /v1/jobs", R"({"name":"off","schedule":"* * * * * *","disabled":true})");
    const Answer answer = world.ask("GET /v1/calendar?from=2023-12-31&to=2024-01-02");
    EXPECT_EQ(answer.body,
              R"({"from":"2023-12-31T00:00:00Z","to":"2024-01-02T23:59:59.999999Z","days":[)"
              R"({"date":"2023-12-31","succeeded":1,"failed":0,"timed_out":0,"cancelled":0,)"
              R"("lost":1,"scheduled":0,"estimated":false},)"
              R"({"date":"2024-01-01","succeeded":0,"failed":0,"timed_out":0,"cancelled":0,)"
              R"("lost":0,"scheduled":4,"estimated":false},)"
              R"({"date":"2024-01-02","succeeded":0,"failed":0,"timed_out":0,"cancelled":0,)"
              R"("lost":0,"scheduled":5,"estimated":false}]})");
    for (const char* query : {"from=x", "from=2024-01-02&to=2024-01-01", "to=2034-01-01"})
        EXPECT_EQ(world.ask(std::string("GET /v1/calendar?") + query).status, 400) << query;
}

TEST(CalendarRoutes, ABusyJobsFutureIsEstimated) {
    World world;
    world.ask("POST /v1/jobs", R"({"name":"a","schedule":"* * * * * *"})");
    const auto days = world.ask("GET /v1/calendar?from=2024-01-02&to=2024-01-03").json();
    const auto& second = days.at("days").at(1);
    EXPECT_EQ(second.at("estimated"), true);
    EXPECT_NEAR(second.at("scheduled").to_number<double>(), 86400.0, 100.0);
}

}  // namespace
}  // namespace khronos::api

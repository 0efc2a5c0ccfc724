// The stream of changes, without sockets: what its readers are told, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/stream_test.h"
#include "api/world_test.h"

namespace khronos::api {
namespace {

using core::ExecutionState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string put_job(World& world, std::string_view name) {
    return world
        .ask("POST /v1/jobs", R"({"name":")" + std::string(name) + R"(","executor":"noop"})")
        .body;
}

TEST(Events, AReaderIsGreetedWithTheRevisionItBeginsWith) {
    World world;
    Watcher reader(world, "GET /v1/events");
    EXPECT_EQ(reader.head().status, 200);
    EXPECT_EQ(reader.head().headers.find("Content-Type"), "text/event-stream");
    const auto events = reader.take();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].name, "hello");
    EXPECT_EQ(events[0].json().at("node"), "node1");
    EXPECT_EQ(events[0].id, std::to_string(world.revision()));
}

TEST(Events, ASavedJobIsToldAsItsRouteAnswersIt) {
    World world;
    Watcher reader(world, "GET /v1/events");
    reader.take();
    put_job(world, "a");
    const auto events = reader.take();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].name, "job");
    EXPECT_EQ(events[0].json(), world.ask("GET /v1/jobs/a").json());
    EXPECT_EQ("\"" + events[0].id + "\"", world.ask("GET /v1/jobs/a").header("ETag"));
    world.ask("DELETE /v1/jobs/a");
    EXPECT_THAT(reader.names(), ElementsAre("job_deleted"));
}

TEST(Events, AnExecutionIsToldAsItsRouteAnswersIt) {
    World world;
    put_job(world, "a");
    Watcher reader(world, "GET /v1/events");
    reader.take();
    const auto execution = world.execution("a", 5, ExecutionState::claimed);
    world.put(execution);
    const auto events = reader.take();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].name, "execution");
    EXPECT_EQ(events[0].json(),
              world.ask("GET /v1/executions/" + core::to_text(execution.id)).json());
}

TEST(Events, TheEndOfARunTellsItsJobsCountersToo) {
    World world;
    put_job(world, "a");
    Watcher reader(world, "GET /v1/events");
    reader.take();
    const auto execution = world.execution("a", 5, ExecutionState::succeeded);
    core::JobStats stats;
    stats.success_count = 1;
    stats.last_status = "success";
    store::Txn txn;
    txn.operations.push_back(
        store::Put{store::keys::stats(execution.id.uid), store::encode(stats), {}});
    txn.operations.push_back(
        store::Put{store::keys::execution(execution.id), store::encode(execution), {}});
    world.write(std::move(txn));
    const auto events = reader.take();
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].name, "execution");
    EXPECT_EQ(events[0].id, "") << "an id in the middle of a revision would lose the rest of it";
    EXPECT_EQ(events[1].name, "job");
    EXPECT_EQ(events[1].json().at("success_count"), 1);
    EXPECT_EQ(events[1].json().at("status"), "success");
    EXPECT_EQ(events[1].id, std::to_string(world.revision()));
}

TEST(Events, AReaderGoesOnBehindTheLastIdItSaw) {
    World world;
    put_job(world, "a");
    const std::string seen = std::to_string(world.revision());
    put_job(world, "b");
    put_job(world, "c");
    Watcher reader(world, "GET /v1/events", {{"Last-Event-ID", seen}});
    EXPECT_THAT(reader.names(), ElementsAre("hello", "job", "job"));
    put_job(world, "d");
    EXPECT_THAT(reader.names(), ElementsAre("job")) << "once, not once a watch";
}

TEST(Events, AnIdThatIsForgottenGetsAReset) {
    World world;
    put_job(world, "a");
    const std::string seen = std::to_string(world.revision());
    put_job(world, "b");
    put_job(world, "c");
    world.backend.compact(Revision(world.revision()));
    Watcher reader(world, "GET /v1/events", {{"Last-Event-ID", seen}});
    const auto events = reader.take();
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[1].name, "reset");
    EXPECT_EQ(events[1].id, std::to_string(world.revision()));
    put_job(world, "d");
    EXPECT_THAT(reader.names(), ElementsAre("job")) << "it goes on from there";
}

TEST(Events, AnIdFromTheFutureGetsAReset) {
    World world;
    Watcher reader(world, "GET /v1/events", {{"Last-Event-ID", "999999"}});
    EXPECT_THAT(reader.names(), ElementsAre("hello", "reset"));
    put_job(world, "a");
    EXPECT_THAT(reader.names(), ElementsAre("job"));
}

TEST(Events, ABrokenWatchLosesNothing) {
    World world;
    Watcher reader(world, "GET /v1/events");
    reader.take();
    world.backend.break_watches("", "the connection broke");
    put_job(world, "a");
    EXPECT_THAT(reader.names(), ElementsAre("job"));
    put_job(world, "b");
    EXPECT_THAT(reader.names(), ElementsAre("job"));
}

TEST(Events, ASlowReaderIsToldTheRestWhenItHasRead) {
    World world;
    Watcher slow(world, "GET /v1/events");
    Watcher quick(world, "GET /v1/events");
    slow.take();
    quick.take();
    slow.block(true);
    put_job(world, "a");
    put_job(world, "b");
    EXPECT_THAT(slow.names(), IsEmpty());
    EXPECT_THAT(quick.names(), ElementsAre("job", "job")) << "nobody waits for another";
    slow.block(false);
    EXPECT_THAT(slow.names(), ElementsAre("job", "job"));
    put_job(world, "c");
    EXPECT_THAT(slow.names(), ElementsAre("job"));
}

TEST(Events, KindsAndJobFilterWhatIsTold) {
    World world;
    Watcher jobs(world, "GET /v1/events?kinds=job");
    Watcher one(world, "GET /v1/events?job=b");
    jobs.take();
    one.take();
    put_job(world, "a");
    put_job(world, "b");
    world.put(world.execution("b", 5, ExecutionState::claimed));
    EXPECT_THAT(jobs.names(), ElementsAre("job", "job"));
    EXPECT_THAT(one.names(), ElementsAre("job", "execution"));
    EXPECT_EQ(world.ask("GET /v1/events?kinds=jobs").status, 400);
    EXPECT_EQ(world.ask("GET /v1/events", "", {{"Last-Event-ID", "x"}}).status, 400);
}

TEST(Events, ShardsAndSettingsAreTold) {
    World world;
    Watcher reader(world, "GET /v1/events");
    reader.take();
    core::Owner owner{"ab12", Epoch(3), "node1", {}};
    world.put(store::keys::shard_owner(ShardId(7)), store::encode(owner));
    world.put(store::keys::shard_cursor(ShardId(7)), "not told");
    world.ask("POST /v1/pause");
    const auto events = reader.take();
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].name, "shard");
    EXPECT_EQ(events[0].data, R"({"shard":7,"node":"node1","agent":"ab12","epoch":3})");
    EXPECT_EQ(events[1].name, "settings");
    EXPECT_EQ(events[1].data, R"({"paused":true})");
}

TEST(Events, IdleReadersAreToldNowAndThenHowFarTheStreamIs) {
    World world;
    Watcher reader(world, "GET /v1/events?kinds=job");
    reader.take();
    world.put("slots/x", "moves the revision on");
    world.loop.advance(30s);
    EXPECT_THAT(reader.take(), IsEmpty()) << "a comment is no event";
    EXPECT_EQ(reader.last_id(), std::to_string(world.revision()))
        << "but the id has moved on, so that it is not forgotten";
}

TEST(Events, AReaderThatWentAwayIsForgotten) {
    World world;
    {
        Watcher reader(world, "GET /v1/events");
        EXPECT_EQ(world.front.events().readers(), 1U);
        reader.go_away();
    }
    EXPECT_EQ(world.front.events().readers(), 0U);
    put_job(world, "a");
}

TEST(Events, ThereIsAMostOfReaders) {
    World world;
    std::vector<std::unique_ptr<Watcher>> readers;
    for (std::size_t i = 0; i < limits::kEventReaders; ++i)
        readers.push_back(std::make_unique<Watcher>(world, "GET /v1/events"));
    EXPECT_EQ(readers.back()->head().status, 200);
    EXPECT_EQ(world.ask("GET /v1/events").status, 503);
    readers.front()->go_away();
    EXPECT_EQ(world.ask("GET /v1/events").status, 200);
}

}  // namespace
}  // namespace khronos::api

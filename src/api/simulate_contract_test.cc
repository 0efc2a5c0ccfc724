// GET /v1/simulate: the scheduler's engine, driven ahead.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>

#include "api/world_test.h"

namespace khronos::api {
namespace {

using core::ExecutionState;
using testing::HasSubstr;

void put(World& world, std::string job) {
    const Answer answer = world.ask("POST /v1/jobs", std::move(job));
    EXPECT_EQ(answer.status, 201) << answer.body;
}

constexpr const char* kWeek = "GET /v1/simulate?from=2026-03-25T00:00:00Z&days=7";

TEST(Simulate, CountsTheRunsOfEachHour) {
    World world;
    put(world, R"({"name":"quarter","schedule":"0 */15 * * * *"})");
    put(world, R"({"name":"nine","schedule":"0 30 9 * * *"})");
    put(world, R"({"name":"off","schedule":"* * * * * *","disabled":true})");
    put(world, R"({"name":"by_hand"})");
    const auto week = world.ask(kWeek).json();
    EXPECT_EQ(week.at("until"), "2026-04-01T00:00:00Z");
    EXPECT_EQ(week.at("reached"), week.at("until"));
    EXPECT_EQ(week.at("truncated"), false);
    EXPECT_EQ(week.at("jobs_counted"), 2);
    EXPECT_EQ(week.at("ticks"), 7 * (96 + 1));
    EXPECT_EQ(week.at("runs"), 7 * (96 + 1));
    const auto& hours = week.at("hours").as_array();
    ASSERT_EQ(hours.size(), 7u * 24 + 1);
    EXPECT_EQ(hours[9].at("at"), "2026-03-25T09:00:00Z");
    EXPECT_EQ(hours[9].at("runs"), 4 + 1);
    EXPECT_EQ(hours[9].at("at_once"), 2);
    EXPECT_EQ(hours[10].at("runs"), 4);
    EXPECT_EQ(week.at("jobs").at(0).at("name"), "quarter");
}

TEST(Simulate, TellsWhatSkipsOverlapsAndComesLate) {
    World world;
    world.services.workers = [](auto done) {
        WorkerInfo ready;
        ready.slots = 2;
        WorkerInfo gone;
        gone.slots = 100;
        gone.state = WorkerInfo::State::gone;
        done(std::vector{ready, gone});
    };
    put(world, R"({"name":"slow","schedule":"0 * * * * *","concurrency":"forbid"})");
    put(world, R"({"name":"pile","schedule":"0 0 0 * * *"})");
    for (const auto& [name, duration] : {std::pair("slow", 90s), std::pair("pile", 144000s)}) {
        core::JobStats stats;
        stats.success_count = 1;
        world.put(store::keys::stats(world.uid_of(name)), store::encode(stats));
        auto run = world.execution(name, 0, ExecutionState::succeeded);
        run.finished_at = run.started_at + duration;
        world.put(run);
    }
    const auto week = world.ask(kWeek).json();
    EXPECT_EQ(week.at("slots"), 2);
    EXPECT_EQ(week.at("overlapping_jobs"), 1);
    EXPECT_GT(week.at("late").to_number<int>(), 0);
    const auto& slow = week.at("jobs").at(0);
    EXPECT_EQ(slow.at("name"), "slow");
    EXPECT_GT(slow.at("skipped").to_number<int>(), 0);
    EXPECT_EQ(slow.at("first_skip"), "2026-03-25T00:02:00Z");
    EXPECT_EQ(slow.at("duration_source"), "measured");
}

TEST(Simulate, TellsWhatTheClocksDo) {
    World world;
    put(world, R"({"name":"night","schedule":"0 30 2 * * *","timezone":"Europe/Paris"})");
    const auto week = world.ask(kWeek).json();
    const auto& changes = week.at("clock_changes").as_array();
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_THAT(std::string(changes[0].as_string()), HasSubstr("2026-03-29"));
}

TEST(Simulate, WorkThatNeverEndsIsCutAndSaidToBe) {
    World world;
    for (const char* name : {"a", "b", "c"})
        put(world, std::string(R"({"schedule":"* * * * * *","name":")") + name + "\"}");
    const auto month = world.ask("GET /v1/simulate?days=31").json();
    EXPECT_EQ(month.at("truncated"), true);
    EXPECT_LT(std::string(month.at("reached").as_string()),
              std::string(month.at("until").as_string()));
    EXPECT_EQ(month.at("hours").as_array().at(1).at("runs"), 3 * 3600);
    EXPECT_LT(month.at("hours").as_array().size(), 31u * 24);
}

TEST(Simulate, RefusesWhatItCannotRead) {
    World world;
    for (const char* query : {"from=noon", "days=0", "days=32", "days=99999"})
        EXPECT_EQ(world.ask(std::string("GET /v1/simulate?") + query).status, 400) << query;
    EXPECT_EQ(world.ask("GET /v1/simulate").status, 200);
    EXPECT_EQ(world.ask("GET /v1/simulate").status, 200) << "the line goes on";
}

}  // namespace
}  // namespace khronos::api

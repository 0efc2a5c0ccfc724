// An output as it comes: the pieces, their places, the end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/output_follow.h"
#include "api/stream_test.h"
#include "api/world_test.h"

namespace khronos::api {
namespace {

using core::ExecutionState;
using testing::ElementsAre;
using testing::IsEmpty;

// A worker whose runs write what the test says.
struct Written {
    World& world;
    std::map<std::uint32_t, std::string> output;  // by attempt
    std::uint64_t kept_from = 0;

    explicit Written(World& w) : world(w) {
        world.ask("POST /v1/jobs", R"({"name":"a","executor":"noop"})");
        world.services.read_output = [this](const core::Execution& e, OutputRange range,
                                            Done<OutputPart> done) {
            world.loop.post([this, attempt = e.attempt.value, range,
                             done = std::move(done)]() mutable {
                if (!output.contains(attempt))
                    return done(std::unexpected(Error{ErrorKind::not_found, "", "none"}));
                const std::string& text = output[attempt];
                OutputPart part;
                part.size = text.size();
                part.offset = std::min<std::uint64_t>(std::max(range.offset, kept_from), part.size);
                part.bytes = text.substr(part.offset, range.length);
                done(part);
            });
        };
    }
    core::Execution run(ExecutionState state, std::uint32_t attempt = 1) {
        core::Execution e = world.execution("a", 0, state);
        e.attempt = AttemptNo(attempt);
        world.put(e);
        return e;
    }
    std::string line() const {
        return "GET /v1/executions/" +
               core::to_text(world.execution("a", 0, ExecutionState::claimed).id) +
               "/output?follow=1";
    }
};

std::vector<std::string> told(Watcher& watcher) {
    std::vector<std::string> rows;
    for (const SeenEvent& event : watcher.take()) {
        std::string row = event.name;
        if (event.name == "output") row += " " + std::string(event.json().at("text").as_string());
        rows.push_back(row + " @" + event.id);
    }
    return rows;
}

TEST(FollowOutput, TellsWhatIsThereAndWhatComes) {
    World world;
    Written run(world);
    run.run(ExecutionState::claimed);
    run.output[1] = "one\n";
    Watcher watcher(world, run.line());
    EXPECT_EQ(watcher.head().headers.find("Content-Type"), "text/event-stream");
    EXPECT_THAT(told(watcher), ElementsAre("output one\n @1:4"));
    run.output[1] += "two\n";
    world.loop.advance(1s);
    EXPECT_THAT(told(watcher), ElementsAre("output two\n @1:8"));
    world.loop.advance(5s);
    EXPECT_THAT(told(watcher), IsEmpty());
    EXPECT_FALSE(watcher.ended());
}

TEST(FollowOutput, EndsWithTheExecutionOnceAllIsTold) {
    World world;
    Written run(world);
    run.run(ExecutionState::claimed);
    run.output[1] = "one\n";
    Watcher watcher(world, run.line());
    told(watcher);
    run.output[1] += "last words";
    run.run(ExecutionState::failed);
    const auto events = watcher.take();
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].json().at("text"), "last words");
    EXPECT_EQ(events[1].name, "end");
    EXPECT_EQ(events[1].json().at("status"), "failed");
    EXPECT_TRUE(watcher.ended());
}

TEST(FollowOutput, GoesOnBehindTheLastIdSeen) {
    World world;
    Written run(world);
    run.run(ExecutionState::succeeded);
    run.output[1] = "one\ntwo\n";
    Watcher watcher(world, run.line(), {{"Last-Event-ID", "1:4"}});
    EXPECT_THAT(told(watcher), ElementsAre("output two\n @1:8", "end @1:8"));
    EXPECT_EQ(world.ask(run.line(), "", {{"Last-Event-ID", "x"}}).status, 400);
    EXPECT_EQ(world.ask(run.line(), "", {{"Last-Event-ID", "7:0"}}).status, 400);
}

TEST(FollowOutput, ARetrysOutputFollowsTheFirst) {
    World world;
    Written run(world);
    run.run(ExecutionState::claimed);
    run.output[1] = "first";
    Watcher watcher(world, run.line());
    told(watcher);
    run.output[1] += "!";
    run.output[2] = "second";
    run.run(ExecutionState::claimed, 2);
    world.loop.advance(1s);
    EXPECT_THAT(told(watcher), ElementsAre("output ! @1:6", "attempt @2:0", "output second @2:6"));
}

TEST(FollowOutput, WhatWasNotKeptIsAGap) {
    World world;
    Written run(world);
    run.run(ExecutionState::succeeded);
    run.output[1] = "0123456789";
    run.kept_from = 6;
    Watcher watcher(world, run.line());
    const auto events = watcher.take();
    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(events[0].name, "gap");
    EXPECT_EQ(events[0].json().at("bytes"), 6);
    EXPECT_EQ(events[1].json().at("offset"), 6);
    EXPECT_EQ(events[1].json().at("text"), "6789");
}

TEST(FollowOutput, WhatTheWorkerHasNotTheRecordTells) {
    World world;
    world.ask("POST /v1/jobs", R"({"name":"a","executor":"noop"})");
    core::Execution e = world.execution("a", 0, ExecutionState::succeeded);
    e.output_tail = "the tail";
    e.output_bytes = 108;
    world.put(e);
    Watcher watcher(world, "GET /v1/executions/" + core::to_text(e.id) + "/output?follow");
    EXPECT_THAT(told(watcher), ElementsAre("gap @1:100", "output the tail @1:108", "end @1:108"));
}

TEST(FollowOutput, ASlowReaderGetsEverythingInTheEnd) {
    World world;
    Written run(world);
    run.run(ExecutionState::claimed);
    run.output[1] = "one\n";
    Watcher watcher(world, run.line());
    told(watcher);
    watcher.block(true);
    run.output[1] += "two\n";
    world.loop.advance(1s);
    run.output[1] += "three\n";
    run.run(ExecutionState::succeeded);
    EXPECT_THAT(told(watcher), IsEmpty());
    watcher.block(false);
    EXPECT_THAT(told(watcher), ElementsAre("output two\nthree\n @1:14", "end @1:14"));
}

TEST(FollowOutput, NoCharacterIsCutInTwo) {
    World world;
    Written run(world);
    run.run(ExecutionState::claimed);
    run.output[1] = "gr\xc3";
    Watcher watcher(world, run.line());
    EXPECT_THAT(told(watcher), ElementsAre("output gr @1:2"));
    run.output[1] += "\xbc\xc3\x9f";
    world.loop.advance(1s);
    EXPECT_THAT(told(watcher), ElementsAre("output \xc3\xbc\xc3\x9f @1:6"));
    EXPECT_EQ(whole_characters(""), 0U);
    EXPECT_EQ(whole_characters("\xe2\x82"), 0U);
    EXPECT_EQ(whole_characters("\xe2\x82\xac"), 3U);
    EXPECT_EQ(whole_characters("\x80\x80\x80\x80"), 4U) << "no character at all: it goes through";
}

TEST(FollowOutput, ThereIsAMostOfFollowers) {
    World world;
    Written run(world);
    run.run(ExecutionState::claimed);
    std::vector<std::unique_ptr<Watcher>> watchers;
    for (std::size_t i = 0; i < limits::kOutputFollowers; ++i)
        watchers.push_back(std::make_unique<Watcher>(world, run.line()));
    EXPECT_EQ(world.ask(run.line()).status, 503);
    watchers.front()->go_away();
    EXPECT_EQ(world.ask(run.line()).status, 200);
}

}  // namespace
}  // namespace khronos::api

#include "runtime/manual_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace khronos::runtime {
namespace {

using testing::ElementsAre;

TEST(ManualLoop, PostNeverRunsInsideTheCall) {
    ManualLoop loop;
    bool ran = false;
    loop.post([&] { ran = true; });
    EXPECT_FALSE(ran);
    EXPECT_EQ(loop.run_until_idle(), 1u);
    EXPECT_TRUE(ran);
}

TEST(ManualLoop, RunsPostedTasksInOrderAndWhatTheyPostAfterThem) {
    ManualLoop loop;
    std::vector<int> order;
    loop.post([&] {
        order.push_back(1);
        loop.post([&] { order.push_back(3); });
    });
    loop.post([&] { order.push_back(2); });
    loop.run_until_idle();
    EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(ManualLoop, TimeStandsStillUntilItIsAdvanced) {
    ManualLoop loop;
    bool ran = false;
    loop.call_after(1s, [&] { ran = true; });
    EXPECT_EQ(loop.run_until_idle(), 0u);
    loop.advance(999ms);
    EXPECT_FALSE(ran);
    loop.advance(1ms);
    EXPECT_TRUE(ran);
}

TEST(ManualLoop, TimersRunInTheOrderOfTheirTimesWithTheClockAtTheirTime) {
    ManualLoop loop;
    MonoTime start = loop.mono_now();
    std::vector<Duration> seen;
    auto note = [&] { seen.push_back(loop.mono_now() - start); };
    loop.call_after(3s, note);
    loop.call_after(1s, note);
    loop.call_after(2s, note);
    loop.advance(10s);
    EXPECT_THAT(seen, ElementsAre(1s, 2s, 3s));
    EXPECT_EQ(loop.mono_now() - start, Duration(10s));
}

TEST(ManualLoop, TimersOfOneTimeRunInTheOrderTheyWereMade) {
    ManualLoop loop;
    std::vector<int> order;
    for (int i = 0; i < 3; ++i)
        loop.call_after(1s, [&order, i] { order.push_back(i); });
    loop.advance(1s);
    EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

TEST(ManualLoop, ATimerMadeOnTheWayRunsInTheSameAdvance) {
    ManualLoop loop;
    int count = 0;
    Task again = [&] { ++count; };
    loop.call_after(1s, [&] { loop.call_after(1s, std::move(again)); });
    loop.advance(2s);
    EXPECT_EQ(count, 1);
}

TEST(ManualLoop, WhatATimerPostsRunsBeforeTheNextTimer) {
    ManualLoop loop;
    std::vector<int> order;
    loop.call_after(1s, [&] { loop.post([&] { order.push_back(1); }); });
    loop.call_after(2s, [&] { order.push_back(2); });
    loop.advance(2s);
    EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST(ManualLoop, ATimerOfThePastRunsAtOnce) {
    ManualLoop loop;
    bool ran = false;
    loop.call_at(MonoTime{0}, [&] { ran = true; });
    EXPECT_FALSE(ran);
    loop.run_until_idle();
    EXPECT_TRUE(ran);
}

TEST(ManualLoop, ACancelledTimerDoesNotRunAndUnknownIdsAreIgnored) {
    ManualLoop loop;
    std::vector<int> order;
    TimerId first = loop.call_after(1s, [&] { order.push_back(1); });
    loop.call_after(1s, [&] { order.push_back(2); });
    loop.cancel(first);
    loop.cancel(first);
    loop.cancel(TimerId(999));
    loop.advance(1s);
    EXPECT_THAT(order, ElementsAre(2));
}

TEST(ManualLoop, ATimerCanCancelAnotherOfTheSameTime) {
    ManualLoop loop;
    std::vector<int> order;
    TimerId second;
    loop.call_after(1s, [&] {
        order.push_back(1);
        loop.cancel(second);
    });
    second = loop.call_after(1s, [&] { order.push_back(2); });
    loop.advance(1s);
    EXPECT_THAT(order, ElementsAre(1));
    EXPECT_EQ(loop.timers(), 0u);
}

TEST(ManualLoop, TheWallClockMovesWithTimeAndCanBeStepped) {
    ManualLoop loop;
    loop.advance(5s);
    EXPECT_EQ(loop.wall_now(), ManualLoop::kDefaultWall + 5s);
    bool ran = false;
    loop.call_after(1s, [&] { ran = true; });
    loop.set_wall(ManualLoop::kDefaultWall + 24h);
    loop.run_until_idle();
    EXPECT_FALSE(ran) << "a stepped wall clock must not fire timers";
    loop.set_wall(ManualLoop::kDefaultWall - 1h);
    loop.advance(1s);
    EXPECT_TRUE(ran);
    EXPECT_EQ(loop.wall_now(), ManualLoop::kDefaultWall - 1h + 1s);
}

TEST(ManualLoop, TellsWhenTheNextTimerIs) {
    ManualLoop loop;
    EXPECT_EQ(loop.next_timer(), std::nullopt);
    loop.call_after(2s, [] {});
    TimerId first = loop.call_after(1s, [] {});
    EXPECT_EQ(loop.next_timer(), loop.mono_now() + 1s);
    loop.cancel(first);
    EXPECT_EQ(loop.next_timer(), loop.mono_now() + 2s);
}

TEST(ManualLoop, TakesTasksFromOtherThreads) {
    ManualLoop loop;
    int count = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 100; ++i)
                loop.post([&] { ++count; });
        });
    }
    loop.run_until([&] { return count == 400; });
    EXPECT_EQ(loop.posted(), 0u);
}

TEST(ManualLoop, DropsWhatIsLeftWhenItGoes) {
    auto held = std::make_shared<int>(1);
    bool ran = false;
    {
        ManualLoop loop;
        loop.post([held, &ran] { ran = true; });
        loop.call_after(1s, [held, &ran] { ran = true; });
        EXPECT_EQ(held.use_count(), 3);
    }
    EXPECT_FALSE(ran);
    EXPECT_EQ(held.use_count(), 1);
}

TEST(ManualLoopDeathTest, ATaskMustNotTurnItsOwnLoop) {
    EXPECT_DEATH(
        {
            ManualLoop loop;
            loop.post([&] {
                loop.post([] {});
                loop.run_until_idle();
            });
            loop.run_until_idle();
        },
        "running_");
}

}  // namespace
}  // namespace khronos::runtime

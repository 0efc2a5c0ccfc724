#include "cluster/day_counts.h"

#include <gtest/gtest.h>

#include "runtime/manual_loop.h"
#include "store/memory/memory_backend.h"

namespace khronos::cluster {
namespace {

using core::ExecutionState;

struct World {
    runtime::ManualLoop loop;  // 2024-01-01T00:00:00Z
    store::MemoryBackend backend{loop};
    store::MemoryStore store{backend, loop, "agent"};

    std::vector<DayCount> read(WallTime first, int days) {
        std::vector<DayCount> counts;
        read_day_counts(store, first, days, [&](auto result) { counts = *result; });
        loop.run_until_idle();
        return counts;
    }
};
constexpr WallTime kDay = runtime::ManualLoop::kDefaultWall;

TEST(DayCounts, AreTheSumOverAllProcesses) {
    World world;
    DayCounter one(world.store, world.loop, {"one"});
    DayCounter two(world.store, world.loop, {"two"});
    one.add(ExecutionState::succeeded, kDay + 1h);
    one.add(ExecutionState::succeeded, kDay + 23h);
    one.add(ExecutionState::failed, kDay + 25h);
    two.add(ExecutionState::succeeded, kDay + 2h);
    two.add(ExecutionState::timed_out, kDay + 2h);
    two.add(ExecutionState::cancelled, kDay + 2h);
    two.add(ExecutionState::lost, kDay + 2h);
    two.add(ExecutionState::skipped, kDay + 2h);
    world.loop.advance(11s);
    const auto counts = world.read(kDay - 24h, 4);
    ASSERT_EQ(counts.size(), 4U);
    EXPECT_EQ(counts[0], (DayCount{kDay - 24h, 0, 0, 0, 0, 0}));
    EXPECT_EQ(counts[1], (DayCount{kDay, 3, 0, 1, 1, 1}));
    EXPECT_EQ(counts[2], (DayCount{kDay + 24h, 0, 1, 0, 0, 0}));
    EXPECT_EQ(counts[3].succeeded, 0U);
}

TEST(DayCounts, AFlushThatIsRepeatedCountsOnce) {
    World world;
    DayCounter counter(world.store, world.loop, {"one"});
    counter.add(ExecutionState::succeeded, kDay);
    counter.flush();
    world.loop.run_until_idle();
    counter.add(ExecutionState::succeeded, kDay);
    counter.flush();
    world.loop.run_until_idle();
    EXPECT_EQ(world.read(kDay, 1)[0].succeeded, 2U);
}

TEST(DayCounts, DaysLongAgoAreDeleted) {
    World world;
    DayCounter counter(world.store, world.loop, {"one"});
    counter.add(ExecutionState::succeeded, kDay);
    counter.flush();
    world.loop.run_until_idle();
    const WallTime later = kDay + 24h * (kDaysKept + 1);
    world.loop.set_wall(later);
    counter.add(ExecutionState::succeeded, later);
    counter.add(ExecutionState::succeeded, kDay);  // older than what is kept
    counter.flush();
    world.loop.run_until_idle();
    EXPECT_EQ(world.read(kDay, 1)[0].succeeded, 0U);
    EXPECT_EQ(world.read(later, 1)[0].succeeded, 1U);
}

TEST(DayCounts, AKeyThatIsNoCountIsLeftOut) {
    DayCount count;
    EXPECT_FALSE(add_from_text(count, "1 2 3"));
    EXPECT_FALSE(add_from_text(count, "1 2 3 x 5"));
    EXPECT_EQ(count, DayCount());
    EXPECT_TRUE(add_from_text(count, "1 2 3 4 5"));
    EXPECT_EQ(to_text(count), "1 2 3 4 5");
    EXPECT_EQ(day_key(kDay + 5h, "p"), "counts/20240101/p");
}

}  // namespace
}  // namespace khronos::cluster

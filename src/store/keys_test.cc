#include "store/keys.h"

#include <gtest/gtest.h>

#include "store/store.h"

namespace khronos::store::keys {
namespace {

const core::ExecutionId kTick{JobUid(0x018f3c2a5b6c7d8eULL),
                              {core::TriggerKind::tick, WallTime::from_seconds(1763928000), 0},
                              0};
const core::ExecutionId kManual{JobUid(1), {core::TriggerKind::manual, WallTime{5}, 0xab}, 2};

TEST(Keys, AreWhatTheArchitectureSays) {
    EXPECT_EQ(job("a"), "jobs/a");
    EXPECT_EQ(shard_owner(ShardId(7)), "shards/007/owner");
    EXPECT_EQ(execution(kTick), "executions/018f3c2a5b6c7d8e/01763928000000000t/0");
    EXPECT_EQ(open(ShardId(255), kTick), "open/255/018f3c2a5b6c7d8e-01763928000000000t-0");
    EXPECT_EQ(slot(JobUid(1), 0), "slots/0000000000000001/0");
}

TEST(Keys, OfItemsNameTheirItems) {
    for (const core::ExecutionId& id : {kTick, kManual}) {
        const auto found = open_of_key(open(ShardId(12), id));
        ASSERT_TRUE(found);
        EXPECT_EQ(found->shard, ShardId(12));
        EXPECT_EQ(found->id, id);
        const auto asked = trigger_of_key(trigger(ShardId(12), id));
        ASSERT_TRUE(asked);
        EXPECT_EQ(asked->id, id);
    }
    EXPECT_EQ(slot_of_key(slot(JobUid(9), 3))->number, 3);
    EXPECT_EQ(shard_key_of(shard_cursor(ShardId(0)))->part, ShardPart::cursor);
    EXPECT_EQ(job_name_of("jobs/a.b"), "a.b");
}

TEST(Keys, OfOtherThingsNameNothing) {
    for (const char* key : {"open/256/018f3c2a5b6c7d8e-01763928000000000t-0", "open/1/x", "open/",
                            "open/012/018f3c2a5b6c7d8e-01763928000000000t-00",
                            "open/012/018f3c2a5b6c7d8e-1763928000000000t-0", "jobs"})
        EXPECT_FALSE(open_of_key(key)) << key;
    EXPECT_FALSE(shard_key_of("shards/1/owner"));
    EXPECT_FALSE(slot_of_key("slots/0000000000000001/-1"));
    EXPECT_FALSE(job_name_of("job/a"));
}

TEST(Keys, OfOneNameNeverCoverAnother) {
    // Prefixes end in a slash: the history of uid 1 does not begin like that of uid 10.
    EXPECT_LT(prefix_end(executions_of(JobUid(1))), executions_of(JobUid(0x10)));
    EXPECT_EQ(prefix_end("a/"), "a0");
}

TEST(Keys, OfAJobsTicksAreInTheOrderOfTime) {
    core::ExecutionId earlier = kTick;
    earlier.trigger.at = WallTime::from_seconds(999999999);
    EXPECT_LT(execution(earlier), execution(kTick));
}

}  // namespace
}  // namespace khronos::store::keys

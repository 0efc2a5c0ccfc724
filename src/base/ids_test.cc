#include "base/ids.h"

#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <vector>

namespace khronos {
namespace {

// One type never passes for another, and a bare number for none.
static_assert(!std::is_convertible_v<Revision, Epoch>);
static_assert(!std::is_constructible_v<Revision, Epoch>);
static_assert(!std::is_convertible_v<std::uint64_t, Revision>);
static_assert(!std::is_convertible_v<Revision, std::uint64_t>);

TEST(Ids, ZeroIsFalse) {
    EXPECT_FALSE(Revision());
    EXPECT_TRUE(Revision(1));
}

TEST(Ids, AreOrderedAndCount) {
    EXPECT_LT(Revision(1), Revision(2));
    EXPECT_EQ(Revision(1).next(), Revision(2));
    EXPECT_EQ(std::hash<Revision>{}(Revision(5)), std::hash<Revision>{}(Revision(5)));
}

TEST(Ids, AUidIsSixteenDigitsInTheOrderOfUids) {
    EXPECT_EQ(to_hex(JobUid(0)), "0000000000000000");
    EXPECT_EQ(to_hex(JobUid(0x1f)), "000000000000001f");
    EXPECT_EQ(to_hex(JobUid(UINT64_MAX)), "ffffffffffffffff");
    EXPECT_LT(to_hex(JobUid(9)), to_hex(JobUid(10)));
    EXPECT_LT(to_hex(JobUid(0xffffffff)), to_hex(JobUid(0x100000000)));
}

TEST(Ids, AUidIsReadBack) {
    for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{0xdeadbeef}, UINT64_MAX})
        EXPECT_EQ(uid_from_hex(to_hex(JobUid(value))), JobUid(value));
}

TEST(Ids, WhatIsNoUidIsRefused) {
    for (const char* text : {"", "1", "00000000000000000", "000000000000000G", "000000000000000A",
                             "0x00000000000001", "-000000000000001"})
        EXPECT_FALSE(uid_from_hex(text).has_value()) << text;
}

// These values decide where records lie: a change here loses every store there is.
TEST(Ids, TheHashIsTheOneItAlwaysWas) {
    EXPECT_EQ(stable_hash(""), 0xcbf29ce484222325ULL);
    EXPECT_EQ(stable_hash("a"), 0xaf63dc4c8601ec8cULL);
    EXPECT_EQ(stable_hash("foobar"), 0x85944171f73967e8ULL);
}

TEST(Ids, TheShardOfANameIsTheOneItAlwaysWas) {
    EXPECT_EQ(shard_of("backup"), ShardId(28));
    EXPECT_EQ(shard_of("job-1"), ShardId(229));
    EXPECT_EQ(shard_of("job-2"), ShardId(62));
}

TEST(Ids, NamesThatCountSpreadOverAllShards) {
    std::vector<int> jobs(kShardCount);
    constexpr int kJobs = 256 * 100;
    for (int i = 0; i < kJobs; ++i)
        ++jobs.at(shard_of("job-" + std::to_string(i)).value);
    for (std::size_t shard = 0; shard < jobs.size(); ++shard) {
        // 100 on average; of a fair spread, less than one in a billion is outside of these.
        EXPECT_GT(jobs[shard], 35) << shard;
        EXPECT_LT(jobs[shard], 180) << shard;
    }
}

}  // namespace
}  // namespace khronos

#include "core/ownership/assignment.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace khronos::core {
namespace {

std::vector<std::string> agents(std::size_t count, std::size_t first = 0) {
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back(fmt::format("{:016x}", (first + i) * 7919));
    return ids;
}

std::vector<std::string> owners(const std::vector<std::string>& ids) {
    std::vector<std::string> names;
    for (const std::uint16_t agent : assign_shards(ids)) names.push_back(ids.at(agent));
    return names;
}

TEST(Assignment, WithoutAgentsNobodyOwnsAnything) {
    for (const std::uint16_t agent : assign_shards({})) EXPECT_EQ(agent, kNoAgent);
}

TEST(Assignment, NobodyHasMoreThanOneShardMoreThanAnother) {
    for (std::size_t count = 1; count <= 300; count += count < 20 ? 1 : 37) {
        std::vector<int> shares(count);
        for (const std::uint16_t agent : assign_shards(agents(count))) ++shares.at(agent);
        const auto [least, most] = std::ranges::minmax(shares);
        EXPECT_LE(most - least, 1) << count << " agents";
    }
}

TEST(Assignment, DoesNotDependOnTheOrderInWhichAgentsAreSeen) {
    auto ids = agents(7);
    const auto before = owners(ids);
    std::ranges::reverse(ids);
    EXPECT_EQ(owners(ids), before);
}

TEST(Assignment, AnAgentThatComesMovesLittleMoreThanItsShare) {
    for (std::size_t count = 1; count < 12; ++count) {
        const auto before = owners(agents(count));
        const auto after = owners(agents(count + 1));
        std::size_t moved = 0;
        for (std::size_t i = 0; i < kShardCount; ++i) moved += before[i] != after[i];
        EXPECT_LE(moved, kShardCount / (count + 1) * 2 + 2) << count << " agents";
    }
}

TEST(Assignment, AnAgentThatGoesLeavesMostOfTheOthersShardsWhereTheyAre) {
    auto ids = agents(5);
    const auto before = owners(ids);
    const std::string gone = ids[2];
    ids.erase(ids.begin() + 2);
    const auto after = owners(ids);
    std::size_t moved = 0;
    for (std::size_t i = 0; i < kShardCount; ++i)
        moved += before[i] != gone && before[i] != after[i];
    EXPECT_LE(moved, std::size_t{kShardCount / 5});
}

}  // namespace
}  // namespace khronos::core

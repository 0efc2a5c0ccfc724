#include "app/config_nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace khronos::app {
namespace {

TEST(EditDistance, CountsChangesOfOneCharacter) {
    EXPECT_EQ(edit_distance("", ""), 0U);
    EXPECT_EQ(edit_distance("abc", "abc"), 0U);
    EXPECT_EQ(edit_distance("", "abc"), 3U);
    EXPECT_EQ(edit_distance("abc", ""), 3U);
    EXPECT_EQ(edit_distance("abc", "abd"), 1U);
    EXPECT_EQ(edit_distance("abc", "ac"), 1U);
    EXPECT_EQ(edit_distance("ac", "abc"), 1U);
    EXPECT_EQ(edit_distance("abcd", "acbd"), 1U);  // a swap is one
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(DidYouMean, NamesTheNearestAndNothingFar) {
    const std::vector<std::string> known{"bind_ip", "bind_port", "node"};
    EXPECT_EQ(did_you_mean("bind_prot", known), "; did you mean 'bind_port'?");
    EXPECT_EQ(did_you_mean("bindip", known), "; did you mean 'bind_ip'?");
    EXPECT_EQ(did_you_mean("nodes", known), "; did you mean 'node'?");
    EXPECT_EQ(did_you_mean("xyz", known), "");
    EXPECT_EQ(did_you_mean("", known), "");
    EXPECT_EQ(did_you_mean(std::string(100000, 'n'), known), "");
}

}  // namespace
}  // namespace khronos::app

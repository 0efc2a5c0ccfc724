#include "wire/secret.h"

#include <gtest/gtest.h>

namespace khronos::wire {
namespace {

TEST(Secret, IsTheSameOnlyAsItself) {
    EXPECT_TRUE(same_secret("0123456789abcdef", "0123456789abcdef"));
    EXPECT_FALSE(same_secret("0123456789abcdef", "0123456789abcdeF"));
    EXPECT_FALSE(same_secret("0123456789abcdef", "0123456789abcde"));
    EXPECT_FALSE(same_secret("0123456789abcdef", "0123456789abcdef0"));
    EXPECT_FALSE(same_secret("abab", "ababab"));
    EXPECT_FALSE(same_secret("abab", ""));
    EXPECT_FALSE(same_secret("", ""));  // no secret lets nobody in
    EXPECT_FALSE(same_secret("", "x"));
}

TEST(Secret, IsReadFromABearerHeaderOnly) {
    EXPECT_EQ(bearer_token("Bearer abc"), "abc");
    EXPECT_EQ(bearer_token("Basic abc"), "");
    EXPECT_EQ(bearer_token("Bearer"), "");
    EXPECT_EQ(bearer_token(""), "");
}

}  // namespace
}  // namespace khronos::wire

#include "core/ownership/clock_check.h"

#include <gtest/gtest.h>

#include <vector>

namespace khronos::core {
namespace {

using namespace std::chrono_literals;

bool off(std::vector<Duration> ahead, bool stepped = false) {
    return clock_is_off(ahead, stepped);
}

TEST(ClockCheck, AloneAClockIsRight) { EXPECT_FALSE(off({})); }
TEST(ClockCheck, OfTwoNobodyCanSayWhichIsWrong) { EXPECT_FALSE(off({5s})); }
TEST(ClockCheck, OfTwoThatDifferTheOneThatSteppedIsWrong) {
    EXPECT_TRUE(off({5s}, true));
    EXPECT_FALSE(off({1s}, true));  // it was put right
}
TEST(ClockCheck, AStepAloneIsNobodysBusiness) { EXPECT_FALSE(off({}, true)); }
TEST(ClockCheck, AgainstTwoThatAgreeItIsOff) {
    EXPECT_TRUE(off({5s, 5s}));
    EXPECT_TRUE(off({-2s, -2s}));
}
TEST(ClockCheck, OneWrongPeerOfTwoIsItsOwnTrouble) { EXPECT_FALSE(off({9s, 10ms})); }
TEST(ClockCheck, ASecondIsTolerated) { EXPECT_FALSE(off({1s, 1s, -1s})); }
TEST(ClockCheck, OfFourHalfIsNotMost) { EXPECT_FALSE(off({3s, 3s, 0s})); }

}  // namespace
}  // namespace khronos::core

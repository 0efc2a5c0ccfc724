#include "base/shared_bytes.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace khronos {
namespace {

static_assert(sizeof(SharedBytes) == sizeof(void*));

TEST(SharedBytes, HoldsACopyOfItsContent) {
    std::string text = "content";
    const SharedBytes bytes(text);
    text = "changed";
    EXPECT_EQ(bytes.view(), "content");
    EXPECT_FALSE(bytes.empty());
}

TEST(SharedBytes, EmptyContentIsTheSameAsNone) {
    EXPECT_TRUE(SharedBytes("").empty());
    EXPECT_EQ(SharedBytes("").view(), "");
    EXPECT_EQ(SharedBytes(""), SharedBytes());
}

TEST(SharedBytes, KeepsZeroBytes) {
    const std::string text("a\0b", 3);
    EXPECT_EQ(SharedBytes(text).view(), text);
}

TEST(SharedBytes, ACopySharesTheBytesAndOutlivesTheOriginal) {
    SharedBytes copy;
    {
        const SharedBytes original("shared");
        copy = original;
        EXPECT_EQ(copy.view().data(), original.view().data());
    }
    EXPECT_EQ(copy.view(), "shared");
}

TEST(SharedBytes, AMoveLeavesNothingBehind) {
    SharedBytes from("moved");
    const char* data = from.view().data();
    const SharedBytes to(std::move(from));
    EXPECT_EQ(to.view().data(), data);
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): this is what is tested
}

TEST(SharedBytes, AssignmentToItselfKeepsTheContent) {
    SharedBytes bytes("self");
    const SharedBytes& same = bytes;
    bytes = same;
    EXPECT_EQ(bytes.view(), "self");
    bytes = SharedBytes("other");
    EXPECT_EQ(bytes.view(), "other");
    bytes = SharedBytes();
    EXPECT_TRUE(bytes.empty());
}

TEST(SharedBytes, AreEqualByContent) {
    EXPECT_EQ(SharedBytes("x"), SharedBytes("x"));
    EXPECT_NE(SharedBytes("x"), SharedBytes("y"));
    EXPECT_NE(SharedBytes("x"), SharedBytes());
}

// The sanitizers check what this does: no race, no use after free, no leak.
TEST(SharedBytes, HandlesOfOneContentLiveOnManyThreads) {
    const std::string text(1000, 'x');
    SharedBytes bytes(text);
    std::vector<int> right(4);
    {
        std::vector<std::jthread> threads;
        for (int& count : right) {
            threads.emplace_back([bytes, &count, &text] {
                for (int i = 0; i < 10000; ++i) {
                    const SharedBytes copy = bytes;
                    SharedBytes moved = copy;
                    if (moved.view() == text) ++count;
                }
            });
        }
        bytes = SharedBytes();
    }
    for (const int count : right)
        EXPECT_EQ(count, 10000);
}

}  // namespace
}  // namespace khronos

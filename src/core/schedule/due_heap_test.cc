#include "core/schedule/due_heap.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace khronos::core {
namespace {

struct Thing {
    std::uint32_t heap_place = UINT32_MAX;
};

WallTime at(std::int64_t seconds) { return WallTime::from_seconds(seconds); }

TEST(DueHeap, GivesTheEarliestFirst) {
    DueHeap<Thing> heap;
    Thing a, b, c;
    heap.set(a, at(3));
    heap.set(b, at(1));
    heap.set(c, at(2));
    EXPECT_EQ(heap.next_due(), at(1));
    EXPECT_EQ(&heap.pop(), &b);
    EXPECT_EQ(&heap.pop(), &c);
    EXPECT_EQ(&heap.pop(), &a);
    EXPECT_TRUE(heap.empty());
    EXPECT_EQ(heap.next_due(), WallTime::max());
}

TEST(DueHeap, SettingAgainMoves) {
    DueHeap<Thing> heap;
    Thing a, b;
    heap.set(a, at(1));
    heap.set(b, at(2));
    heap.set(a, at(3));
    EXPECT_EQ(heap.size(), 2u);
    EXPECT_EQ(&heap.pop(), &b);
    heap.set(a, at(0));
    EXPECT_EQ(heap.next_due(), at(0));
}

TEST(DueHeap, RemovingWhatIsNotInItDoesNothing) {
    DueHeap<Thing> heap;
    Thing a;
    heap.remove(a);
    heap.set(a, at(1));
    heap.remove(a);
    heap.remove(a);
    EXPECT_TRUE(heap.empty());
    EXPECT_EQ(a.heap_place, DueHeap<Thing>::kNoPlace);
}

TEST(DueHeap, AgreesWithASortedMapOverManyChanges) {
    std::mt19937 random(1);
    DueHeap<Thing> heap;
    std::vector<Thing> things(200);
    std::map<std::size_t, WallTime> model;
    for (int i = 0; i < 20000; ++i) {
        const std::size_t which = random() % things.size();
        if (random() % 3 == 0) {
            heap.remove(things[which]);
            model.erase(which);
        } else {
            const WallTime due = at(random() % 50);
            heap.set(things[which], due);
            model[which] = due;
        }
        ASSERT_EQ(heap.size(), model.size());
        WallTime least = WallTime::max();
        for (const auto& [index, due] : model) least = std::min(least, due);
        ASSERT_EQ(heap.next_due(), least);
    }
    WallTime last{0};
    while (!heap.empty()) {
        const WallTime due = heap.next_due();
        ASSERT_LE(last, due);
        last = due;
        heap.pop();
    }
}

}  // namespace
}  // namespace khronos::core

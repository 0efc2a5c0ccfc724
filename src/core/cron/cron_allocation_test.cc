// next() and prev() never call the allocator: counted by replacing it for this test program.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "core/cron/schedule.h"

namespace {
thread_local long allocations = 0;
}

void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace khronos::cron {
namespace {

TEST(CronNext, DoesNotAllocate) {
    for (const char* text :
         {"* * * * * *", "0 30 2 * * *", "0 30 2 29 2 *", "0 0 0 LW * 5#3", "0 0 0 ? 2 0#5",
          "@every 7s", "@at 2030-01-01T00:00:00Z", "@manually"}) {
        for (const char* zone : {"UTC", "Europe/Paris", "Africa/Casablanca"}) {
            const Schedule schedule = *Schedule::parse(text, {.timezone = zone});
            WallTime t = WallTime::from_seconds(1700000000);
            const WallTime anchor = t;
            const long before = allocations;
            for (int i = 0; i < 100; ++i)
                t = schedule.next(t, anchor).value_or(anchor);
            for (int i = 0; i < 100; ++i)
                t = schedule.prev(t, anchor).value_or(anchor);
            EXPECT_EQ(allocations, before) << text << " in " << zone;
        }
    }
    const long before = allocations;
    ::operator delete(::operator new(1));
    EXPECT_GT(allocations, before) << "the count does not work";
}

}  // namespace
}  // namespace khronos::cron

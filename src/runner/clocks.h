// The two clocks, in microseconds: CLOCK_BOOTTIME goes on while the machine is suspended, so a
// run's guard cannot sleep through its deadline.
#pragma once

#include <ctime>

#include <cstdint>

namespace khronos::runner {

inline std::int64_t clock_us(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return std::int64_t{t.tv_sec} * 1000000 + t.tv_nsec / 1000;
}
inline std::int64_t mono_us() {
    return clock_us(CLOCK_BOOTTIME);
}
inline std::int64_t wall_us() {
    return clock_us(CLOCK_REALTIME);
}

}  // namespace khronos::runner

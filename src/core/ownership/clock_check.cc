#include "core/ownership/clock_check.h"

#include <algorithm>

namespace khronos::core {

bool clock_is_off(std::span<const Duration> ahead, bool stepped) {
    const auto apart = std::ranges::count_if(ahead, [](Duration by) {
        return by > kClockTolerance || by < -kClockTolerance;
    });
    const std::size_t twice = static_cast<std::size_t>(apart) * 2;
    const std::size_t all = ahead.size() + 1;
    return twice > all || (stepped && twice == all);
}

}  // namespace khronos::core

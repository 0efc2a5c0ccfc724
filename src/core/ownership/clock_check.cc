#include "core/ownership/clock_check.h"

#include <algorithm>

namespace khronos::core {

bool clock_is_off(std::span<const Duration> ahead) {
    const auto apart = std::ranges::count_if(ahead, [](Duration by) {
        return by > kClockTolerance || by < -kClockTolerance;
    });
    return static_cast<std::size_t>(apart) * 2 > ahead.size() + 1;
}

}  // namespace khronos::core

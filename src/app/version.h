#pragma once

#include <string_view>

namespace khronos::app {

inline constexpr std::string_view kVersion = KHRONOS_VERSION;

}  // namespace khronos::app

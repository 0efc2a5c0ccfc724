// SHA-256, by OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace khronos::runtime {

std::array<std::uint8_t, 32> sha256(std::string_view bytes);

}  // namespace khronos::runtime

// The kernel's random numbers.
#pragma once

#include "runtime/entropy.h"

namespace khronos::runtime {

class SystemEntropy final : public Entropy {
  public:
    std::uint64_t next() override;
};

}  // namespace khronos::runtime

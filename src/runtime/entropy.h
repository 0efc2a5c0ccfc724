// The port to randomness. Production reads the kernel's (runtime/asio), the simulator a seed's.
#pragma once

#include <cstdint>

namespace khronos::runtime {

class Entropy {
  public:
    virtual ~Entropy() = default;
    virtual std::uint64_t next() = 0;  // uniform over all 64 bits; any thread
};

}  // namespace khronos::runtime

// Randomness from a seed: every choice of a simulated world comes from one of these, so that the
// same seed is the same story.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/ids.h"
#include "base/time.h"
#include "runtime/entropy.h"

namespace khronos::sim {

// splitmix64: a bijection of 64 bits that leaves no pattern.
constexpr std::uint64_t mixed(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

class Seeded final : public runtime::Entropy {
  public:
    // Streams of one seed with different names have nothing to do with each other: what one part
    // of the world draws does not change what another one gets.
    Seeded(std::uint64_t seed, std::string_view stream)
        : state_(mixed(seed) ^ stable_hash(stream)) {}

    std::uint64_t next() override { return mixed(state_ += 0x9e3779b97f4a7c15ULL); }

    // Uniform in [low, high].
    std::int64_t between(std::int64_t low, std::int64_t high) {
        CHECK(low <= high);
        const auto range = static_cast<std::uint64_t>(high - low) + 1;
        return low + static_cast<std::int64_t>(range == 0 ? next() : next() % range);
    }
    Duration between(Duration low, Duration high) {
        return Duration(between(low.count(), high.count()));
    }
    bool chance(double probability) {
        return static_cast<double>(next() >> 11) / 9007199254740992.0 < probability;
    }
    bool coin() { return (next() & 1) != 0; }
    template <class List>
    const auto& pick(const List& list) {
        return list[static_cast<std::size_t>(
            between(0, static_cast<std::int64_t>(std::size(list)) - 1))];
    }

  private:
    std::uint64_t state_;
};

}  // namespace khronos::sim

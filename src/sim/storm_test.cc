// Some hundreds of seeds with every change. Many more: make sim SEEDS=...
#include <gtest/gtest.h>

#include "sim/storm.h"

namespace khronos::sim {
namespace {

StormResult storm(std::uint64_t seed) {
    StormOptions options;
    options.seed = seed;
    return Storm(std::move(options)).run();
}

TEST(Storm, BreaksNoPromise) {
    std::size_t decisions = 0;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        const StormResult result = storm(seed);
        decisions += result.decisions;
        for (const Violation& violation : result.violations)
            ADD_FAILURE() << "seed " << seed << ", " << violation.invariant << ": "
                          << violation.text << "\nits story: khronos-sim --seed " << seed;
    }
    // That nothing happened would be no proof.
    EXPECT_GT(decisions, 30'000u);
}

TEST(Storm, IsTheSameForTheSameSeed) {
    for (const std::uint64_t seed : {2u, 6u, 17u, 34u}) {
        const StormResult first = storm(seed);
        const StormResult second = storm(seed);
        EXPECT_EQ(first.hash, second.hash) << seed;
        EXPECT_EQ(first.events, second.events) << seed;
    }
    EXPECT_NE(storm(3).hash, storm(4).hash);
}

}  // namespace
}  // namespace khronos::sim

// Which version of a job decides when, and what its ticks are then: derived from the saved versions
// alone, by the oracle.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/model/job.h"
#include "core/verify/tick_oracle.h"

namespace khronos::verify {

// A stretch in which one version is in force: ticks t with from < t <= until.
struct Force {
    WallTime from;
    WallTime until;
    const core::Job* job;
};
// `versions` in the order in which they were saved. The version in force at t is the one saved last
// of those that are effective before t.
std::vector<Force> in_force(const std::vector<const core::Job*>& versions);

class Ticks {
  public:
    // The ticks t of that version with from < t <= until, the first `most` of them. The error is
    // what the oracle cannot tell.
    std::expected<std::vector<WallTime>, std::string> between(const core::Job& job, WallTime from,
                                                              WallTime until,
                                                              std::size_t most = SIZE_MAX);
    // `@at`'s, whether it is in force then or not.
    std::optional<WallTime> only_tick(const core::Job& job);

  private:
    const std::expected<TickOracle, std::string>& oracle(const core::JobSpec& spec);

    using Key = std::tuple<std::string, std::string, core::DstGap, core::DstOverlap>;
    std::map<Key, std::expected<TickOracle, std::string>> oracles_;
};

}  // namespace khronos::verify

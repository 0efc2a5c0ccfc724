// How many ticks the jobs of the catalog have on each day to come. Counted tick by tick, in
// slices, up to a number of ticks for each job; what follows is estimated by what was counted.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/time.h"
#include "cluster/catalog.h"
#include "runtime/loop.h"

namespace khronos::api {

struct ForecastDay {
    WallTime day;  // 00:00 UTC
    std::uint64_t ticks = 0;
    bool estimated = false;  // not every tick was counted
    bool operator==(const ForecastDay&) const = default;
};

// From the days of `from` to the day of `to`, both included; ticks t with from < t <= to. `done`
// is posted. The catalog must live until then.
void forecast(cluster::Catalog& catalog, runtime::Loop& loop, WallTime from, WallTime to,
              std::move_only_function<void(std::vector<ForecastDay>)> done);

WallTime day_of(WallTime at);

inline constexpr std::size_t kForecastTicksPerJob = 1500;
inline constexpr std::size_t kForecastTicks = 4'000'000;

}  // namespace khronos::api

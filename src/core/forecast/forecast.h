// What a stretch of time will bring, before it happens: the scheduler's own engine is driven
// forward on a virtual clock, with runs that take as long as they are said to take.
//
// Pure. Ticks of an instant are decided before the runs that end at that instant are over, as in
// reality, where a run starts a moment after its tick.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/model/job.h"

namespace khronos::core {

struct ForecastJob {
    Job job;            // its uid does not matter
    Duration duration;  // of each of its runs
};

struct ForecastRules {
    WallTime from;  // ticks t with from < t <= until
    WallTime until;
    std::uint32_t slots = 0;  // runs that the workers take at once; 0: as many as there are
    // A start this long after its tick (and the job's spread) is late.
    Duration late_after = std::chrono::seconds(2);
};

// Of one job, in the order in which the jobs were given.
struct JobForecast {
    std::uint64_t ticks = 0;    // due, whatever became of them; runs after a parent are not ticks
    std::uint64_t runs = 0;     // started
    std::uint64_t skipped = 0;  // because a run of the same job was not over
    std::uint64_t late = 0;     // started late, because all slots were taken
    std::uint32_t most_at_once = 0;
    WallTime first_skip;
    WallTime first_late;
    Duration latest{0};  // the longest wait for a slot
    bool operator==(const JobForecast&) const = default;
};

struct Forecast {
    std::vector<JobForecast> jobs;
    WallTime reached;  // `until`, unless it was stopped before
    std::uint64_t ticks = 0, runs = 0, skipped = 0, late = 0;
    std::uint64_t at_second_zero = 0;  // ticks in the first second of a minute of UTC
    std::uint64_t at_minute_zero = 0;  // ticks in the first second of an hour of UTC
    // Of each minute from the full hour (UTC) before `from` on: runs that start in it, and the most
    // that run in it at once.
    WallTime first_minute;
    std::vector<std::uint32_t> starts;
    std::vector<std::uint32_t> running;
    std::uint32_t most_running = 0;
    WallTime most_running_at;
    std::uint64_t waiting = 0;  // still without a slot at the end
    // The seconds with the most ticks, the fullest first, then the earliest.
    struct Second {
        WallTime at;
        std::uint32_t ticks = 0;
        bool operator==(const Second&) const = default;
    };
    std::vector<Second> fullest;
};
inline constexpr std::size_t kFullestSeconds = 10;

// The same, a stretch of work at a time, for a loop that others wait for. `jobs` must outlive it.
class Forecaster {
  public:
    Forecaster(const std::vector<ForecastJob>& jobs, const ForecastRules& rules);
    ~Forecaster();

    // Does about `work` decisions and ends of runs; what is due at one instant is decided at once.
    // False when the end is reached.
    bool step(std::uint64_t work);
    WallTime reached() const;
    std::uint64_t work() const;  // done so far
    // What is known up to `reached()`. Once.
    Forecast take();

  private:
    class Driver;
    std::unique_ptr<Driver> driver_;
};

// Children run when their parent's run is over, as if every run succeeded. `progress`, if any, is
// told the time that is reached, now and then.
Forecast forecast(const std::vector<ForecastJob>& jobs, const ForecastRules& rules,
                  const std::function<void(WallTime)>& progress = {});

}  // namespace khronos::core

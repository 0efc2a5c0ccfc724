// next() on the twelve lines of bench/cron_peers.tsv, over 1000 successive times from
// 2026-01-01T00:00:00Z as the peers were measured.
#include <benchmark/benchmark.h>

#include <string>

#include "core/cron/schedule.h"

namespace khronos::cron {
namespace {

constexpr const char* kSpecs[] = {
    "* * * * * *",   "*/5 * * * * *",    "0 * * * * *",
    "0 */5 * * * *", "0 0 * * * *",      "0 30 9 * * *",
    "0 30 2 * * *",  "0 0 9-17 * * 1-5", "15 10,40 8-18/2 * * 1,3,5",
    "0 0 0 1 * *",   "0 0 0 1 1 *",      "0 30 2 29 2 *",
};
constexpr const char* kZones[] = {"UTC", "America/New_York"};
constexpr int kTimes = 1000;
constexpr std::int64_t kStart = 1767225600;  // 2026-01-01T00:00:00Z

void next_of(benchmark::State& state, const char* spec, const char* zone) {
    const auto schedule = Schedule::parse(spec, {.timezone = zone});
    if (!schedule) {
        state.SkipWithError(to_string(schedule.error()).c_str());
        return;
    }
    for (auto _ : state) {
        WallTime t = WallTime::from_seconds(kStart);
        for (int i = 0; i < kTimes; ++i) {
            // Behind the calendar's end the walk begins again.
            t = schedule->next(t, WallTime{}).value_or(WallTime::from_seconds(kStart));
        }
        benchmark::DoNotOptimize(t);
    }
    const auto calls = static_cast<double>(state.iterations()) * kTimes;
    state.counters["per_next"] =
        benchmark::Counter(calls, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void parse_of(benchmark::State& state, const char* spec, const char* zone) {
    for (auto _ : state)
        benchmark::DoNotOptimize(Schedule::parse(spec, {.timezone = zone}));
}

const int kRegistered = [] {
    for (const char* zone : kZones)
        for (const char* spec : kSpecs)
            benchmark::RegisterBenchmark((std::string("next|") + zone + "|" + spec).c_str(),
                                         next_of, spec, zone);
    for (const char* zone : kZones)
        benchmark::RegisterBenchmark((std::string("parse|") + zone).c_str(), parse_of,
                                     "15 10,40 8-18/2 * * 1,3,5", zone);
    return 0;
}();

}  // namespace
}  // namespace khronos::cron

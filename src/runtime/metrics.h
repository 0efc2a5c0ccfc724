// Numbers about the running program. A driver asks the registry once for a handle and then only
// touches atomics; whoever serves /metrics takes a snapshot and renders it (runtime/prometheus).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace khronos::runtime {

using Labels = std::vector<std::pair<std::string, std::string>>;

// Only grows. Any thread.
class Counter {
  public:
    void add(std::uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_ = 0;
};

// Goes up and down. Any thread.
class Gauge {
  public:
    void set(double value) { value_.store(value, std::memory_order_relaxed); }
    void add(double change) { value_.fetch_add(change, std::memory_order_relaxed); }
    double value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<double> value_ = 0;
};

// Counts observations by size. Any thread.
class Histogram {
  public:
    // The upper bounds of the buckets, growing; one bucket for all that is larger is added.
    explicit Histogram(std::span<const double> bounds);

    void observe(double value);
    void observe(Duration value) { observe(static_cast<double>(value.count()) / 1e6); }  // seconds

    struct Counts {
        std::vector<std::uint64_t> buckets;  // each alone, not cumulative; bounds + 1
        double sum = 0;
        bool operator==(const Counts&) const = default;
    };
    Counts counts() const;
    const std::vector<double>& bounds() const { return bounds_; }

  private:
    const std::vector<double> bounds_;
    std::vector<std::atomic<std::uint64_t>> buckets_;
    std::atomic<double> sum_ = 0;
};

// From a tenth of a millisecond to a minute, for lateness and latencies in seconds.
inline constexpr double kLatencyBounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                            0.01,   0.025,   0.05,   0.1,   0.25,   0.5,
                                            1,      2.5,     5,      10,    30,     60};
// From a hundredth of a second to a day, for how long runs take.
inline constexpr double kRunBounds[] = {0.01, 0.05, 0.1, 0.5,  1,    5,     10,   30,
                                        60,   300,  600, 1800, 3600, 14400, 86400};

enum class MetricType : std::uint8_t { counter, gauge, histogram };

// One name with all its series at one moment.
struct MetricFamily {
    struct Sample {
        Labels labels;
        double value = 0;            // counter, gauge
        Histogram::Counts counts{};  // histogram
        bool operator==(const Sample&) const = default;
    };
    std::string name;
    std::string help;
    MetricType type = MetricType::gauge;
    std::vector<double> bounds{};  // histogram
    std::vector<Sample> samples;
    bool operator==(const MetricFamily&) const = default;
};

// Handles live as long as the registry. Asking again for a name and labels gives the same handle;
// one name has one type, one help text and one set of bounds. Any thread.
class Metrics {
  public:
    Metrics() = default;
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    // `name` as Prometheus has it: letters, digits and `_`; seconds and bytes, never
    // milli-anything.
    Counter& counter(std::string_view name, std::string_view help, Labels labels = {});
    Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});
    Histogram& histogram(std::string_view name, std::string_view help,
                         std::span<const double> bounds, Labels labels = {});

    // In the order of names; the series of a name in the order of their making. What is only known
    // when asked for (a gauge for each job) is added to the snapshot by who serves it.
    std::vector<MetricFamily> snapshot() const;

  private:
    struct Series {
        Labels labels;
        Counter counter;
        Gauge gauge;
        std::unique_ptr<Histogram> histogram;
    };
    struct Family {
        std::string help;
        MetricType type;
        std::vector<double> bounds;
        std::deque<Series> series;  // whose elements never move
    };
    Series& series(std::string_view name, std::string_view help, MetricType type,
                   std::span<const double> bounds, Labels labels);

    mutable std::mutex mutex_;
    std::map<std::string, Family, std::less<>> families_;
};

}  // namespace khronos::runtime

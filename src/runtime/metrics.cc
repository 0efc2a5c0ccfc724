#include "runtime/metrics.h"

#include <algorithm>

#include "base/check.h"

namespace khronos::runtime {

namespace {

bool is_name(std::string_view name) {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    return !name.empty() && is_letter(name[0]) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds.begin(), bounds.end()), buckets_(bounds.size() + 1) {
    CHECK(!bounds_.empty());
    CHECK(std::is_sorted(bounds_.begin(), bounds_.end(), std::less_equal<>()));
}

void Histogram::observe(double value) {
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    buckets_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
}

Histogram::Counts Histogram::counts() const {
    Counts counts;
    for (const auto& bucket : buckets_)
        counts.buckets.push_back(bucket.load(std::memory_order_relaxed));
    counts.sum = sum_.load(std::memory_order_relaxed);
    return counts;
}

Counter& Metrics::counter(std::string_view name, std::string_view help, Labels labels) {
    return series(name, help, MetricType::counter, {}, std::move(labels)).counter;
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, Labels labels) {
    return series(name, help, MetricType::gauge, {}, std::move(labels)).gauge;
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help,
                              std::span<const double> bounds, Labels labels) {
    return *series(name, help, MetricType::histogram, bounds, std::move(labels)).histogram;
}

Metrics::Series& Metrics::series(std::string_view name, std::string_view help, MetricType type,
                                 std::span<const double> bounds, Labels labels) {
    CHECK(is_name(name));
    for (const auto& [label, value] : labels)
        CHECK(is_name(label) && label != "le");
    const std::lock_guard lock(mutex_);
    const auto [at, is_new] = families_.try_emplace(std::string(name));
    Family& family = at->second;
    if (is_new) {
        family.help = help;
        family.type = type;
        family.bounds.assign(bounds.begin(), bounds.end());
    }
    CHECK(family.type == type && family.help == help);
    CHECK(std::equal(bounds.begin(), bounds.end(), family.bounds.begin(), family.bounds.end()));
    for (Series& series : family.series)
        if (series.labels == labels) return series;
    Series& series = family.series.emplace_back();
    series.labels = std::move(labels);
    if (type == MetricType::histogram) series.histogram = std::make_unique<Histogram>(bounds);
    return series;
}

std::vector<MetricFamily> Metrics::snapshot() const {
    const std::lock_guard lock(mutex_);
    std::vector<MetricFamily> families;
    for (const auto& [name, family] : families_) {
        MetricFamily& shown = families.emplace_back();
        shown.name = name;
        shown.help = family.help;
        shown.type = family.type;
        shown.bounds = family.bounds;
        for (const Series& series : family.series) {
            MetricFamily::Sample& sample = shown.samples.emplace_back();
            sample.labels = series.labels;
            switch (family.type) {
                case MetricType::counter:
                    sample.value = static_cast<double>(series.counter.value());
                    break;
                case MetricType::gauge:
                    sample.value = series.gauge.value();
                    break;
                case MetricType::histogram:
                    sample.counts = series.histogram->counts();
                    break;
            }
        }
    }
    return families;
}

}  // namespace khronos::runtime

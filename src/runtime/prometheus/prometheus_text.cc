#include "runtime/prometheus/prometheus_text.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>

namespace khronos::runtime {

namespace {

prometheus::MetricType type_of(MetricType type) {
    switch (type) {
        case MetricType::counter:
            return prometheus::MetricType::Counter;
        case MetricType::gauge:
            return prometheus::MetricType::Gauge;
        case MetricType::histogram:
            return prometheus::MetricType::Histogram;
    }
    return prometheus::MetricType::Untyped;
}

prometheus::ClientMetric metric_of(const MetricFamily& family, const MetricFamily::Sample& sample) {
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : sample.labels)
        metric.label.push_back({name, value});
    switch (family.type) {
        case MetricType::counter:
            metric.counter.value = sample.value;
            break;
        case MetricType::gauge:
            metric.gauge.value = sample.value;
            break;
        case MetricType::histogram: {
            // Prometheus' buckets hold all that is smaller too.
            std::uint64_t so_far = 0;
            for (std::size_t i = 0; i < sample.counts.buckets.size(); ++i) {
                so_far += sample.counts.buckets[i];
                const double bound = i < family.bounds.size()
                                         ? family.bounds[i]
                                         : std::numeric_limits<double>::infinity();
                metric.histogram.bucket.push_back({so_far, bound});
            }
            metric.histogram.sample_count = so_far;
            metric.histogram.sample_sum = sample.counts.sum;
            break;
        }
    }
    return metric;
}

}  // namespace

std::string to_prometheus_text(std::span<const MetricFamily> families) {
    std::vector<prometheus::MetricFamily> converted;
    converted.reserve(families.size());
    for (const MetricFamily& family : families) {
        prometheus::MetricFamily& into = converted.emplace_back();
        into.name = family.name;
        into.help = family.help;
        into.type = type_of(family.type);
        for (const auto& sample : family.samples)
            into.metric.push_back(metric_of(family, sample));
    }
    return prometheus::TextSerializer().Serialize(converted);
}

}  // namespace khronos::runtime

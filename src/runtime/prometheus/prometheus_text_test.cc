#include "runtime/prometheus/prometheus_text.h"

#include <gtest/gtest.h>

namespace khronos::runtime {
namespace {

TEST(PrometheusText, ShowsCountersGaugesAndHistograms) {
    Metrics metrics;
    metrics.counter("khronos_skips_total", "Ticks that did not run.", {{"reason", "paused"}})
        .add(3);
    metrics.gauge("khronos_jobs", "Jobs.").set(12);
    const double bounds[] = {0.5, 1};
    Histogram& lateness =
        metrics.histogram("khronos_lateness_seconds", "Lateness.", bounds, {{"stage", "started"}});
    lateness.observe(0.25);
    lateness.observe(0.75);
    lateness.observe(4.0);
    EXPECT_EQ(to_prometheus_text(metrics.snapshot()),
              "# HELP khronos_jobs Jobs.\n"
              "# TYPE khronos_jobs gauge\n"
              "khronos_jobs 12\n"
              "# HELP khronos_lateness_seconds Lateness.\n"
              "# TYPE khronos_lateness_seconds histogram\n"
              "khronos_lateness_seconds_count{stage=\"started\"} 3\n"
              "khronos_lateness_seconds_sum{stage=\"started\"} 5\n"
              "khronos_lateness_seconds_bucket{stage=\"started\",le=\"0.5\"} 1\n"
              "khronos_lateness_seconds_bucket{stage=\"started\",le=\"1\"} 2\n"
              "khronos_lateness_seconds_bucket{stage=\"started\",le=\"+Inf\"} 3\n"
              "# HELP khronos_skips_total Ticks that did not run.\n"
              "# TYPE khronos_skips_total counter\n"
              "khronos_skips_total{reason=\"paused\"} 3\n");
}

TEST(PrometheusText, EscapesWhatALabelSays) {
    const MetricFamily family{
        "khronos_job_next", "Next.", MetricType::gauge, {}, {{{{"job", "a\"b\\c\nd"}}, 1}}};
    EXPECT_NE(to_prometheus_text({&family, 1}).find("{job=\"a\\\"b\\\\c\\nd\"} 1\n"),
              std::string::npos);
}

}  // namespace
}  // namespace khronos::runtime

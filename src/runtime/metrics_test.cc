#include "runtime/metrics.h"

#include <gtest/gtest.h>

#include <thread>

namespace khronos::runtime {
namespace {

TEST(Metrics, GiveTheSameHandleForTheSameNameAndLabels) {
    Metrics metrics;
    Counter& fired = metrics.counter("khronos_ticks_total", "Ticks.", {{"decision", "fire"}});
    Counter& skipped = metrics.counter("khronos_ticks_total", "Ticks.", {{"decision", "skip"}});
    EXPECT_EQ(&metrics.counter("khronos_ticks_total", "Ticks.", {{"decision", "fire"}}), &fired);
    EXPECT_NE(&fired, &skipped);
    fired.add();
    fired.add(4);
    EXPECT_EQ(fired.value(), 5u);
    EXPECT_EQ(skipped.value(), 0u);
}

TEST(Metrics, ShowEverySeriesInASnapshot) {
    Metrics metrics;
    metrics.gauge("b_workers", "Workers.", {{"state", "ready"}}).set(3);
    metrics.gauge("b_workers", "Workers.", {{"state", "gone"}}).add(-1.5);
    metrics.counter("a_total", "A.").add(7);
    const auto families = metrics.snapshot();
    ASSERT_EQ(families.size(), 2u);
    EXPECT_EQ(families[0], (MetricFamily{"a_total", "A.", MetricType::counter, {}, {{{}, 7}}}));
    EXPECT_EQ(families[1],
              (MetricFamily{"b_workers",
                            "Workers.",
                            MetricType::gauge,
                            {},
                            {{{{"state", "ready"}}, 3}, {{{"state", "gone"}}, -1.5}}}));
}

TEST(Histogram, CountsAValueInTheFirstBucketThatHoldsIt) {
    const double bounds[] = {0.1, 1, 10};
    Histogram histogram(bounds);
    for (const double value : {0.0, 0.1, 0.11, 1.0, 10.0, 10.5, 1e9})
        histogram.observe(value);
    histogram.observe(Duration(250ms));
    const Histogram::Counts counts = histogram.counts();
    EXPECT_EQ(counts.buckets, (std::vector<std::uint64_t>{2, 3, 1, 2}));
    EXPECT_DOUBLE_EQ(counts.sum, 0.0 + 0.1 + 0.11 + 1.0 + 10.0 + 10.5 + 1e9 + 0.25);
}

TEST(Metrics, LoseNothingThatManyThreadsCount) {
    Metrics metrics;
    const double bounds[] = {1};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            Counter& counter = metrics.counter("n_total", "N.");
            Histogram& histogram = metrics.histogram("h_seconds", "H.", bounds);
            for (int i = 0; i < 10000; ++i) {
                counter.add();
                histogram.observe(2.0);
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(metrics.counter("n_total", "N.").value(), 40000u);
    const auto counts = metrics.histogram("h_seconds", "H.", bounds).counts();
    EXPECT_EQ(counts, (Histogram::Counts{{0, 40000}, 80000}));
}

TEST(MetricsDeathTest, RefuseANameOfTwoMeanings) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const double one[] = {1}, two[] = {2}, falling[] = {2, 1};
    Metrics metrics;
    metrics.counter("a_total", "A.");
    metrics.histogram("h_seconds", "H.", one);
    EXPECT_DEATH(metrics.gauge("a_total", "A."), "CHECK");
    EXPECT_DEATH(metrics.counter("a_total", "B."), "CHECK");
    EXPECT_DEATH(metrics.histogram("h_seconds", "H.", two, {{"a", "b"}}), "CHECK");
    EXPECT_DEATH(metrics.histogram("g_seconds", "G.", falling), "CHECK");
    EXPECT_DEATH(metrics.counter("9", "A."), "CHECK");
    EXPECT_DEATH(metrics.counter("b_total", "B.", {{"le", "1"}}), "CHECK");
}

}  // namespace
}  // namespace khronos::runtime

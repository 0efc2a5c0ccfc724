#include "core/dispatch/plan.h"

#include <gtest/gtest.h>

namespace khronos::core {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMost = UINT64_MAX;

TEST(Plan, AnExecutionsOwnPayloadGoesBeforeTheJobs) {
    JobSpec spec;
    spec.payload = "{}";
    Execution execution;
    EXPECT_EQ(plan_of(spec, execution).run.payload, "{}");
    execution.payload = "[1]";
    EXPECT_EQ(plan_of(spec, execution).run.payload, "[1]");
}

TEST(Plan, WithoutAnApplicationItIsTheDefaultOne) {
    EXPECT_EQ(plan_of(JobSpec{}, Execution{}).run.application, "default");
}

TEST(RetryWait, GrowsByItsFactorUpToItsMost) {
    RetryRules rules;
    rules.delay = 10s;
    rules.backoff = 3;
    rules.max_delay = 60s;
    EXPECT_NEAR(static_cast<double>(retry_wait(rules, 1, kMost).count()), 10e6, 10);
    EXPECT_NEAR(static_cast<double>(retry_wait(rules, 2, kMost).count()), 30e6, 10);
    EXPECT_NEAR(static_cast<double>(retry_wait(rules, 3, kMost).count()), 60e6, 10);
    EXPECT_NEAR(static_cast<double>(retry_wait(rules, 1000, kMost).count()), 60e6, 10);
}

TEST(RetryWait, IsAnHourAtMostByItself) {
    RetryRules rules;
    rules.delay = 30min;
    EXPECT_LE(retry_wait(rules, 50, kMost), 1h);
}

TEST(RetryWait, JittersOverTheWholeRange) {
    RetryRules rules;
    rules.delay = 10s;
    EXPECT_EQ(retry_wait(rules, 1, 0), 0s);
    EXPECT_EQ(retry_wait(rules, 1, kMost / 2 + 1), 5s);
}

TEST(RetryWait, WithoutADelayThereIsNone) { EXPECT_EQ(retry_wait(RetryRules{}, 5, kMost), 0s); }

}  // namespace
}  // namespace khronos::core

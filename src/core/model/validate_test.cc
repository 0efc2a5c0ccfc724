#include "core/model/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "base/limits.h"

namespace khronos::core {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr WallTime kNow = WallTime::from_seconds(1767225600);  // 2026-01-01T00:00:00Z

JobSpec good() {
    JobSpec spec;
    spec.name = "backup";
    spec.schedule = "0 30 2 * * *";
    spec.executor = "shell";
    spec.executor_config = {{"command", "true"}};
    return spec;
}

std::vector<std::string> problems_of(const JobSpec& spec) {
    std::vector<std::string> lines;
    for (const Error& problem : validate(spec, kNow, 60s))
        lines.push_back(problem.field + ": " + problem.message);
    return lines;
}
std::vector<std::string> problems_with(const std::function<void(JobSpec&)>& change) {
    JobSpec spec = good();
    change(spec);
    return problems_of(spec);
}

TEST(Validate, HasNothingToSayAboutAGoodJob) {
    EXPECT_THAT(problems_of(good()), IsEmpty());
    JobSpec bare;
    bare.name = "bare";
    EXPECT_THAT(problems_of(bare), IsEmpty());
}

TEST(Validate, ReportsEverythingInDkronsOrderAndWords) {
    JobSpec spec = good();
    spec.name = "a b";
    spec.parent_job = "a b";
    spec.schedule = "nonsense";
    spec.concurrency = Concurrency::unknown;
    spec.timezone = "Mars/Olympus";
    spec.executor_config["timeout"] = "soon";
    spec.executor_config["mem_limit"] = "much";
    spec.retries = 1001;
    EXPECT_THAT(problems_of(spec),
                ElementsAre("name: name contains illegal character ' '",
                            "parent_job: the job can not have itself as parent",
                            HasSubstr("schedule: can't parse job schedule: "),
                            "concurrency: invalid concurrency policy value, use \"allow\" or "
                            "\"forbid\"",
                            "timezone: unknown time zone Mars/Olympus",
                            HasSubstr("executor_config.timeout: 'soon' is not a duration"),
                            "executor_config.mem_limit: 'much' is not an amount of memory such as "
                            "512MB",
                            "retries: is 1001, must be from 0 to 1000"));
}

TEST(Validate, RefusesWhatWouldOtherwiseBeIgnored) {
    EXPECT_TRUE(problems_with([](JobSpec& s) { s.concurrency = Concurrency::replace; }).empty());
    EXPECT_TRUE(problems_with([](JobSpec& s) { s.concurrency = Concurrency::queue; }).empty());
    EXPECT_THAT(problems_with([](JobSpec& s) { s.balance = Balance::broadcast; }),
                ElementsAre(HasSubstr("balance: 'broadcast' is not supported yet")));
    EXPECT_THAT(problems_with([](JobSpec& s) { s.parent_job = "other"; }),
                ElementsAre(HasSubstr("parent_job: runs after a parent job are not supported")));
    EXPECT_THAT(problems_with([](JobSpec& s) { s.calendar = "c"; }),
                ElementsAre("calendar: 'calendar' is not supported yet; leave it out"));
    EXPECT_THAT(problems_with([](JobSpec& s) { s.notify_json = "{}"; }),
                ElementsAre("notify: 'notify' is not supported yet; leave it out"));
    EXPECT_THAT(problems_with([](JobSpec& s) { s.expect = 1h; }),
                ElementsAre("expect: 'expect' is not supported yet; leave it out"));
}

TEST(Validate, TakesEveryBalanceThatOneWorkerFulfils) {
    for (const Balance balance : {Balance::random, Balance::round_robin, Balance::workload})
        EXPECT_THAT(problems_with([&](JobSpec& s) { s.balance = balance; }), IsEmpty());
}

TEST(Validate, JudgesTheOnlyTimeOfASchedule) {
    const auto with = [](std::string schedule) {
        return problems_with([&](JobSpec& s) { s.schedule = std::move(schedule); });
    };
    EXPECT_THAT(with("@at 2026-01-01T00:01:00Z"), IsEmpty());
    EXPECT_THAT(with("@at 2025-12-31T23:59:00Z"), IsEmpty()) << "late, within the threshold";
    EXPECT_THAT(with("@at 2025-12-31T23:58:59Z"),
                ElementsAre(HasSubstr("2025-12-31T23:58:59Z is in the past")));
    EXPECT_THAT(with("@after 2025-12-31T23:00:00Z <PT1H"), IsEmpty());
    EXPECT_THAT(with("@after 2025-12-31T22:00:00Z <PT1H"),
                ElementsAre(HasSubstr("2025-12-31T23:00:00Z is in the past")));
    EXPECT_THAT(with("0 0 0 30 2 *"), ElementsAre(HasSubstr("can't parse job schedule")));
    EXPECT_THAT(with("@oneway"), IsEmpty());
    EXPECT_THAT(with("@manually"), IsEmpty());
}

TEST(Validate, ChecksTheNumberOfWorkersInATag) {
    for (const char* value : {"web", "web:1", "web:12", "a:b:3", ""})
        EXPECT_THAT(problems_with([&](JobSpec& s) { s.tags = {{"role", value}}; }), IsEmpty())
            << value;
    for (const char* value : {"web:", "web:0", "web:x", "web:-1", "web:1x", "web:99999999999"})
        EXPECT_THAT(problems_with([&](JobSpec& s) { s.tags = {{"role", value}}; }),
                    ElementsAre(HasSubstr("tags.role: ")))
            << value;
}

TEST(Validate, KnowsAmountsOfMemory) {
    const auto with = [](std::string text) {
        return problems_with([&](JobSpec& s) { s.executor_config["mem_limit"] = text; });
    };
    for (const char* text : {"512MB", "1.5GiB", "1048576", "10k", "2 GB", "7b", ""})
        EXPECT_THAT(with(text), IsEmpty()) << text;
    for (const char* text : {"0", "-1MB", "MB", "1XB", "1MBB", "inf", "nan", "1e999MB"})
        EXPECT_THAT(with(text), testing::SizeIs(1)) << text;
}

TEST(Validate, HoldsEachNumberToItsRange) {
    struct Case {
        const char* field;
        std::function<void(JobSpec&)> least, below, most, above;
    };
    const auto number = [](const char* field, auto member, std::uint32_t least,
                           std::uint32_t most) {
        return Case{field, [=](JobSpec& s) { s.*member = least; },
                    [=](JobSpec& s) { s.*member = least == 0 ? 0 : least - 1; },
                    [=](JobSpec& s) { s.*member = most; },
                    [=](JobSpec& s) { s.*member = most + 1; }};
    };
    const auto duration = [](const char* field, auto member, Duration least, Duration most) {
        return Case{field, [=](JobSpec& s) { s.*member = least; },
                    [=](JobSpec& s) { s.*member = least - 1us; },
                    [=](JobSpec& s) { s.*member = most; },
                    [=](JobSpec& s) { s.*member = most + 1us; }};
    };
    constexpr Duration kTenYears = 24h * 366 * 10;
    const Case cases[] = {
        number("retries", &JobSpec::retries, 0, limits::kRetriesMax),
        number("lost_retries", &JobSpec::lost_retries, 0, limits::kRetriesMax),
        number("misfire_limit", &JobSpec::misfire_limit, 1, limits::kMisfireLimitMax),
        number("max_concurrency", &JobSpec::max_concurrency, 0, limits::kMaxConcurrencyMax),
        number("queue_limit", &JobSpec::queue_limit, 1, limits::kMaxConcurrencyMax),
        number("history_limit", &JobSpec::history_limit, 1, limits::kHistoryLimitMax),
        duration("retry_delay", &JobSpec::retry_delay, 0s, kTenYears),
        duration("retry_max_delay", &JobSpec::retry_max_delay, 0s, kTenYears),
        duration("timeout", &JobSpec::timeout, 0s, kTenYears),
        duration("kill_grace", &JobSpec::kill_grace, 0s, kTenYears),
        duration("guard", &JobSpec::guard, 10s, kTenYears),
        duration("spread", &JobSpec::spread, 0s, 24h),
        duration("start_deadline", &JobSpec::start_deadline, 0s, kTenYears),
    };
    for (const Case& c : cases) {
        EXPECT_THAT(problems_with(c.least), IsEmpty()) << c.field;
        EXPECT_THAT(problems_with(c.most), IsEmpty()) << c.field;
        EXPECT_THAT(problems_with(c.above), ElementsAre(HasSubstr(c.field))) << c.field;
        JobSpec least = good(), below = good();
        c.least(least);
        c.below(below);
        if (least != below)
            EXPECT_THAT(problems_with(c.below), ElementsAre(HasSubstr(c.field))) << c.field;
    }
}

TEST(Validate, WantsABackoffThatGrowsAndIsANumber) {
    for (const double factor : {1.0, 1.5, 100.0})
        EXPECT_THAT(problems_with([&](JobSpec& s) { s.retry_backoff = factor; }), IsEmpty());
    for (const double factor : {0.99, -1.0, 100.1, std::numeric_limits<double>::infinity(),
                                std::numeric_limits<double>::quiet_NaN()})
        EXPECT_THAT(problems_with([&](JobSpec& s) { s.retry_backoff = factor; }),
                    ElementsAre(HasSubstr("retry_backoff: is ")));
}

TEST(Validate, WantsTheEndAfterTheStart) {
    EXPECT_THAT(problems_with([](JobSpec& s) {
                    s.starts_at = kNow;
                    s.expires_at = kNow;
                }),
                ElementsAre("expires_at: must be after starts_at, 2026-01-01T00:00:00Z"));
}

TEST(Validate, LimitsTheWholeDocument) {
    EXPECT_THAT(problems_with([](JobSpec& s) {
                    s.description = std::string(limits::kJobDocumentBytes - 1000, 'x');
                }),
                IsEmpty());
    EXPECT_THAT(problems_with([](JobSpec& s) {
                    s.description = std::string(limits::kJobDocumentBytes, 'x');
                }),
                ElementsAre(HasSubstr("at most 262144 are allowed")));
}

}  // namespace
}  // namespace khronos::core

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "cli/commands.h"
#include "cli/fake_agent_test.h"
#include "cli/job_timing.h"
#include "cli/watch.h"

namespace khronos::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

WallTime at(std::string_view text) {
    return *parse_rfc3339(text);
}

std::vector<std::string> ticks(std::string_view document, std::string_view from,
                               std::string_view until) {
    const auto job = scheduled_job(boost::json::parse(document), at(from));
    if (!job) return {"error: " + job.error()};
    const auto times = ticks_of(*job, at(from), at(until), 1000);
    std::vector<std::string> texts;
    for (const WallTime time : *times)
        texts.push_back(to_rfc3339(time));
    return texts;
}

TEST(JobTiming, IsThatOfTheScheduler) {
    EXPECT_THAT(ticks(R"({"name":"a","schedule":"0 30 2 * * *","timezone":"Europe/Paris"})",
                      "2024-03-30T00:00:00Z", "2024-04-01T00:00:00Z"),
                ElementsAre("2024-03-30T01:30:00Z", "2024-03-31T01:00:00Z"));
    EXPECT_THAT(ticks(R"({"name":"a","schedule":"0 30 2 * * *","timezone":"Europe/Paris",
                          "dst":{"gap":"skip"}})",
                      "2024-03-30T00:00:00Z", "2024-04-01T00:00:00Z"),
                ElementsAre("2024-03-30T01:30:00Z"));
    EXPECT_THAT(ticks(R"({"name":"a","schedule":"@hourly","expires_at":"2026-01-01T02:00"})",
                      "2026-01-01T00:00:00Z", "2026-01-01T06:00:00Z"),
                ElementsAre("2026-01-01T01:00:00Z"));
    EXPECT_THAT(ticks(R"({"name":"a","schedule":"@hourly","disabled":true})",
                      "2026-01-01T00:00:00Z", "2026-01-01T06:00:00Z"),
                IsEmpty());
}

TEST(JobTiming, AnIntervalKeepsItsPhase) {
    EXPECT_THAT(ticks(R"({"name":"a","schedule":"@every 1h","next":"2026-01-01T00:17:00Z"})",
                      "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z"),
                ElementsAre("2026-01-01T00:17:00Z", "2026-01-01T01:17:00Z"));
    EXPECT_THAT(ticks(R"({"name":"a","schedule":"@every 1h","next":"0001-01-01T00:00:00Z"})",
                      "2026-01-01T00:00:05Z", "2026-01-01T02:00:00Z"),
                ElementsAre("2026-01-01T01:00:05Z"));
}

TEST(JobTiming, SaysWhichFieldIsWrong) {
    const auto fault = [](std::string_view document) {
        return ticks(document, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z").at(0);
    };
    EXPECT_THAT(fault(R"({"name":"a","schedule":"0 0 * * *"})"), HasSubstr("error: schedule: "));
    EXPECT_THAT(fault(R"({"schedule":"","timeout":"soon"})"), HasSubstr("error: timeout: "));
    EXPECT_THAT(fault(R"({"schedule":"","misfire":"twice"})"), HasSubstr("error: misfire: "));
    EXPECT_THAT(fault(R"({"schedule":"","queue_limit":-1})"), HasSubstr("error: queue_limit: "));
}

constexpr const char* kNow = R"({"name":"a","schedule":"0 0 0 * * *","retries":0,
    "executor_config":{"command":"x","env":"A=1"},"owner":"","next":"2026-01-02T00:00:00Z",
    "success_count":7,"starts_at":null})";

TEST(JobPlan, TellsFieldsAndTicks) {
    Bench run;
    run.in.str(R"([{"name":"a"},{"name":"b"}])");
    run.agent.on("PUT /v1/jobs/a?dry_run", 200, R"({"name":"a","schedule":"0 0 12 * * MON,TUE",
        "retries":2,"executor_config":{"command":"y","env":"A=1","cwd":"/x"},"owner":"",
        "next":"0001-01-01T00:00:00Z","success_count":0,"starts_at":null})");
    run.agent.on("GET /v1/jobs/a", 200, kNow);
    run.agent.on("PUT /v1/jobs/b?dry_run", 200, R"({"name":"b","schedule":"@weekly"})");
    EXPECT_EQ(job_plan(run.options, {.files = {"-"}}, run.session), 1) << run.err.str();
    EXPECT_EQ(run.out.str(),
              "~ job a would be changed\n"
              "    schedule: \"0 0 0 * * *\" -> \"0 0 12 * * MON,TUE\"\n"
              "    retries: 0 -> 2\n"
              "    executor_config.command: \"x\" -> \"y\"\n"
              "    executor_config.cwd: (none) -> \"/x\"\n"
              "    due 2 times in the coming week, 7 before: 2 new, 7 gone\n"
              "      - 2026-01-02T00:00:00Z\n"
              "      - 2026-01-03T00:00:00Z\n"
              "      - 2026-01-04T00:00:00Z\n"
              "      - 2026-01-05T00:00:00Z\n"
              "      + 2026-01-05T12:00:00Z\n"
              "      - 2026-01-06T00:00:00Z\n"
              "      + 2026-01-06T12:00:00Z\n"
              "      - 2026-01-07T00:00:00Z\n"
              "      and 1 more\n"
              "+ job b would be created\n"
              "    due once in the coming week, first at 2026-01-04T00:00:00Z\n"
              "1 to create, 1 to change, 0 unchanged\n");
    EXPECT_THAT(run.agent.lines(), Not(testing::Contains("PUT /v1/jobs/a")));
}

TEST(JobPlan, IsZeroWhereNothingWouldChange) {
    Bench run;
    run.in.str(R"({"name":"a"})");
    run.agent.on("PUT /v1/jobs/a?dry_run", 200, kNow);
    run.agent.on("GET /v1/jobs/a", 200, kNow);
    EXPECT_EQ(job_plan(run.options, {.files = {"-"}}, run.session), kDone);
    EXPECT_EQ(run.out.str(), "  job a unchanged\n0 to create, 0 to change, 1 unchanged\n");
}

TEST(JobPlan, AnEditOfAnotherFieldKeepsThePhaseOfAnInterval) {
    Bench run;
    run.in.str(R"({"name":"a"})");
    run.options.format = Format::json;
    run.agent.on("PUT /v1/jobs/a?dry_run", 200,
                 R"({"name":"a","schedule":"@every 24h","owner":"me",
                     "next":"0001-01-01T00:00:00Z"})");
    run.agent.on(
        "GET /v1/jobs/a", 200,
        R"({"name":"a","schedule":"@every 24h","owner":"","next":"2026-01-01T10:00:00Z"})");
    EXPECT_EQ(job_plan(run.options, {.files = {"-"}}, run.session), 1);
    const auto plan = boost::json::parse(run.out.str());
    const auto& one = plan.at(0);
    EXPECT_EQ(one.at("change").as_string(), "configured");
    EXPECT_EQ(one.at("ticks").at("after").to_number<int>(), 7);
    EXPECT_EQ(one.at("ticks").at("added").to_number<int>(), 0);
    EXPECT_EQ(one.at("fields"),
              boost::json::parse(R"([{"field":"owner","before":"","after":"me"}])"));
}

TEST(JobPlan, AMistakeIsNeitherZeroNorOne) {
    Bench run;
    run.in.str(R"({"name":"a","schedul":1})");
    run.agent.on("PUT /v1/jobs/a?dry_run", 400, R"({"detail":"unknown key schedul"})");
    EXPECT_EQ(job_plan(run.options, {.files = {"-"}}, run.session), kUsage);
    EXPECT_EQ(job_plan(run.options, {}, run.session), kUsage);
}

TEST(Watch, ShowsAnAnswerAgainOnlyWhenItChanged) {
    Bench run;
    run.agent.on("GET /v1/jobs?_sort=name&_order=ASC", 200, R"([{"name":"a"}])");
    run.agent.on("GET /v1/jobs?_sort=name&_order=ASC", 200, R"([{"name":"a"}])");
    run.agent.on("GET /v1/jobs?_sort=name&_order=ASC", 200, R"([{"name":"b"}])");
    run.options.format = Format::name;
    const auto list = [&](Session& session) { return job_list(run.options, {}, session); };
    EXPECT_EQ(watch(run.options, 10s, run.session, list), kDone);
    EXPECT_EQ(run.out.str(), "a\n\nb\n");
    EXPECT_EQ(run.agent.asked.size(), 6u);
    Bench terminal;
    terminal.agent.on("GET /v1/jobs?_sort=name&_order=ASC", 200, R"([{"name":"a"}])");
    terminal.options.format = Format::name;
    terminal.options.width = 80;
    EXPECT_EQ(watch(terminal.options, 2s, terminal.session,
                    [&](Session& s) { return job_list(terminal.options, {}, s); }),
              kDone);
    EXPECT_EQ(terminal.out.str(), "\033[H\033[2Ja\n");
}

}  // namespace
}  // namespace khronos::cli

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <boost/json/parse.hpp>

#include "cli/commands.h"
#include "cli/fake_agent_test.h"

namespace khronos::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kFiles = R"([
    {"name":"slow","schedule":"0 * * * * *","concurrency":"forbid"},
    {"name":"night","schedule":"0 30 2 * * *","timezone":"Europe/Paris"},
    {"name":"off","schedule":"@hourly","disabled":true}])";

TEST(Simulate, ReadsFilesWithoutAnyAgent) {
    Bench run;
    run.in.str(kFiles);
    run.options.format = Format::json;
    EXPECT_EQ(
        simulate(
            run.options,
            {.files = {"-"}, .from = "2026-03-25T00:00:00Z", .days = 7, .durations = {"slow=90s"}},
            run.session),
        kDone)
        << run.err.str();
    EXPECT_THAT(run.agent.asked, IsEmpty());
    const auto week = boost::json::parse(run.out.str());
    EXPECT_EQ(week.at("until").as_string(), "2026-04-01T00:00:00Z");
    const auto& slow = week.at("jobs").at(0);
    EXPECT_EQ(slow.at("ticks").to_number<int>(), 7 * 24 * 60);
    EXPECT_EQ(slow.at("skipped").to_number<int>(), 7 * 24 * 30);
    EXPECT_EQ(slow.at("first_skip").as_string(), "2026-03-25T00:02:00Z");
    EXPECT_EQ(slow.at("duration_source").as_string(), "given");
    EXPECT_EQ(week.at("jobs").at(1).at("runs").to_number<int>(), 7);
    EXPECT_EQ(week.at("jobs").at(2).at("ticks").to_number<int>(), 0);
    EXPECT_EQ(week.at("runs_per_hour").as_array().size(), 7u * 24 + 1);
    const auto& changes = week.at("clock_changes").as_array();
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_THAT(std::string(changes[0].as_string()),
                AllOf(HasSubstr("night: "), HasSubstr("2026-03-29")));
}

TEST(Simulate, SaysNothingOfClockChangesOutsideTheTime) {
    Bench run;
    run.in.str(kFiles);
    run.options.format = Format::json;
    EXPECT_EQ(simulate(run.options, {.files = {"-"}, .from = "2026-01-01T00:00:00Z"}, run.session),
              kDone);
    EXPECT_THAT(boost::json::parse(run.out.str()).at("clock_changes").as_array(), IsEmpty());
}

TEST(Simulate, AsksTheAgentHowLongRunsTook) {
    Bench run;
    run.agent.on("GET /v1/jobs?_sort=name&_order=ASC", 200,
                 R"([{"name":"a","schedule":"@hourly","success_count":3,"error_count":0},
                     {"name":"b","schedule":"@daily","success_count":0,"error_count":0}])");
    run.agent.on("GET /v1/executions?job=a&status=succeeded,failed&limit=20", 200,
                 R"({"executions":[
                     {"started_at":"2026-01-01T00:00:00Z","finished_at":"2026-01-01T00:00:10Z"},
                     {"started_at":"2026-01-01T01:00:00Z","finished_at":"2026-01-01T01:02:00Z"},
                     {"started_at":"2026-01-01T02:00:00Z","finished_at":"2026-01-01T02:00:20Z"}]})");
    EXPECT_EQ(simulate(run.options, {.days = 1}, run.session), kDone) << run.err.str();
    EXPECT_THAT(run.out.str(),
                AllOf(HasSubstr("2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z: 25 ticks of 2 jobs"),
                      HasSubstr("Fullest second: 2026-01-02T00:00:00Z with 2 ticks (a, b)"),
                      HasSubstr("100% of the ticks come in second 0"),
                      testing::ContainsRegex("a +24 +24 +0 +0 +1 +20s  measured"),
                      testing::ContainsRegex("b +1 +1 +0 +0 +1 +1s  assumed")));
}

TEST(Simulate, SlotsThatAreTooFewAreTold) {
    Bench run;
    run.in.str(R"([{"name":"a","schedule":"0 0 * * * *"},{"name":"b","schedule":"0 0 * * * *"}])");
    EXPECT_EQ(simulate(run.options,
                       {.files = {"-"}, .days = 1, .slots = 1, .durations = {"a=2h", "b=2h"}},
                       run.session),
              kDone);
    EXPECT_THAT(run.out.str(),
                AllOf(HasSubstr("Still waiting for a slot at the end: 36 runs; 1 slot is too few"),
                      HasSubstr("for a slot")));
}

TEST(Simulate, TheAgentsWorkersHaveTheSlotsUnlessSaidOtherwise) {
    const auto late = [](std::optional<std::uint32_t> slots) {
        Bench run;
        run.options.format = Format::json;
        run.agent.on(
            "GET /v1/jobs?_sort=name&_order=ASC", 200,
            R"([{"name":"a","schedule":"0 0 * * * *"},{"name":"b","schedule":"0 0 * * * *"},
                         {"name":"c","schedule":"0 0 * * * *"}])");
        run.agent.on(
            "GET /v1/workers", 200,
            R"([{"id":"w","state":"ready","slots":2},{"id":"x","state":"gone","slots":8}])");
        SimulateArgs args;
        args.days = 1;
        args.slots = slots;
        args.duration_otherwise = "1m";
        args.measured = false;
        EXPECT_EQ(simulate(run.options, args, run.session), kDone);
        return boost::json::parse(run.out.str()).at("late").to_number<int>();
    };
    EXPECT_GT(late(std::nullopt), 0);
    EXPECT_GT(late(1), late(std::nullopt));
    EXPECT_EQ(late(0), 0);
}

TEST(Simulate, OfManyJobsOnlyThoseWithARemarkAreShown) {
    std::string text = R"([{"name":"paused","schedule":"@daily","disabled":true})";
    for (int i = 0; i < 50; ++i)
        text += fmt::format(R"(,{{"name":"quiet{}","schedule":"@daily"}})", i);
    const auto out = [&](Format format) {
        Bench run;
        run.in.str(text + "]");
        run.options.format = format;
        EXPECT_EQ(simulate(run.options, {.files = {"-"}}, run.session), kDone);
        return run.out.str() + run.err.str();
    };
    EXPECT_THAT(out(Format::table), AllOf(HasSubstr("paused"), testing::Not(HasSubstr("quiet7 ")),
                                          HasSubstr("50 jobs that nothing is to be said of")));
    EXPECT_THAT(out(Format::wide), HasSubstr("quiet7 "));
}

TEST(Simulate, RefusesWhatItCannotUse) {
    const auto code = [](const SimulateArgs& args, const char* text = kFiles) {
        Bench run;
        run.in.str(text);
        return simulate(run.options, args, run.session);
    };
    EXPECT_EQ(code({.files = {"-"}, .from = "noon"}), kUsage);
    EXPECT_EQ(code({.files = {"-"}, .days = 0}), kUsage);
    EXPECT_EQ(code({.files = {"-"}, .days = kSimulateDaysMax + 1}), kUsage);
    EXPECT_EQ(code({.files = {"-"}, .durations = {"slow"}}), kUsage);
    EXPECT_EQ(code({.files = {"-"}, .durations = {"nobody=3s"}}), kUsage);
    EXPECT_EQ(code({.files = {"-"}, .duration_otherwise = "long"}), kUsage);
    EXPECT_EQ(code({.files = {"-"}}, R"([{"name":"a","schedule":"0 0 * * *"}])"), kFailed);
    EXPECT_EQ(code({.files = {"-"}}, "{"), kFailed);
}

}  // namespace
}  // namespace khronos::cli

#include "api/job_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/json_text.h"

namespace khronos::api {
namespace {

using core::JobSpec;
using testing::ElementsAre;
using testing::HasSubstr;

std::expected<JobDocument, std::vector<Error>> read(std::string_view text) {
    const auto value = parse_json(text);
    if (!value) return std::unexpected(std::vector{value.error()});
    return job_from_json(*value);
}

std::vector<std::string> problems_of(std::string_view text) {
    std::vector<std::string> lines;
    const auto document = read(text);
    if (document) return {"none"};
    for (const Error& problem : document.error())
        lines.push_back(problem.field + ": " + problem.message);
    return lines;
}

std::string write(const JobSpec& spec) {
    return write_json(to_json({spec, {}, "", {}}));
}

TEST(JobJson, WritesEveryKeyOfDkronInItsOrderEvenWhenEmpty) {
    JobSpec spec;
    spec.name = "job1";
    EXPECT_EQ(write(spec),
              R"({"id":"job1","name":"job1","displayname":"","timezone":"","schedule":"",)"
              R"("owner":"","owner_email":"","success_count":0,"error_count":0,)"
              R"("last_success":null,"last_error":null,"disabled":false,"tags":null,)"
              R"("metadata":null,"retries":0,"dependent_jobs":null,"parent_job":"",)"
              R"("processors":{},"concurrency":"allow","executor":"","executor_config":null,)"
              R"("status":"","next":"0001-01-01T00:00:00Z","ephemeral":false,)"
              R"("starts_at":null,"expires_at":null})");
}

TEST(JobJson, WritesWhatAJobHas) {
    JobSpec spec;
    spec.name = "job1";
    spec.timezone = "Europe/Berlin";
    spec.schedule = "@every 10s";
    spec.tags = {{"server", "true:1"}};
    spec.concurrency = core::Concurrency::forbid;
    spec.executor_config = {{"command", "date"}};
    spec.processors["log"] = {{"forward", "true"}};
    spec.starts_at = WallTime::from_seconds(1767225600);
    core::JobStats stats;
    stats.success_count = 2;
    stats.last_success = WallTime{1784714410120000};
    const auto object = to_json({spec, stats, "success", WallTime::from_seconds(1784714420)});
    const std::string text = write_json(object);
    EXPECT_THAT(text, HasSubstr(R"("success_count":2,"error_count":0,)"
                                R"("last_success":"2026-07-22T10:00:10.12Z","last_error":null)"));
    EXPECT_THAT(text, HasSubstr(R"("tags":{"server":"true:1"})"));
    EXPECT_THAT(text,
                HasSubstr(R"("processors":{"log":{"forward":"true"}},"concurrency":"forbid")"));
    EXPECT_THAT(text, HasSubstr(R"("executor_config":{"command":"date"},"status":"success",)"
                                R"("next":"2026-07-22T10:00:20Z")"));
    EXPECT_THAT(text, HasSubstr(R"("starts_at":"2026-01-01T00:00:00Z")"));
}

// A job with every field unlike its default.
JobSpec full_spec() {
    JobSpec spec;
    spec.name = "full";
    spec.display_name = "Full";
    spec.description = "a \"quoted\" text\nof two lines";
    spec.timezone = "Europe/Paris";
    spec.schedule = "0 30 2 * * *";
    spec.owner = "me";
    spec.owner_email = "me@example.com";
    spec.disabled = true;
    spec.ephemeral = true;
    spec.tags = {{"role", "web:2"}};
    spec.metadata = {{"team", "a"}, {"\u00e9", ""}};
    spec.parent_job = "other";
    spec.executor = "shell";
    spec.executor_config = {{"command", "true"}};
    spec.processors["log"] = {};
    spec.payload = R"({"a":[1,2.5,null]})";
    spec.application = "reports";
    spec.run_as = "nobody";
    spec.calendar = "holidays";
    spec.notify_json = R"(["mail"])";
    spec.concurrency = core::Concurrency::queue;
    spec.max_concurrency = 3;
    spec.queue_limit = 11;
    spec.balance = core::Balance::workload;
    spec.on_failure = core::OnFailure::failtry;
    spec.on_lost = core::OnLost::wait;
    spec.lost_retries = 5;
    spec.misfire = core::Misfire::all;
    spec.misfire_limit = 7;
    spec.dst_gap = core::DstGap::skip;
    spec.dst_overlap = core::DstOverlap::both;
    spec.retries = 4;
    spec.retry_delay = 5s;
    spec.retry_backoff = 1.5;
    spec.retry_max_delay = 1min;
    spec.timeout = 1h;
    spec.kill_grace = 1s;
    spec.guard = 20s;
    spec.spread = 500ms;
    spec.start_deadline = 2h;
    spec.expect = 3h;
    spec.linger = true;
    spec.history_limit = 9;
    spec.starts_at = WallTime{1767225600000001};
    spec.expires_at = WallTime::from_seconds(1867225600);
    return spec;
}

TEST(JobJson, ReadsBackWhatItWrites) {
    const JobSpec spec = full_spec();
    const auto document = read(write(spec));
    ASSERT_TRUE(document) << problems_of(write(spec))[0];
    EXPECT_EQ(document->spec, spec);
    EXPECT_TRUE(document->unknown.empty());
    EXPECT_EQ(write(document->spec), write(spec));
}

TEST(JobJson, HasAKeyForEveryFieldOfASpec) {
    // Each key that is written says something: taking it away changes what is read.
    const auto written = to_json({full_spec(), {}, "", {}});
    for (const auto& [key, value] : written) {
        if (key == "id" || key == "status" || key == "next" || key == "dependent_jobs" ||
            key == "success_count" || key == "error_count" || key == "last_success" ||
            key == "last_error")
            continue;
        boost::json::object without = written;
        without.erase(key);
        const auto document = job_from_json(without);
        ASSERT_TRUE(document) << key;
        EXPECT_NE(document->spec, full_spec()) << key;
    }
}

TEST(JobJson, TakesNullForTheDefaultOfEveryKey) {
    boost::json::object nulls;
    for (const auto& [key, value] : to_json({full_spec(), {}, "", {}}))
        nulls.emplace(key, nullptr);
    const auto document = job_from_json(nulls);
    ASSERT_TRUE(document);
    EXPECT_EQ(document->spec, JobSpec{});
    EXPECT_FALSE(document->stats);
}

TEST(JobJson, ReportsEveryProblemAtOnceWithItsPath) {
    EXPECT_THAT(problems_of(R"({"name": 1, "retries": -1, "disabled": "yes", "tags": {"a": 1},
                        "executor_config": {"command": ["x"]}, "timeout": 30,
                        "guard": "5 parsecs", "misfire": "never", "dst": {"gap": "jump"},
                        "processors": {"log": {"a b": {}}}, "starts_at": "tomorrow",
                        "retry_backoff": "2", "concurrency": true, "lost_retries": 1.5})"),
                ElementsAre("name: must be a string, not a number",
                            "retries: must be a whole number from 0 to 4294967295",
                            "disabled: must be true or false, not a string",
                            "tags.a: must be a string, not a number",
                            "executor_config.command: must be a string, not a list",
                            "timeout: must be a duration in quotes such as \"30s\", not a number",
                            HasSubstr("guard: '5 parsecs' is not a duration"),
                            "misfire: 'never' is not one of once, skip, all",
                            "dst.gap: 'jump' is not one of run, skip",
                            "processors.log[\"a b\"]: must be a string, not an object",
                            HasSubstr("starts_at: 'tomorrow' is not an RFC 3339 time"),
                            "retry_backoff: must be a number, not a string",
                            "concurrency: must be \"allow\" or \"forbid\", not a boolean",
                            "lost_retries: must be a whole number from 0 to 4294967295"));
    EXPECT_THAT(problems_of("[]"), ElementsAre(": must be a job: a JSON object, not a list"));
}

TEST(JobJson, TurnsNumbersAndBooleansOfSettingsIntoText) {
    const auto document = read(R"({"executor_config": {"shell": true, "timeout": 30, "x": 1.5,
                                   "nothing": null}, "processors": {"log": {"forward": false}}})");
    ASSERT_TRUE(document);
    EXPECT_EQ(
        document->spec.executor_config,
        (core::StringMap{{"nothing", ""}, {"shell", "true"}, {"timeout", "30"}, {"x", "1.5"}}));
    EXPECT_EQ(document->spec.processors.at("log"), (core::StringMap{{"forward", "false"}}));
}

TEST(JobJson, CollectsUnknownKeysWithTheNearestRightOne) {
    const auto document =
        read(R"({"name": "a", "schedul": "", "retrys": 1, "comand": "", "dst": {"gab": "run"},
                 "zzz": {"deep": 1}})");
    ASSERT_TRUE(document);
    EXPECT_THAT(document->unknown,
                ElementsAre(UnknownKey{"schedul", "schedule"}, UnknownKey{"retrys", "retries"},
                            UnknownKey{"comand", ""}, UnknownKey{"dst.gab", "dst.gap"},
                            UnknownKey{"zzz", ""}));
    EXPECT_EQ(to_string(document->unknown[1]), "unknown key retrys; did you mean retries?");
    EXPECT_EQ(to_string(document->unknown[4]), "unknown key zzz");
}

TEST(JobJson, FindsKeysInAnotherCaseAsDkronDoes) {
    const auto document = read(R"({"Name": "a", "DisplayName": "b"})");
    ASSERT_TRUE(document);
    EXPECT_EQ(document->spec.name, "a");
    EXPECT_EQ(document->spec.display_name, "b");
    EXPECT_THAT(problems_of(R"({"name": "a", "Name": "b"})"),
                ElementsAre("Name: the key is given twice, also as name"));
}

TEST(JobJson, RefusesAKeyGivenTwice) {
    EXPECT_THAT(problems_of(R"({"name": "a", "name": "b"})"),
                ElementsAre("name: the key is given twice"));
    EXPECT_THAT(problems_of(R"({"executor_config": {"a": [{"b": 1, "\u0062": 2}]}})"),
                ElementsAre("executor_config.a[0].b: the key is given twice"));
}

TEST(JobJson, KeepsTheCountersThatARestoreBrings) {
    const auto document =
        read(R"({"success_count": 5, "last_error": "2026-01-01T00:00:00Z", "last_success": null})");
    ASSERT_TRUE(document && document->stats);
    EXPECT_EQ(document->stats->success_count, 5u);
    EXPECT_EQ(document->stats->error_count, 0u);
    EXPECT_EQ(document->stats->last_error, WallTime::from_seconds(1767225600));
    EXPECT_FALSE(document->stats->last_success.is_set());
}

TEST(JobJson, TakesTheTimesOfADateFieldAsUtc) {
    const auto document = read(R"({"starts_at": "2026-01-31T08:30"})");
    ASSERT_TRUE(document);
    EXPECT_EQ(to_rfc3339(document->spec.starts_at), "2026-01-31T08:30:00Z");
}

TEST(JobJson, TakesAnEmptyConcurrencyForAllowAndMarksAnUnknownOne) {
    EXPECT_EQ(read(R"({"concurrency": ""})")->spec.concurrency, core::Concurrency::allow);
    EXPECT_EQ(read(R"({"concurrency": "maybe"})")->spec.concurrency, core::Concurrency::unknown);
}

TEST(JsonText, SaysWhereTheTextIsWrong) {
    EXPECT_THAT(parse_json("{\"a\": 1,\n \"b\": }").error().message,
                HasSubstr("not valid JSON at line 2, column"));
    EXPECT_THAT(parse_json("{} {}").error().message, HasSubstr("not valid JSON at line 1"));
    EXPECT_THAT(parse_json("  ").error().message, HasSubstr("the body is empty"));
    EXPECT_THAT(parse_json("{\"a\": \"\xff\"}").error().message, HasSubstr("not valid JSON"));
    EXPECT_THAT(parse_json("{\"a\": 1").error().message, HasSubstr("not valid JSON"));
}

TEST(JsonText, RefusesWhatIsNestedTooDeep) {
    const auto nested = [](int depth) {
        return std::string(static_cast<std::size_t>(depth), '[') +
               std::string(static_cast<std::size_t>(depth), ']');
    };
    EXPECT_TRUE(parse_json(nested(32)));
    EXPECT_THAT(parse_json(nested(33)).error().message, HasSubstr("more than 32 levels"));
    EXPECT_THAT(parse_json(nested(100000)).error().message, HasSubstr("more than 32 levels"));
}

TEST(JsonText, WritesForPeopleWithFourSpaces) {
    const auto value = parse_json(R"({"a":[],"b":{},"c":[1,{"d":"x\ny"}]})");
    EXPECT_EQ(write_json(*value, true),
              "{\n    \"a\": [],\n    \"b\": {},\n    \"c\": [\n        1,\n        {\n"
              "            \"d\": \"x\\ny\"\n        }\n    ]\n}");
    EXPECT_EQ(write_json(*value), R"({"a":[],"b":{},"c":[1,{"d":"x\ny"}]})");
}

TEST(JsonText, WritesEveryStringSoThatItReadsBack) {
    std::string text;
    for (int c = 0; c < 128; ++c)
        text += static_cast<char>(c);
    text += "\u00e9\u20ac\U0001f600";
    const auto back = parse_json(write_json(boost::json::string(text)));
    ASSERT_TRUE(back);
    EXPECT_EQ(std::string(back->as_string()), text);
}

TEST(JsonText, ReplacesBytesThatAreNoUtf8) {
    EXPECT_EQ(valid_utf8("a\xff\xc3\xa9\xe2\x82"), "a\ufffd\u00e9\ufffd\ufffd");
    EXPECT_EQ(valid_utf8("\xed\xa0\x80\xc0\xaf"), "\ufffd\ufffd\ufffd\ufffd\ufffd");
    EXPECT_EQ(valid_utf8("\U0001f600"), "\U0001f600");
}

}  // namespace
}  // namespace khronos::api

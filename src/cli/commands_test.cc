#include "cli/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "cli/fake_agent_test.h"
#include "cli/job_documents.h"

namespace khronos::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kJobs =
    R"([{"name":"backup","schedule":"0 30 2 * * *","disabled":false,"status":"success",
         "next":"2026-01-02T02:30:00Z","success_count":3,"error_count":0,"timezone":"UTC",
         "executor":"shell","last_success":"2026-01-01T02:30:00Z","last_error":null},
        {"name":"b\u001b[31m","schedule":"@manually","disabled":true,"status":"",
         "next":"0001-01-01T00:00:00Z"}])";

TEST(JobCommands, ListIsATableWithoutControlCharacters) {
    Bench run;
    run.agent.on("GET /v1/jobs?_sort=name&_order=ASC", 200, kJobs);
    EXPECT_EQ(job_list(run.options, {}, run.session), kDone);
    EXPECT_EQ(run.out.str(),
              "NAME    SCHEDULE      PAUSED  STATUS   NEXT\n"
              "backup  0 30 2 * * *  no      success  2026-01-02T02:30:00Z\n"
              "b?[31m  @manually     yes     -        -\n");
}

TEST(JobCommands, ListPassesItsFiltersOn) {
    Bench run;
    JobListArgs args;
    args.contains = "a b";
    args.status = "failed";
    args.labels = {"team=x&y"};
    args.sort = "next";
    args.descending = true;
    args.limit = 5;
    run.agent.on(
        "GET /v1/jobs?_sort=next&_order=DESC&q=a%20b&status=failed&metadata%5Bteam%5D=x%26y"
        "&_start=0&_end=5",
        200, "[]", {{"x-total-count", "7"}});
    EXPECT_EQ(job_list(run.options, args, run.session), kDone);
    EXPECT_THAT(run.err.str(), HasSubstr("0 of 7 jobs"));
    args.labels = {"team"};
    EXPECT_EQ(job_list(run.options, args, run.session), kUsage);
}

TEST(JobCommands, EveryFormatSaysTheSame) {
    const auto print = [](Format format) {
        Bench run;
        run.options.format = format;
        run.agent.on("GET /v1/jobs?_sort=name&_order=ASC", 200, R"([{"name":"a","tags":{"k":"v:1"},
            "list":[],"n":1.5,"odd":"Yes","deep":[{"x":1},[2]]}])");
        EXPECT_EQ(job_list(run.options, {}, run.session), kDone);
        return run.out.str();
    };
    EXPECT_EQ(print(Format::name), "a\n");
    EXPECT_EQ(print(Format::json),
              "[\n  {\n    \"name\": \"a\",\n    \"tags\": {\n      \"k\": \"v:1\"\n    },\n"
              "    \"list\": [],\n    \"n\": 1.5,\n    \"odd\": \"Yes\",\n    \"deep\": [\n"
              "      {\n        \"x\": 1\n      },\n      [\n        2\n      ]\n    ]\n  }\n]\n");
    EXPECT_EQ(print(Format::yaml),
              "- name: a\n  tags:\n    k: \"v:1\"\n  list: []\n  \"n\": 1.5\n  odd: \"Yes\"\n"
              "  deep:\n    - x: 1\n    - - 2\n");
    EXPECT_THAT(print(Format::wide), HasSubstr("LAST SUCCESS"));
}

TEST(JobCommands, GetShowsWhatSaysSomething) {
    Bench run;
    run.agent.on("GET /v1/jobs/a%20b", 200,
                 R"({"id":"a b","name":"a b","owner":"","tags":null,"executor_config":
                    {"queue.name":"q"},"next":"0001-01-01T00:00:00Z"})");
    EXPECT_EQ(job_get(run.options, "a b", run.session), kDone);
    EXPECT_THAT(run.out.str(), AllOf(HasSubstr("name:"), HasSubstr("queue.name:      q"),
                                     Not(HasSubstr("owner")), Not(HasSubstr("id:"))));
    EXPECT_EQ(job_get(run.options, "none", run.session), kFailed);
    EXPECT_THAT(run.err.str(), HasSubstr("error: job none: "));
}

TEST(JobCommands, DeleteAsksFirst) {
    Bench run;
    run.agent.on("DELETE /v1/jobs/a", 200, "{}");
    EXPECT_EQ(job_delete(run.options, {"a"}, run.session), kFailed);
    EXPECT_THAT(run.err.str(), HasSubstr("say --yes"));
    run.options.interactive = true;
    run.in.str("n\n");
    EXPECT_EQ(job_delete(run.options, {"a"}, run.session), kFailed);
    EXPECT_THAT(run.agent.asked, IsEmpty());
    run.in.clear();
    run.in.str("y\n");
    EXPECT_EQ(job_delete(run.options, {"a"}, run.session), kDone);
    run.options.yes = true;
    EXPECT_EQ(job_delete(run.options, {"a", "none"}, run.session), kFailed);
    EXPECT_THAT(run.agent.lines(),
                ElementsAre("DELETE /v1/jobs/a", "DELETE /v1/jobs/a", "DELETE /v1/jobs/none"));
}

TEST(JobCommands, PauseAndResumeSetAndDoNotFlip) {
    Bench run;
    run.agent.on("POST /v1/jobs/a/toggle?disabled=true", 200, R"({"next":"0001-01-01T00:00:00Z"})");
    run.agent.on("POST /v1/jobs/a/toggle?disabled=false", 200,
                 R"({"next":"2026-01-01T00:00:00Z"})");
    EXPECT_EQ(job_pause(run.options, {"a"}, true, run.session), kDone);
    EXPECT_EQ(job_pause(run.options, {"a"}, false, run.session), kDone);
    EXPECT_EQ(run.out.str(), "job a paused\njob a resumed, runs next at 2026-01-01T00:00:00Z\n");
}

TEST(JobCommands, NextPrintsOneTimeALine) {
    Bench run;
    run.agent.on("GET /v1/jobs/a/next?n=2&from=2026-01-01T00%3A00%3A00Z", 200,
                 R"({"disabled":true,"times":["2026-01-01T01:00:00Z","2026-01-01T02:00:00Z"]})");
    EXPECT_EQ(job_next(run.options, {"a", 2, "2026-01-01T00:00:00Z"}, run.session), kDone);
    EXPECT_EQ(run.out.str(), "2026-01-01T01:00:00Z\n2026-01-01T02:00:00Z\n");
    EXPECT_THAT(run.err.str(), HasSubstr("the job is paused"));
}

// ---- apply

TEST(JobApply, ChecksEverythingBeforeItSavesAnything) {
    Bench run;
    run.files["d"] = {{"d/a.json", R"({"name":"a"})"},
                      {"d/b.json", R"([{"name":"b","schedul":""}])"}};
    run.agent.on("PUT /v1/jobs/a?dry_run", 200, "{}");
    run.agent.on(
        "PUT /v1/jobs/b?dry_run", 400,
        R"({"detail":"no","errors":[{"field":"schedul","message":"unknown key; did you mean schedule?"}]})");
    EXPECT_EQ(job_apply(run.options, {.files = {"d"}}, run.session), kFailed);
    EXPECT_EQ(run.err.str(), "error: d/b.json[0]: schedul: unknown key; did you mean schedule?\n");
    EXPECT_THAT(run.agent.lines(),
                ElementsAre("PUT /v1/jobs/a?dry_run", "GET /v1/jobs/a", "PUT /v1/jobs/b?dry_run"));
    EXPECT_THAT(run.agent.asked[0].headers, testing::Contains(std::pair<std::string, std::string>(
                                                "Prefer", "handling=strict")));
}

TEST(JobApply, SaysWhatItDidWithEach) {
    Bench run;
    run.in.str(R"([{"name":"new"},{"name":"same","owner":"x"},{"name":"other","owner":"x"}])");
    const char* same = R"({"name":"same","owner":"x","next":"0001-01-01T00:00:00Z","status":"",
                           "success_count":0,"error_count":0,"last_success":null,"last_error":null})";
    for (const char* name : {"new", "same", "other"}) {
        run.agent.on(std::string("PUT /v1/jobs/") + name + "?dry_run", 200, same);
        run.agent.on(std::string("PUT /v1/jobs/") + name, 201, "{}",
                     {{"Warning", "299 khronos \"mind that\""}});
    }
    run.agent.on("GET /v1/jobs/same", 200,
                 R"({"name":"same","owner":"x","next":"2026-01-01T00:00:00Z","status":"success",
                     "success_count":9,"error_count":1,"last_success":"x","last_error":"y"})");
    run.agent.on("GET /v1/jobs/other", 200, R"({"name":"same","owner":"y"})");
    EXPECT_EQ(job_apply(run.options, {.files = {"-"}}, run.session), kDone) << run.err.str();
    EXPECT_EQ(run.out.str(), "job new created\njob same unchanged\njob other configured\n");
    EXPECT_EQ(run.err.str(), "note: mind that\nnote: mind that\n");
    EXPECT_THAT(run.agent.lines(), Not(testing::Contains("PUT /v1/jobs/same")));
}

TEST(JobApply, RefusesWhatItCannotRead) {
    Bench run;
    EXPECT_EQ(job_apply(run.options, {}, run.session), kUsage);
    EXPECT_EQ(job_apply(run.options, {.files = {"missing"}}, run.session), kFailed);
    EXPECT_THAT(run.err.str(), HasSubstr("missing: No such file"));
    run.files["a"] = {{"a.yaml", "name: a"}};
    EXPECT_EQ(job_apply(run.options, {.files = {"a"}}, run.session), kFailed);
    EXPECT_THAT(run.err.str(), HasSubstr("a.yaml: line 1: not understood"));
    run.files["twice"] = {{"t.json", R"([{"name":"a"},{"name":"a"}])"}};
    run.agent.on("PUT /v1/jobs/a?dry_run", 200, "{}");
    EXPECT_EQ(job_apply(run.options, {.files = {"twice"}}, run.session), kFailed);
    EXPECT_THAT(run.err.str(), HasSubstr("t.json[1]: job a is in t.json[0] already"));
    run.files["empty"] = {{"e.json", "[]"}};
    EXPECT_EQ(job_apply(run.options, {.files = {"empty"}}, run.session), kFailed);
    EXPECT_THAT(run.err.str(), HasSubstr("there is no job in what was given"));
}

TEST(JobApply, TakesEveryFormatAndShapeOfADocument) {
    const auto names = [](const std::string& file, const std::string& text) {
        Bench run;
        const auto one = boost::json::parse(R"({"name":"one"})");
        const auto list = boost::json::parse(R"({"jobs":[{"name":"two"},{"name":"three"}]})");
        run.parsed[{SourceFormat::yaml, text}] = {one, list};
        run.parsed[{SourceFormat::toml, text}] = {list};
        run.files["f"] = {{file, text}};
        run.in.str(text);
        for (const char* name : {"one", "two", "three"}) {
            run.agent.on(std::string("PUT /v1/jobs/") + name + "?dry_run", 200, "{}");
            run.agent.on(std::string("PUT /v1/jobs/") + name, 201, "{}");
        }
        EXPECT_EQ(job_apply(run.options, {.files = {file.empty() ? "-" : "f"}}, run.session), kDone)
            << run.err.str();
        return run.out.str();
    };
    const std::string yaml = "job one created\njob two created\njob three created\n";
    const std::string toml = "job two created\njob three created\n";
    EXPECT_EQ(names("a.yaml", "x"), yaml);
    EXPECT_EQ(names("a.yml", "x"), yaml);
    EXPECT_EQ(names("a.toml", "x"), toml);
    EXPECT_EQ(names("a.json", R"({"job":[{"name":"two"}]})"), "job two created\n");
    // Standard input has no name that says what it is.
    EXPECT_EQ(names("", "name: one\ncommand: a=b"), yaml);
    EXPECT_EQ(names("", "# a\nname: one"), yaml);
    EXPECT_EQ(names("", "name = 'a: b'\n"), toml);
    EXPECT_EQ(names("", "[[jobs]]\nname = \"two\"\n"), toml);
    EXPECT_EQ(names("", R"( [{"name":"one"}])"), "job one created\n");
}

TEST(JobApply, AChildMayComeWithItsParent) {
    Bench run;
    run.in.str(
        R"([{"name":"grandchild","parent_job":"child"},{"name":"child","parent_job":"mother"},
                   {"name":"mother"},{"name":"orphan","parent_job":"elsewhere"}])");
    for (const char* name : {"grandchild", "child", "mother", "orphan"}) {
        run.agent.on(std::string("PUT /v1/jobs/") + name + "?dry_run", 200, R"({"parent_job":""})");
        run.agent.on(std::string("PUT /v1/jobs/") + name, 201, "{}");
    }
    run.agent.on("GET /v1/jobs/child", 200, R"({"parent_job":"mother"})");
    EXPECT_EQ(job_apply(run.options, {.files = {"-"}}, run.session), kDone) << run.err.str();
    EXPECT_EQ(run.out.str(),
              "job mother created\njob child unchanged\njob grandchild created\n"
              "job orphan created\n");
    const auto body = [&](const std::string& line) {
        for (const HttpAsk& ask : run.agent.asked)
            if (ask.method + ' ' + ask.target == line) return ask.body;
        return std::string("nothing");
    };
    EXPECT_EQ(body("PUT /v1/jobs/grandchild?dry_run"), R"({"name":"grandchild"})");
    EXPECT_THAT(body("PUT /v1/jobs/grandchild"), HasSubstr("parent_job"));
    EXPECT_THAT(body("PUT /v1/jobs/orphan?dry_run"), HasSubstr("parent_job"));
}

TEST(JobDocuments, ACircleOfParentsHasAnEnd) {
    const std::vector<JobDocument> circle{
        {"", "a", "", "b"}, {"", "b", "", "a"}, {"", "c", "", "c"}};
    EXPECT_EQ(parents_first(circle).size(), 3u);
}

// ---- run and logs

void decide(Bench& run, const std::string& end) {
    run.agent.on("POST /v1/jobs/a/run", 200, "{}", {{"Khronos-Execution", "e1"}});
    run.agent.on("GET /v1/executions/e1", 404, "");
    run.agent.on("GET /v1/executions/e1", 200, R"({"id":"e1","status":"running"})");
    run.agent.on("GET /v1/executions/e1", 200, end);
    const auto output = [&](int status, std::string body, const char* complete) {
        run.agent.on("GET /v1/executions/e1/output", status, std::move(body),
                     {{"Khronos-Output-Complete", complete}});
    };
    output(200, "one\n", "false");
    output(206, "two\n", "true");
    output(416, "", "true");
}

TEST(JobRun, PrintsTheExecutionAndGoes) {
    Bench run;
    decide(run, "{}");
    EXPECT_EQ(job_run(run.options, {.name = "a"}, run.session), kDone);
    EXPECT_EQ(run.out.str(), "e1\n");
}

TEST(JobRun, WaitPrintsTheOutputAndPassesTheStatusOn) {
    struct Case {
        const char* end;
        int code;
    };
    const Case cases[] = {
        {R"({"status":"succeeded","exit_code":0})", 0},
        {R"({"status":"failed","exit_code":7})", 7},
        {R"({"status":"failed","exit_code":0,"signal":11})", 139},
        {R"({"status":"failed","exit_code":0,"signal":0})", 1},
        {R"({"status":"timed_out","exit_code":0,"signal":9})", 124},
        {R"({"status":"skipped","reason":"concurrency"})", 1},
        {R"({"status":"cancelled","exit_code":0,"signal":15})", 1},
    };
    for (const Case& c : cases) {
        Bench run;
        decide(run, c.end);
        EXPECT_EQ(job_run(run.options, {.name = "a", .wait = true}, run.session), c.code) << c.end;
        EXPECT_EQ(run.out.str(), "one\ntwo\n");
    }
}

TEST(JobRun, AWaitEndsWhenItsTimeIsUp) {
    Bench run;
    decide(run, R"({"status":"running"})");
    EXPECT_EQ(job_run(run.options, {.name = "a", .wait = true, .timeout = 10s}, run.session),
              kTimedOut);
    EXPECT_EQ(run.clock, MonoTime{0} + 10s);
    EXPECT_THAT(run.err.str(), HasSubstr("execution e1 is not over after 10s"));
}

TEST(JobRun, AWaitOutlivesTheRestartOfItsAgent) {
    Bench run;
    decide(run, R"({"status":"failed","exit_code":7})");
    run.agent.silent_after = 2;
    run.agent.silences = 10;
    EXPECT_EQ(job_run(run.options, {.name = "a", .wait = true}, run.session), 7);
    EXPECT_EQ(run.out.str(), "one\ntwo\n");
    EXPECT_THAT(run.err.str(), HasSubstr("Connection refused; trying again"));
    Bench gone;
    decide(gone, R"({"status":"succeeded"})");
    gone.agent.silent_after = 2;
    gone.agent.silences = 1000;
    EXPECT_EQ(job_run(gone.options, {.name = "a", .wait = true}, gone.session), kFailed);
    EXPECT_THAT(gone.err.str(), HasSubstr("error: no answer from"));
}

TEST(JobRun, SendsPayloadAndKey) {
    Bench run;
    decide(run, "{}");
    EXPECT_EQ(job_run(run.options, {.name = "a", .payload = R"({"n":1})", .idempotency_key = "k"},
                      run.session),
              kDone);
    EXPECT_EQ(run.agent.asked[0].body, R"({"payload":{"n":1}})");
    EXPECT_THAT(run.agent.asked[0].headers,
                testing::Contains(std::pair<std::string, std::string>("Idempotency-Key", "k")));
    EXPECT_EQ(job_run(run.options, {.name = "a", .payload = "{"}, run.session), kUsage);
}

TEST(ExecutionCommands, LogsFollowUntilTheEnd) {
    Bench run;
    decide(run, R"({"status":"failed","exit_code":3})");
    EXPECT_EQ(execution_logs(run.options, {.id = "e1", .follow = true}, run.session), 3);
    EXPECT_EQ(run.out.str(), "one\ntwo\n");
    Bench missing;
    EXPECT_EQ(execution_logs(missing.options, {.id = "x"}, missing.session), kFailed);
}

TEST(ExecutionCommands, ListShowsHowLongAndWhy) {
    Bench run;
    run.agent.on("GET /v1/executions?limit=20&job=a&status=failed&since=2026-01-01T00%3A00%3A00Z",
                 200, R"({"executions":[{"id":"e1","job":"a","status":"failed",
                   "scheduled_at":"2026-01-01T00:00:00Z","started_at":"2026-01-01T00:00:00.5Z",
                   "finished_at":"2026-01-01T00:00:02Z","node":"n1","message":"exit status 3"}],
                   "next_cursor":"e1"})");
    EXPECT_EQ(execution_list(run.options, {"a", "failed", "2026-01-01T00:00:00Z", 20}, run.session),
              kDone);
    EXPECT_EQ(run.out.str(),
              "SCHEDULED             JOB  STATUS    TOOK  NODE  WHY            ID\n"
              "2026-01-01T00:00:00Z  a    failed  1.500s  n1    exit status 3  e1\n");
    EXPECT_THAT(run.err.str(), HasSubstr("there are more"));
}

TEST(ExecutionCommands, CancelGoesOnAfterAFailure) {
    Bench run;
    run.agent.on("POST /v1/executions/b/cancel", 202, "{}");
    EXPECT_EQ(execution_cancel(run.options, {"a", "b"}, run.session), kFailed);
    EXPECT_EQ(run.out.str(), "execution b is being cancelled\n");
}

// ---- the rest

TEST(Why, TakesAJobAndATime) {
    Bench run;
    run.agent.on("GET /v1/jobs/a/why?at=2026-01-01T00%3A00%3A00Z", 200,
                 R"({"job":"a","at":"2026-01-01T00:00:00Z","decision":"skipped",
                     "sentence":"It was skipped: it slept","execution":{"id":"e1"}})");
    EXPECT_EQ(why(run.options, "a@2026-01-01T01:00:00+01:00", run.session), kDone);
    EXPECT_EQ(run.out.str(), "a@2026-01-01T00:00:00Z\nIt was skipped: it slept\nexecution e1\n");
    EXPECT_EQ(why(run.options, "a@noon", run.session), kUsage);
    EXPECT_EQ(why(run.options, "@2026-01-01T00:00:00Z", run.session), kUsage);
}

TEST(Status, FailsWhereTheAgentIsNotReady) {
    Bench run;
    run.agent.on("GET /version", 200, R"({"node":"n1","version":"0.1.0"})");
    run.agent.on("GET /readyz", 503, R"({"ready":false,"issues":["the disk is full"]})");
    run.agent.on("GET /v1/jobs?_start=0&_end=0", 200, "[]", {{"X-Total-Count", "3"}});
    run.agent.on("GET /v1/busy", 200, "[]", {{"X-Total-Count", "1"}});
    run.agent.on("GET /v1/members", 200, "[]");
    EXPECT_EQ(status(run.options, run.session), kFailed);
    EXPECT_THAT(run.out.str(), AllOf(HasSubstr("not ready"), HasSubstr("issue: the disk is full")));
}

TEST(Version, AsksTheAgentOnlyWhenItIsNamed) {
    Bench run;
    EXPECT_EQ(version(run.options, "1.2.3", false, run.session), kDone);
    EXPECT_EQ(run.out.str(), "khronos 1.2.3\n");
    EXPECT_THAT(run.agent.asked, IsEmpty());
}

TEST(Talk, TellsWhyThereIsNoAnswer) {
    Bench run;
    run.agent.dead = true;
    EXPECT_EQ(job_list(run.options, {}, run.session), kFailed);
    EXPECT_EQ(run.err.str(),
              "error: no answer from http://127.0.0.1:10001: Connection refused\n"
              "note: start an agent with `khronos agent -e local`, or name one with --server or "
              "KHRONOS_SERVER\n");
}

TEST(Talk, ShowsPlainTextErrorsAndStrangersToo) {
    Bench run;
    run.agent.on("GET /v1/jobs?_sort=name&_order=ASC", 500, "boom");
    EXPECT_EQ(job_list(run.options, {}, run.session), kFailed);
    EXPECT_EQ(run.err.str(), "error: boom (HTTP 500)\n");
    Bench html;
    html.agent.on("GET /v1/jobs/a", 200, "<html>");
    EXPECT_EQ(job_get(html.options, "a", html.session), kFailed);
    EXPECT_THAT(html.err.str(), HasSubstr("is it a Khronos agent?"));
}

}  // namespace
}  // namespace khronos::cli

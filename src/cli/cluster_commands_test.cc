#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "cli/commands.h"
#include "cli/fake_agent_test.h"

namespace khronos::cli {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kWorkers =
    R"([{"id":"w1","node":"n1","state":"ready","applications":["default","gpu"],"tags":{"zone":"a"},
         "slots":8,"used":2,"version":"1","last_heartbeat":null,"agents":["n1"]},
        {"id":"w2","node":"n2","state":"draining","applications":["default"],"tags":{},
         "slots":4,"used":0,"version":"1","last_heartbeat":null,"agents":[]},
        {"id":"w3","node":"n2","state":"ready","applications":["default"],"tags":{},
         "slots":4,"used":0,"version":"1","last_heartbeat":null,"agents":[]}])";

TEST(WorkerList, IsATable) {
    Bench run;
    run.agent.on("GET /v1/workers", 200, kWorkers);
    EXPECT_EQ(worker_list(run.options, run.session), kDone);
    EXPECT_EQ(run.out.str(),
              "NODE  STATE     USED  SLOTS  APPLICATIONS  ID\n"
              "n1    ready        2      8  default,gpu   w1\n"
              "n2    draining     0      4  default       w2\n"
              "n2    ready        0      4  default       w3\n");
    run.options.format = Format::name;
    run.out.str("");
    EXPECT_EQ(worker_list(run.options, run.session), kDone);
    EXPECT_EQ(run.out.str(), "w1\nw2\nw3\n");
}

TEST(Drain, TakesIdsAndNodes) {
    Bench run;
    run.agent.on("GET /v1/workers", 200, kWorkers);
    for (const char* id : {"w1", "w2", "w3"})
        run.agent.on(std::string("POST /v1/workers/") + id + "/drain", 202, "{}");
    EXPECT_EQ(drain(run.options, {.workers = {"w1", "n2"}}, run.session), kDone);
    EXPECT_EQ(run.out.str(),
              "worker w1 takes no new runs\nworker w2 takes no new runs\n"
              "worker w3 takes no new runs\n");
    EXPECT_EQ(drain(run.options, {.workers = {"nobody"}}, run.session), kFailed);
    EXPECT_THAT(run.err.str(), HasSubstr("there is no worker nobody"));
    EXPECT_EQ(drain(run.options, {}, run.session), kUsage);
    run.agent.on("POST /v1/workers/w1/drain?undo=true", 202, "{}");
    EXPECT_EQ(drain(run.options, {.workers = {"w1"}, .undo = true}, run.session), kDone);
}

TEST(Drain, WaitsUntilNothingIsLeftToDo) {
    Bench run;
    run.agent.on("GET /v1/workers", 200, kWorkers);
    run.agent.on("GET /v1/workers", 200, kWorkers);
    run.agent.on("GET /v1/workers", 200, R"([{"id":"w1","used":0}])");
    run.agent.on("POST /v1/workers/w1/drain", 202, "{}");
    EXPECT_EQ(drain(run.options, {.workers = {"w1"}, .wait = true}, run.session), kDone);
    EXPECT_EQ(run.clock, MonoTime{0} + 1s);
    Bench busy;
    busy.agent.on("GET /v1/workers", 200, kWorkers);
    busy.agent.on("POST /v1/workers/w1/drain", 202, "{}");
    EXPECT_EQ(drain(busy.options, {.workers = {"w1"}, .wait = true, .timeout = 5s}, busy.session),
              kTimedOut);
    EXPECT_THAT(busy.err.str(), HasSubstr("worker w1 still has runs after 5s"));
}

TEST(Drain, AnAgentLeavesOnlyWhenThatIsConfirmed) {
    Bench run;
    run.agent.on("POST /v1/leave", 200, "{}");
    EXPECT_EQ(drain(run.options, {.agent = true}, run.session), kFailed);
    EXPECT_THAT(run.agent.asked, IsEmpty());
    run.options.yes = true;
    EXPECT_EQ(drain(run.options, {.agent = true}, run.session), kDone);
    EXPECT_EQ(drain(run.options, {.workers = {"w"}, .agent = true}, run.session), kUsage);
}

TEST(Tokens, TheSecretAloneIsPrinted) {
    Bench run;
    run.agent.on("POST /v1/tokens", 201,
                 R"({"id":"t1","name":"ci","role":"editor","expires_at":"2026-02-01T00:00:00Z",
                     "token":"secret"})");
    EXPECT_EQ(token_create(run.options, {"ci", "editor", "", "720h"}, run.session), kDone);
    EXPECT_EQ(run.out.str(), "secret\n");
    EXPECT_THAT(run.err.str(), HasSubstr("token t1 of role editor, until 2026-02-01T00:00:00Z"));
    EXPECT_EQ(run.agent.asked[0].body, R"({"name":"ci","role":"editor","expires_in":"720h"})");
    token_create(run.options, {"ci", "editor", "me", "2026-02-01T00:00:00Z"}, run.session);
    EXPECT_EQ(run.agent.asked[1].body,
              R"({"name":"ci","role":"editor","owner":"me","expires_at":"2026-02-01T00:00:00Z"})");
}

TEST(Tokens, AreListedAndRevoked) {
    Bench run;
    run.agent.on("GET /v1/tokens", 200,
                 R"([{"id":"t1","name":"ci","role":"editor","owner":"","expires_at":null,
                      "created_at":"2026-01-01T00:00:00Z","created_by":"root"}])");
    run.agent.on("DELETE /v1/tokens/t1", 200, "{}");
    EXPECT_EQ(token_list(run.options, run.session), kDone);
    EXPECT_EQ(run.out.str(),
              "ID  NAME  ROLE    EXPIRES  CREATED               BY    OWNER\n"
              "t1  ci    editor  never    2026-01-01T00:00:00Z  root\n");
    EXPECT_EQ(token_revoke(run.options, {"t1"}, run.session), kFailed);
    run.options.yes = true;
    EXPECT_EQ(token_revoke(run.options, {"t1", "t2"}, run.session), kFailed);
    EXPECT_THAT(run.agent.lines(),
                ElementsAre("GET /v1/tokens", "DELETE /v1/tokens/t1", "DELETE /v1/tokens/t2"));
}

TEST(ExecutionRetry, PrintsTheNewOneOrWaitsForIt) {
    Bench run;
    run.agent.on("POST /v1/executions/e1/retry", 202, R"({"id":"e2"})");
    EXPECT_EQ(execution_retry(run.options, {.ids = {"e1", "gone"}}, run.session), kFailed);
    EXPECT_EQ(run.out.str(), "e2\n");
    run.agent.on("GET /v1/executions/e2", 200, R"({"status":"failed","exit_code":9})");
    EXPECT_EQ(execution_retry(run.options, {.ids = {"e1"}, .wait = true}, run.session), 9);
    EXPECT_EQ(execution_retry(run.options, {.ids = {"e1", "e2"}, .wait = true}, run.session),
              kUsage);
}

void answer_as_cluster(Bench& run) {
    run.agent.on("GET /version", 200, R"({"node":"n1","version":"0.1.0","backend":"etcd"})");
    run.agent.on("GET /readyz", 200, R"({"ready":true,"issues":[]})");
    run.agent.on("GET /v1/jobs?_start=0&_end=0", 200, "[]", {{"X-Total-Count", "3"}});
    run.agent.on("GET /v1/busy", 200, "[]", {{"X-Total-Count", "1"}});
    run.agent.on("GET /v1/members", 200,
                 R"([{"Name":"n1","Addr":"10.0.0.1","Port":10001,"statusText":"alive"},
                     {"Name":"n2","Addr":"10.0.0.2","Port":10001,"statusText":"leaving"}])");
    run.agent.on("GET /v1/shards", 200,
                 R"([{"shard":0,"node":"n1"},{"shard":1,"node":"n1"},{"shard":2,"node":null}])");
    run.agent.on("GET /v1/workers", 200, kWorkers);
}

TEST(Status, ShowsTheWholeCluster) {
    Bench run;
    answer_as_cluster(run);
    EXPECT_EQ(status(run.options, run.session), kDone);
    EXPECT_THAT(run.out.str(),
                AllOf(HasSubstr("AGENT  ADDRESS         STATUS   SHARDS\n"
                                "n1     10.0.0.1:10001  alive         2\n"
                                "n2     10.0.0.2:10001  leaving       0\n"),
                      HasSubstr("issue: 1 shards have no owner\n"),
                      HasSubstr("workers: 1 draining, 2 ready; 2 of 16 slots used\n")));
    Bench document;
    answer_as_cluster(document);
    document.options.format = Format::json;
    EXPECT_EQ(status(document.options, document.session), kDone);
    const auto all = boost::json::parse(document.out.str());
    EXPECT_EQ(all.at("agents").at(0).at("shards").to_number<int>(), 2);
    EXPECT_EQ(all.at("shards_without_owner").to_number<int>(), 1);
}

// ---- backup and restore

constexpr const char* kJobs =
    R"([{"name":"child","parent_job":"mother","schedule":"","success_count":1,"error_count":0},
        {"name":"mother","schedule":"@daily","disabled":true,"success_count":5,"error_count":0},
        {"name":"once","schedule":"@oneway","success_count":1,"error_count":0}])";

std::string backed_up() {
    Bench run;
    run.agent.on("GET /version", 200, R"({"version":"0.1.0"})");
    run.agent.on("GET /v1/pause", 200, R"({"paused":true})");
    run.agent.on("GET /v1/jobs?_sort=name&_order=ASC", 200, kJobs);
    EXPECT_EQ(backup(run.options, {.version = "0.1.0"}, run.session), kDone) << run.err.str();
    return run.out.str();
}

TEST(Backup, IsOneVersionedDocument) {
    const auto document = boost::json::parse(backed_up());
    EXPECT_EQ(document.at("khronos_backup").to_number<int>(), 1);
    EXPECT_EQ(document.at("created_at").as_string(), "2026-01-01T00:00:00Z");
    EXPECT_EQ(document.at("paused").as_bool(), true);
    EXPECT_EQ(document.at("jobs"), boost::json::parse(kJobs));
}

TEST(Backup, GoesToAFileOrSaysWhyNot) {
    Bench run;
    run.agent.on("GET /version", 200, "{}");
    run.agent.on("GET /v1/pause", 200, R"({"paused":false})");
    run.agent.on("GET /v1/jobs?_sort=name&_order=ASC", 200, "[]");
    std::string written;
    BackupArgs args{.path = "f.json"};
    args.write = [&](const std::string& path,
                     const std::string& text) -> std::expected<void, std::string> {
        EXPECT_EQ(path, "f.json");
        written = text;
        return {};
    };
    EXPECT_EQ(backup(run.options, args, run.session), kDone);
    EXPECT_EQ(run.out.str(), "0 jobs in f.json\n");
    EXPECT_THAT(written, HasSubstr("\"khronos_backup\": 1"));
    args.write = [](const std::string&, const std::string&) -> std::expected<void, std::string> {
        return std::unexpected("No space left on device");
    };
    EXPECT_EQ(backup(run.options, args, run.session), kFailed);
    EXPECT_EQ(run.err.str(), "error: f.json: No space left on device\n");
}

TEST(Restore, SavesParentsFirstAndLeavesOutWhatRanOnce) {
    Bench run;
    run.in.str(backed_up());
    for (const char* name : {"child", "mother", "once"}) {
        run.agent.on(std::string("PUT /v1/jobs/") + name + "?dry_run", 200, "{}");
        run.agent.on(std::string("PUT /v1/jobs/") + name, 201, "{}");
    }
    run.agent.on("POST /v1/pause", 200, "{}");
    EXPECT_EQ(restore(run.options, {.path = "-"}, run.session), kDone) << run.err.str();
    EXPECT_EQ(run.out.str(), "job child created\njob mother created\njob once left out\n");
    std::vector<std::string> saved;
    for (const HttpAsk& ask : run.agent.asked)
        if (!ask.target.ends_with("?dry_run") && ask.method != "GET") saved.push_back(ask.target);
    EXPECT_THAT(saved, ElementsAre("/v1/jobs/mother", "/v1/jobs/child", "/v1/pause"));
    EXPECT_THAT(run.err.str(), AllOf(HasSubstr("2 created, 1 left out"), HasSubstr("--once-again"),
                                     HasSubstr("new jobs are refused")));
    const auto& child =
        *std::ranges::find(run.agent.asked, "/v1/jobs/child?dry_run", &HttpAsk::target);
    EXPECT_THAT(child.body, Not(HasSubstr("parent_job")));
}

TEST(Restore, OverwritesOnlyWhenThatIsConfirmed) {
    const auto run_it = [](bool yes) {
        Bench run;
        run.options.yes = yes;
        run.in.str(R"({"khronos_backup":1,"paused":false,"jobs":[{"name":"a","owner":"x"}]})");
        run.agent.on("PUT /v1/jobs/a?dry_run", 200, R"({"name":"a","owner":"x"})");
        run.agent.on("GET /v1/jobs/a", 200, R"({"name":"a","owner":"y"})");
        run.agent.on("PUT /v1/jobs/a", 201, "{}");
        const int code = restore(run.options, {.path = "-"}, run.session);
        const auto lines = run.agent.lines();
        EXPECT_EQ(std::ranges::find(lines, "PUT /v1/jobs/a") != lines.end(), yes);
        return code;
    };
    EXPECT_EQ(run_it(false), kFailed);
    EXPECT_EQ(run_it(true), kDone);
}

TEST(Restore, RefusesWhatIsNoBackupOfItsOwn) {
    for (const char* text : {"[]", "{}", "nonsense", R"({"khronos_backup":2,"jobs":[]})",
                             R"({"khronos_backup":1,"jobs":[{"schedule":""}]})",
                             R"({"khronos_backup":1,"jobs":[{"name":"a"},{"name":"a"}]})"}) {
        Bench run;
        run.in.str(text);
        EXPECT_EQ(restore(run.options, {.path = "-"}, run.session), kFailed) << text;
        EXPECT_THAT(run.agent.asked, IsEmpty());
    }
}

}  // namespace
}  // namespace khronos::cli

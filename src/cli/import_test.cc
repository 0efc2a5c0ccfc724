#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands.h"
#include "cli/fake_agent_test.h"

namespace khronos::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(ImportCrontab, ADryRunAsksNobodyAndPrintsWhatWouldBeSaved) {
    Bench run;
    run.options.format = Format::json;
    run.in.str("@daily root true\n@reboot root x\n");
    EXPECT_EQ(import_crontab(run.options,
                             {.files = {"-"},
                              .system = true,
                              .prefix = "p-",
                              .timezone = "Asia/Tokyo",
                              .dry_run = true},
                             run.session),
              kDone)
        << run.err.str();
    EXPECT_THAT(run.agent.asked, IsEmpty());
    EXPECT_THAT(run.out.str(), AllOf(HasSubstr("\"schedule\": \"@daily\""),
                                     HasSubstr("\"timezone\": \"Asia/Tokyo\"")));
    EXPECT_THAT(run.err.str(), AllOf(HasSubstr("not kept: standard input:2: @reboot"),
                                     HasSubstr("1 job: 1 would be imported; 1 not kept")));
}

TEST(ImportCrontab, SavesTheGoodLinesAndFailsForTheOthers) {
    Bench run;
    run.files["c"] = {{"c", "@daily a-program\n@daily b-program\n99 * * * * c\n"}};
    EXPECT_EQ(import_crontab(run.options, {.files = {"c"}, .dry_run = true}, run.session), kFailed);
    const std::string out = run.out.str();
    const std::string a = out.substr(out.find("a-program-"), 14);
    const std::string b = out.substr(out.find("b-program-"), 14);
    for (const std::string& name : {a, b}) {
        run.agent.on("PUT /v1/jobs/" + name + "?dry_run", 200, R"({"name":")" + name + "\"}");
        run.agent.on("PUT /v1/jobs/" + name, 201, "{}");
    }
    run.agent.on("GET /v1/jobs/" + b, 200, R"({"name":")" + b + R"(","success_count":4})");
    run.out.str("");
    EXPECT_EQ(import_crontab(run.options, {.files = {"c"}}, run.session), kFailed);
    EXPECT_THAT(run.out.str(), AllOf(HasSubstr("   1  " + a + "  created"),
                                     HasSubstr("   2  " + b + "  unchanged")));
    EXPECT_THAT(run.err.str(), HasSubstr("error: c:3: the minute '99' is not from 0 to 59"));
    EXPECT_THAT(run.agent.lines(), Not(testing::Contains("PUT /v1/jobs/" + b)));
}

TEST(ImportCrontab, TheSameLineInTwoFilesIsToldAndNotLost) {
    Bench run;
    run.files["a"] = {{"a", "@daily run\n"}};
    run.files["b"] = {{"b", "@hourly run\n"}};
    run.options.format = Format::name;
    EXPECT_EQ(import_crontab(run.options, {.files = {"a", "b"}, .dry_run = true}, run.session),
              kDone);
    EXPECT_THAT(run.err.str(), HasSubstr("not kept: b:1: the same command as at a:1"));
    EXPECT_EQ(import_crontab(run.options, {.files = {"nowhere"}}, run.session), kFailed);
    EXPECT_EQ(import_crontab(run.options, {.files = {"a"}, .timezone = "Mars"}, run.session),
              kUsage);
}

TEST(ImportCrontab, AFolderOfCrontabsHasTheirUsersInTheirNames) {
    Bench run;
    const std::string folder = "/var/spool/cron/crontabs";
    run.files[folder] = {{folder + "/ann", "@daily root x\n"},
                         {folder + "/bob", "@daily root x\n"}};
    run.options.format = Format::json;
    EXPECT_EQ(import_crontab(run.options, {.files = {folder}, .dry_run = true}, run.session), kDone)
        << run.err.str();
    EXPECT_THAT(run.out.str(),
                AllOf(HasSubstr("\"run_as\": \"ann\""), HasSubstr("\"run_as\": \"bob\""),
                      HasSubstr("\"command\": \"root x\"")));
}

TEST(ImportDkron, SavesParentsFirstAndTellsWhatIsDifferent) {
    Bench run;
    run.files["d"] = {{"d.json",
                       R"([{"name":"child","parent_job":"mother","executor":"shell","tags":null},
                           {"name":"mother","schedule":"@every 5s","executor":"nats","tags":{}}])"}};
    run.agent.on("POST /v1/jobs", 201, "{}", {{"Warning", "299 khronos \"mind that\""}});
    EXPECT_EQ(import_dkron(run.options, {.files = {"d"}}, run.session), kDone) << run.err.str();
    ASSERT_EQ(run.agent.asked.size(), 2u);
    EXPECT_THAT(run.agent.asked[0].body, HasSubstr("\"name\":\"mother\""));
    EXPECT_EQ(run.out.str(),
              "JOB     RESULT    SCHEDULE\n"
              "mother  imported  @every 5s\n"
              "child   imported\n");
    EXPECT_EQ(run.err.str(),
              "note: job mother: mind that\n"
              "note: job mother: it has no tags: Dkron runs it on every node, Khronos on one "
              "worker\n"
              "note: job mother: there is no executor nats: each run will fail\n"
              "note: job child: mind that\n"
              "note: 2 imported\n");
}

TEST(ImportDkron, GoesOnAfterAJobThatIsRefused) {
    Bench run;
    run.in.str(R"([{"name":"a","executor":"shell","tags":{"x":"y"}},
                   {"name":"b","executor":"shell","tags":{"x":"y"}}])");
    run.agent.on("POST /v1/jobs", 400, "Job validation failed: no");
    run.agent.on("POST /v1/jobs", 201, "{}");
    EXPECT_EQ(import_dkron(run.options, {.files = {"-"}}, run.session), kFailed);
    EXPECT_EQ(run.err.str(),
              "error: job a: Job validation failed: no (HTTP 400)\nnote: 1 failed, 1 imported\n");
    for (const char* text :
         {"{}", "[1]", "[{\"name\":\"\"}]", "nonsense", R"([{"name":"a"},{"name":"a"}])"}) {
        Bench wrong;
        wrong.in.str(text);
        EXPECT_EQ(import_dkron(wrong.options, {.files = {"-"}}, wrong.session), kFailed) << text;
        EXPECT_THAT(wrong.agent.asked, IsEmpty());
    }
}

TEST(Import, ShowsABarOnlyOnATerminalAndOnlyForLongWork) {
    std::string lines;
    for (int i = 0; i < 50; ++i)
        lines += "@daily run" + std::to_string(i) + "\n";
    const auto err = [&](bool terminal, const std::string& text) {
        Bench run;
        run.options.progress = terminal;
        run.in.str(text);
        EXPECT_EQ(import_crontab(run.options, {.files = {"-"}}, run.session), kFailed);
        return run.err.str();
    };
    EXPECT_THAT(err(true, lines), HasSubstr("\r[####"));
    EXPECT_THAT(err(true, "@daily one\n"), Not(HasSubstr("\r[")));
    EXPECT_THAT(err(false, lines), Not(HasSubstr("\r")));
}

}  // namespace
}  // namespace khronos::cli

#include "cli/crontab_jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/utf8.h"
#include "cli/crontab_names.h"
#include "cli/document.h"
#include "core/model/job_name.h"

namespace khronos::cli {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;

std::vector<CrontabJob> jobs(std::string_view text, bool system = false,
                             const CrontabJobRules& rules = {}) {
    Crontab crontab = parse_crontab(text, {.system = system});
    return crontab_jobs(crontab, rules, crontab.remarks);
}

std::string field(std::string_view text, std::string_view path) {
    return cell(jobs(text).at(0).document, path);
}

TEST(CrontabNames, AreMadeOfTheProgramAndItsSubject) {
    EXPECT_EQ(name_of_command("cd / && run-parts --report /etc/cron.hourly"),
              "run-parts-cron.hourly");
    EXPECT_EQ(name_of_command("test -x /usr/sbin/anacron || ( cd / && run-parts /etc/cron.daily )"),
              "run-parts-cron.daily");
    EXPECT_EQ(name_of_command("[ -x /usr/lib/php/sessionclean ] && /usr/lib/php/sessionclean"),
              "sessionclean");
    EXPECT_EQ(name_of_command("/usr/local/bin/Backup.sh >/dev/null 2>&1"), "backup");
    EXPECT_EQ(name_of_command("sudo -u www-data php -q /srv/app/cron.php >> log"), "cron");
    EXPECT_EQ(name_of_command("flock -n /run/x.lock nice -n 10 /opt/sync"), "sync");
    EXPECT_EQ(name_of_command("LANG=C timeout 5m pg_dump shop > /b.sql"), "pg_dump-shop");
    EXPECT_EQ(name_of_command("bash -c 'cd /srv && ./run \"a b\"'"), "run-a-b");
    EXPECT_EQ(name_of_command("test -x /usr/bin/certbot && perl -e 'sleep 5' && certbot -q renew"),
              "certbot-renew");
    EXPECT_EQ(name_of_command("if [ -x /a ] && [ $(date +%d) -le 7 ]; then /usr/check --all; fi"),
              "check");
    EXPECT_EQ(name_of_command("$SCRIPT"), "script");
    EXPECT_EQ(name_of_command("echo $(( 1 + 2 )) ${X:+y} (echo z); cat"), "cat");
    EXPECT_EQ(name_of_command("echo hello"), "echo-hello");
    EXPECT_EQ(name_of_command("for i in 1 2; do /opt/turn $i; done"), "turn");
    EXPECT_EQ(name_of_command("cd /"), "cd");
    EXPECT_EQ(name_of_command("::"), "job");
    EXPECT_EQ(name_of_command("$(a b"), "a-b");  // never closed
    EXPECT_EQ(name_of_command(""), "job");
    EXPECT_LE(name_of_command(std::string(500, 'x')).size(), 48u);
}

TEST(CrontabJobs, KeepTheirNamesWhenTheTimeChanges) {
    const std::string at_two = jobs("0 2 * * * backup\n")[0].name;
    EXPECT_THAT(at_two, MatchesRegex("backup-[0-9a-f]{4}"));
    EXPECT_EQ(jobs("@daily other\n0 3 * * * backup\n")[1].name, at_two);
    EXPECT_EQ(jobs("0 2 * * * backup\n", false, {.prefix = "web1-"})[0].name, "web1-" + at_two);
    // Another user's is another job.
    EXPECT_NE(jobs("0 2 * * * a backup\n0 2 * * * b backup\n", true)[0].name,
              jobs("0 2 * * * b backup\n", true)[0].name);
}

TEST(CrontabJobs, TheSameCommandTwiceIsTwoJobs) {
    const auto twice = jobs("0 2 * * * backup\n0 14 * * * backup\n0 14 * * * backup\n");
    EXPECT_THAT(twice[1].name, MatchesRegex("backup-[0-9a-f]{4}-[0-9a-f]{4}"));
    EXPECT_EQ(twice[2].name, twice[1].name + "-2");
}

TEST(CrontabJobs, SayEverythingThatTheLineSaid) {
    const auto job = jobs(
        "MAILTO=ops@example.com\nCRON_TZ=Europe/Paris\nRANDOM_DELAY=5\nHOME=/srv\nA=1\nB=x y\n"
        "# Says it\n30 2 * * * jo echo hi%one%two\n",
        true, {.timezone = "UTC", .source = "/etc/cron.d/x"});
    ASSERT_EQ(job.size(), 1u);
    const auto& document = job[0].document;
    EXPECT_EQ(cell(document, "schedule"), "0 30 2 * * *");
    EXPECT_EQ(cell(document, "timezone"), "Europe/Paris");
    EXPECT_EQ(cell(document, "owner_email"), "ops@example.com");
    EXPECT_EQ(cell(document, "run_as"), "jo");
    EXPECT_EQ(cell(document, "spread"), "5m");
    EXPECT_EQ(cell(document, "description"), "Says it");
    EXPECT_EQ(cell(document, "metadata.crontab"), "/etc/cron.d/x");
    EXPECT_EQ(cell(document, "executor_config.command"), "echo hi");
    EXPECT_EQ(cell(document, "executor_config.shell"), "true");
    EXPECT_EQ(cell(document, "executor_config.env"), "HOME=/srv,A=1,B=x y");
    EXPECT_EQ(cell(document, "executor_config.cwd"), "/srv");
    EXPECT_EQ(cell(document, "executor_config.payload"), base64("one\ntwo\n"));
}

TEST(CrontabJobs, AnotherShellIsCalledByItsName) {
    EXPECT_EQ(field("SHELL=/bin/bash\n@daily echo \"it's\"", "executor_config.command"),
              R"(/bin/bash -c 'echo "it'\''s"')");
    EXPECT_EQ(field("SHELL=/bin/bash\n@daily x", "executor_config.shell"), "");
    EXPECT_EQ(field("SHELL=/bin/dash\n@daily x", "executor_config.shell"), "true");
    EXPECT_THAT(field("SHELL=/opt/my shell\n@daily x", "executor_config.command"),
                testing::StartsWith("'/opt/my shell' -c "));
}

TEST(CrontabJobs, WhatTheListOfVariablesCannotHoldIsExported) {
    EXPECT_EQ(field("A=1,2\nLD_LIBRARY_PATH=/x\nB=3\n@daily run", "executor_config.command"),
              "export A='1,2'; export LD_LIBRARY_PATH='/x'; run");
    EXPECT_EQ(field("A=1,2\nB=3\n@daily run", "executor_config.env"), "B=3");
    Crontab crontab = parse_crontab("IFS=x\nKHRONOS_TOKEN=y\n'a b'=z\n@daily run\n@daily run2\n",
                                    {.system = false});
    const auto made = crontab_jobs(crontab, {}, crontab.remarks);
    EXPECT_EQ(cell(made[0].document, "executor_config.env"), "");
    ASSERT_EQ(crontab.remarks.size(), 3u);
    EXPECT_THAT(crontab.remarks[0].message, HasSubstr("IFS cannot be set"));
}

TEST(CrontabJobs, AGuardLooksAtTheDayOfTheTick) {
    EXPECT_EQ(jobs("0 0 */10 * 1 run", false, {.timezone = "Europe/Paris"})[0]
                  .document.at("executor_config")
                  .at("command")
                  .as_string(),
              "case $(TZ=Europe/Paris date -d \"$KHRONOS_SCHEDULED_AT\" +%d) in 01|11|21|31) ;; "
              "*) exit 0 ;; esac; run");
    EXPECT_THAT(field("0 0 1 * */3 run", "executor_config.command"),
                HasSubstr("+%w) in 0|3|6) ;;"));
}

// Lines made of pieces that mean something, in any order.
TEST(CrontabJobs, AnyTextIsReadWithoutHarmAndEveryLineIsAccountedFor) {
    const std::vector<std::string_view> pieces{"* ",
                                               "*/2 ",
                                               "0 ",
                                               "7 ",
                                               "1-5 ",
                                               "fri-sun ",
                                               "jan ",
                                               "root ",
                                               "@daily ",
                                               "@reboot ",
                                               "A=1",
                                               "MAILTO=x",
                                               "CRON_TZ=Europe/Paris",
                                               "CRON_TZ=x",
                                               "SHELL=/bin/bash",
                                               "# x",
                                               "cmd ",
                                               "%",
                                               "\\%",
                                               "'",
                                               "\"",
                                               "$(",
                                               ")",
                                               ";",
                                               "&&",
                                               "\t",
                                               "\xff",
                                               "-",
                                               "~ ",
                                               ",",
                                               "/",
                                               "=",
                                               "\\",
                                               "ä",
                                               "99999999999999999999 ",
                                               "if ",
                                               "sudo -u ",
                                               "bash -c ",
                                               "flock -n ",
                                               "<",
                                               ">",
                                               "{"};
    std::uint64_t state = 88172645463325252ULL;
    const auto next = [&](std::size_t below) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state % below;
    };
    for (int round = 0; round < 3000; ++round) {
        std::string text;
        std::size_t lines = 1 + next(6);
        for (std::size_t i = 0; i < lines; ++i) {
            if (next(2) == 0) text += "* * * * * ";
            for (std::size_t k = next(9); k > 0; --k)
                text += pieces[next(pieces.size())];
            text += '\n';
        }
        Crontab crontab = parse_crontab(text);
        const auto made = crontab_jobs(crontab, {}, crontab.remarks);
        ASSERT_EQ(made.size(), crontab.entries.size()) << text;
        std::set<std::string> names;
        for (const CrontabJob& job : made) {
            EXPECT_TRUE(names.insert(job.name).second) << text;
            EXPECT_EQ(core::fault_of_job_name(job.name), std::nullopt) << text;
            EXPECT_FALSE(cell(job.document, "executor_config.command").empty()) << text;
            EXPECT_TRUE(is_valid_utf8(cell(job.document, "executor_config.command"))) << text;
        }
        for (const CrontabRemark& remark : crontab.remarks)
            EXPECT_TRUE(remark.line >= 1 && remark.line <= lines) << text;
    }
}

TEST(Base64, HasItsPadding) {
    EXPECT_EQ(base64(""), "");
    EXPECT_EQ(base64("f"), "Zg==");
    EXPECT_EQ(base64("fo"), "Zm8=");
    EXPECT_EQ(base64("foo"), "Zm9v");
    EXPECT_EQ(base64("foob\xff"), "Zm9vYv8=");
}

}  // namespace
}  // namespace khronos::cli

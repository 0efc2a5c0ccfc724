#include "cli/crontab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace khronos::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

using Weight = CrontabRemark::Weight;

constexpr const char* kDebian = R"(# /etc/crontab: system-wide crontab
# Unlike any other crontab you don't have to run the `crontab'
# command to install the new version when you edit this file

SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin

# Example of job definition:
# .---------------- minute (0 - 59)
# |  .------------- hour (0 - 23)
# *  *  *  *  * user-name command to be executed
17 *	* * *	root	cd / && run-parts --report /etc/cron.hourly
25 6	* * *	root	test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
#
)";

TEST(Crontab, ReadsDebiansOwn) {
    const Crontab crontab = parse_crontab(kDebian);
    EXPECT_TRUE(crontab.system);
    EXPECT_THAT(crontab.remarks, IsEmpty());
    ASSERT_EQ(crontab.entries.size(), 2u);
    const CrontabEntry& first = crontab.entries[0];
    EXPECT_EQ(first.line, 12u);
    EXPECT_EQ(first.schedule, "0 17 * * * *");
    EXPECT_EQ(first.user, "root");
    EXPECT_EQ(first.command, "cd / && run-parts --report /etc/cron.hourly");
    EXPECT_THAT(first.environment,
                ElementsAre(Pair("PATH", testing::StartsWith("/usr/local/sbin:"))));
    EXPECT_EQ(first.comment, "");
}

TEST(Crontab, FindsOutWhetherThereAreUsers) {
    const auto is_system = [](std::string_view text, std::string path = "") {
        return parse_crontab(text, {.path = std::move(path),
                                    .is_user = [](std::string_view name) { return name == "jo"; }})
            .system;
    };
    EXPECT_FALSE(is_system("0 5 * * * /usr/bin/backup root\n"));
    EXPECT_FALSE(is_system("0 5 * * * backup --full\n0 6 * * * /bin/x\n"));
    EXPECT_FALSE(is_system("0 5 * * * make world\n"));
    EXPECT_FALSE(is_system("@daily true\n"));
    EXPECT_TRUE(is_system("@daily www-data php cron.php\n"));
    EXPECT_TRUE(is_system("0 5 * * * jo make world\n0 6 * * * app-1 run it\n"));
    EXPECT_TRUE(is_system("0 5 * * * app run it\n", "/etc/cron.d/app"));
    EXPECT_TRUE(is_system("0 5 * * * app run it\n", "/etc/crontab"));
    EXPECT_FALSE(parse_crontab("0 5 * * * root x\n", {.system = false}).system);
}

TEST(Crontab, SettingsHoldFromTheirLineOn) {
    const Crontab crontab = parse_crontab(
        "@daily one\nA = 1\nCRON_TZ=Europe/Paris\n\"B B\"='x y '\nMAILTO=\"ops@example.com\"\n"
        "SHELL=/bin/bash\nRANDOM_DELAY=30\n@daily two\nA=2\nMAILTO=\nCRON_TZ=\n@daily three\n");
    ASSERT_EQ(crontab.entries.size(), 3u);
    EXPECT_EQ(crontab.entries[0].environment.size(), 0u);
    EXPECT_EQ(crontab.entries[0].shell, "/bin/sh");
    const CrontabEntry& two = crontab.entries[1];
    EXPECT_THAT(two.environment, ElementsAre(Pair("A", "1"), Pair("B B", "x y ")));
    EXPECT_EQ(two.timezone, "Europe/Paris");
    EXPECT_EQ(two.mail_to, "ops@example.com");
    EXPECT_EQ(two.shell, "/bin/bash");
    EXPECT_EQ(two.random_delay_minutes, 30u);
    const CrontabEntry& three = crontab.entries[2];
    EXPECT_THAT(three.environment, ElementsAre(Pair("A", "2"), Pair("B B", "x y ")));
    EXPECT_EQ(three.timezone, "");
    EXPECT_EQ(three.mail_to, "");
    ASSERT_EQ(crontab.remarks.size(), 1u);
    EXPECT_EQ(crontab.remarks[0].line, 5u);
    EXPECT_THAT(crontab.remarks[0].message, HasSubstr("owner_email"));
}

TEST(Crontab, APercentEndsTheCommandAndBeginsItsInput) {
    const auto entry = [](std::string line) {
        return parse_crontab("* * * * * " + line, {.system = false}).entries.at(0);
    };
    EXPECT_EQ(entry("mail jo%Dear Jo,%%it is late%").command, "mail jo");
    EXPECT_EQ(entry("mail jo%Dear Jo,%%it is late%").input, "Dear Jo,\n\nit is late\n");
    EXPECT_EQ(entry("cat%one").input, "one\n");
    EXPECT_EQ(entry(R"(date +\%Y\%m >> log)").command, "date +%Y%m >> log");
    EXPECT_EQ(entry(R"(date +\%Y\%m >> log)").input, std::nullopt);
    EXPECT_EQ(entry(R"(cat%50\% of it%end)").input, "50% of it\nend\n");
    EXPECT_EQ(entry(R"(printf 'a\n')").command, R"(printf 'a\n')");
    EXPECT_EQ(entry("cat %").input, "");
}

TEST(Crontab, TellsOfEachLineThatIsNoJob) {
    const Crontab crontab = parse_crontab(
        "@reboot /bin/start\n"
        "* * * *\n"
        "61 * * * * x\n"
        "* * * * *\n"
        "@sometimes x\n"
        "nonsense\n"
        "* * * * * ok\n"
        "CRON_TZ=Mars/Olympus\n"
        "* * * * * on mars\n"
        "* * * * * \xff\xfe\n",
        {.system = false});
    ASSERT_EQ(crontab.entries.size(), 1u);
    EXPECT_EQ(crontab.entries[0].line, 7u);
    std::vector<std::pair<std::size_t, Weight>> where;
    for (const CrontabRemark& remark : crontab.remarks)
        where.emplace_back(remark.line, remark.weight);
    EXPECT_THAT(
        where,
        ElementsAre(Pair(1, Weight::no_job), Pair(2, Weight::wrong), Pair(3, Weight::wrong),
                    Pair(4, Weight::wrong), Pair(5, Weight::wrong), Pair(6, Weight::wrong),
                    Pair(8, Weight::wrong), Pair(9, Weight::wrong), Pair(10, Weight::wrong)));
}

TEST(Crontab, TheCommentAboveALineDescribesIt) {
    const Crontab crontab = parse_crontab(
        "# Nightly backup\n# of the database\n0 2 * * * backup\n\n# stands alone\n\n@daily a\n"
        "# m h dom mon dow command\n@daily b\n#0 5 * * * old\n@daily c\n",
        {.system = false});
    std::vector<std::string> comments;
    for (const CrontabEntry& entry : crontab.entries)
        comments.push_back(entry.comment);
    EXPECT_THAT(comments, ElementsAre("Nightly backup of the database", "", "", ""));
}

TEST(Crontab, TakesWhatOtherCronsAdd) {
    const Crontab crontab = parse_crontab(
        "\xef\xbb\xbf-*/5 * * * * quiet\r\n@daily -s -q alone --x\r\n  \t0  0\t* * *   blanks  "
        "in\t it "
        " \r\n0 4 * * * jo:staff/limits x",
        {.system = false});
    ASSERT_EQ(crontab.entries.size(), 4u);
    EXPECT_EQ(crontab.entries[0].schedule, "0 */5 * * * *");
    EXPECT_EQ(crontab.entries[1].command, "alone --x");
    EXPECT_TRUE(crontab.entries[1].one_at_a_time);
    EXPECT_EQ(crontab.entries[2].command, "blanks  in\t it");
    const Crontab with_class = parse_crontab("0 4 * * * jo:staff/limits x", {.system = true});
    EXPECT_EQ(with_class.entries[0].user, "jo:staff");
    ASSERT_EQ(with_class.remarks.size(), 1u);
    EXPECT_THAT(with_class.remarks[0].message, HasSubstr("login class"));
}

TEST(Crontab, WhatIsNoUserHintsAtTheOtherForm) {
    const Crontab crontab =
        parse_crontab("0 4 * * * /bin/x now\n0 4 * * * jo\n@daily Jo x\n", {.system = true});
    ASSERT_EQ(crontab.remarks.size(), 2u);
    EXPECT_THAT(crontab.remarks[0].message, HasSubstr("'/bin/x' is no user"));
    EXPECT_EQ(crontab.remarks[1].message, "there is no command");
    EXPECT_EQ(crontab.entries.size(), 1u);
}

}  // namespace
}  // namespace khronos::cli

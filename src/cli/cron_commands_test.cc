#include "cli/cron_commands.h"

#include <gtest/gtest.h>

#include <sstream>

namespace khronos::cli {
namespace {

struct Reply {
    int code = -1;
    std::string out;
    std::string err;
};

template <class Command, class Args>
Reply run(Command command, const Args& args, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    const int code = command(args, in, out, err, *parse_rfc3339("2026-01-01T00:00:00Z"));
    return {code, out.str(), err.str()};
}

TEST(CronNextCommand, PrintsFiveTimesFromNow) {
    const Reply reply = run(cron_next, CronNextArgs{.spec = "@hourly"});
    EXPECT_EQ(reply.code, 0);
    EXPECT_EQ(reply.out,
              "2026-01-01T01:00:00Z\n2026-01-01T02:00:00Z\n2026-01-01T03:00:00Z\n"
              "2026-01-01T04:00:00Z\n2026-01-01T05:00:00Z\n");
    EXPECT_EQ(reply.err, "");
}

TEST(CronNextCommand, PrintsInTheSchedulesZoneUnlessToldUtc) {
    CronNextArgs args{.spec = "0 30 2 * * *",
                      .timezone = "Europe/Paris",
                      .from = "2024-03-30T12:00:00+01:00",
                      .count = 2};
    EXPECT_EQ(run(cron_next, args).out, "2024-03-31T03:00:00+02:00\n2024-04-01T02:30:00+02:00\n");
    args.utc = true;
    EXPECT_EQ(run(cron_next, args).out, "2024-03-31T01:00:00Z\n2024-04-01T00:30:00Z\n");
    args.utc = false;
    args.spec = "TZ=Asia/Tokyo 0 30 2 * * *";
    args.count = 1;
    EXPECT_EQ(run(cron_next, args).out, "2024-03-31T02:30:00+09:00\n");
}

TEST(CronNextCommand, CountsAnIntervalFromTheGivenTime) {
    const CronNextArgs args{.spec = "@every 90s", .from = "2026-01-01T00:00:10.5Z", .count = 2};
    EXPECT_EQ(run(cron_next, args).out, "2026-01-01T00:01:40Z\n2026-01-01T00:03:10Z\n");
}

TEST(CronNextCommand, SaysWhenThereIsNoTime) {
    const Reply reply = run(cron_next, CronNextArgs{.spec = "@manually"});
    EXPECT_EQ(reply.code, 0);
    EXPECT_EQ(reply.out, "");
    EXPECT_EQ(reply.err, "note: no time after 2026-01-01T00:00:00Z; runs never by itself\n");
}

TEST(CronNextCommand, AnswersEachLineOfInputWithOneLineAndGoesOn) {
    CronNextArgs args{.from = "2026-01-01T00:00:00Z"};
    const std::string input = "0 0 9 * * *\r\n0 75 * * * *\n\nTZ=Asia/Tokyo @daily\n" +
                              std::string(100000, 'x') + "\n@at 2020-01-01T00:00:00Z\n@daily";
    const Reply reply = run(cron_next, args, input);
    EXPECT_EQ(reply.code, 0);
    EXPECT_EQ(reply.out,
              "2026-01-01T09:00:00Z\n"
              "error: minute 75 is out of range; a minute is 0 to 59\n"
              "\n"
              "2026-01-02T00:00:00+09:00\n"
              "error: a schedule is at most 256 bytes long\n"
              "\n"
              "2026-01-02T00:00:00Z\n");
    EXPECT_EQ(reply.err, "");
    args.count = 3;
    EXPECT_EQ(run(cron_next, args, "@daily\n").out,
              "2026-01-02T00:00:00Z 2026-01-03T00:00:00Z 2026-01-04T00:00:00Z\n");
    EXPECT_EQ(run(cron_next, args, "").out, "");
}

TEST(CronNextCommand, RefusesWrongOptionsAsUsage) {
    EXPECT_EQ(run(cron_next, CronNextArgs{.spec = "@daily", .count = 0}).code, 2);
    EXPECT_EQ(run(cron_next, CronNextArgs{.spec = "@daily", .count = kCronNextCountMax + 1}).code,
              2);
    const Reply from = run(cron_next, CronNextArgs{.spec = "@daily", .from = "yesterday"});
    EXPECT_EQ(from.code, 2);
    EXPECT_NE(from.err.find("--from: 'yesterday' is not an RFC 3339 time"), std::string::npos);
    const Reply zone = run(cron_next, CronNextArgs{.spec = "@daily", .timezone = "Mars"});
    EXPECT_EQ(zone.code, 2);
    EXPECT_EQ(zone.err, "error: --tz: unknown time zone Mars\n");
}

TEST(CronNextCommand, AWrongSpecFails) {
    const Reply reply = run(cron_next, CronNextArgs{.spec = "0 0 0 30 2 *"});
    EXPECT_EQ(reply.code, 1);
    EXPECT_EQ(reply.out, "");
    EXPECT_NE(reply.err.find("never runs"), std::string::npos);
}

TEST(CronCheckCommand, DrawsACaretUnderThePlace) {
    const Reply reply = run(cron_check, CronTextArgs{.spec = "0 75 * * * *"});
    EXPECT_EQ(reply.code, 1);
    EXPECT_EQ(reply.out, "");
    EXPECT_EQ(reply.err,
              "error: minute 75 is out of range\n"
              "  0 75 * * * *\n"
              "    ^^\n"
              "hint: a minute is 0 to 59\n");
}

TEST(CronCheckCommand, DrawsACaretBehindTheTextWhereSomethingIsMissing) {
    EXPECT_EQ(run(cron_check, CronTextArgs{.spec = "@every"}).err,
              "error: @every needs a duration\n"
              "  @every\n"
              "        ^\n"
              "hint: such as @every 90s or @every 1h30m\n");
}

TEST(CronCheckCommand, ShowsAWindowOfALongLine) {
    const std::string spec = "0 " + std::string(120, '1') + ",x * * * *";
    const Reply reply = run(cron_check, CronTextArgs{.spec = spec});
    EXPECT_EQ(reply.code, 1);
    std::istringstream lines(reply.err);
    for (std::string line; std::getline(lines, line);)
        EXPECT_LE(line.size(), 160U) << line;
    const Reply longer = run(cron_check, CronTextArgs{.spec = std::string(5000, '\x01')});
    EXPECT_EQ(longer.code, 1);
    EXPECT_EQ(longer.err.find('\x01'), std::string::npos);
    EXPECT_LT(longer.err.size(), 300U);
}

TEST(CronCheckCommand, GivesTheSixFieldFormOfACrontabLine) {
    const Reply reply = run(cron_check, CronTextArgs{.spec = "30 2 * * *"});
    EXPECT_EQ(reply.code, 1);
    EXPECT_NE(reply.err.find("hint: 0 30 2 * * *\n"), std::string::npos);
}

TEST(CronCheckCommand, SaysARightScheduleInWordsWithRemarks) {
    const Reply reply =
        run(cron_check, CronTextArgs{.spec = "0 30 2 * * *", .timezone = "Europe/Paris"});
    EXPECT_EQ(reply.code, 0);
    EXPECT_EQ(reply.out,
              "ok: at 02:30:00 every day (Europe/Paris)\n"
              "note: 02:30:00 does not exist on 2026-03-29 in Europe/Paris: runs at 03:00:00\n"
              "note: 02:30:00 comes twice on 2026-10-25 in Europe/Paris: runs the first time\n");
}

TEST(CronDescribeCommand, PrintsTheWords) {
    EXPECT_EQ(run(cron_describe, CronTextArgs{.spec = "0 */15 * * * *"}).out, "every 15 minutes\n");
    const Reply reply = run(cron_describe, CronTextArgs{.spec = "@daily", .timezone = "Mars"});
    EXPECT_EQ(reply.code, 1);
    EXPECT_NE(reply.err.find("unknown time zone Mars"), std::string::npos);
}

}  // namespace
}  // namespace khronos::cli

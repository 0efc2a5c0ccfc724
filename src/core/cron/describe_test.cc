#include <gtest/gtest.h>

#include "core/cron/lint.h"
#include "core/cron/schedule.h"

namespace khronos::cron {
namespace {

Schedule must(const char* text, const ParseOptions& options = {}) {
    const auto schedule = Schedule::parse(text, options);
    if (!schedule) throw std::runtime_error(std::string(text) + ": " + to_string(schedule.error()));
    return *schedule;
}

TEST(CronDescribe, SaysASchedulesTimesInPlainWords) {
    struct Case {
        const char* text;
        const char* words;
    };
    for (const Case& c : {
             Case{"* * * * * *", "every second"},
             Case{"*/5 * * * * *", "every 5 seconds"},
             Case{"0 * * * * *", "every minute"},
             Case{"30 * * * * *", "at second 30 of every minute"},
             Case{"0 */15 * * * *", "every 15 minutes"},
             Case{"0 */15 9-17 * * 1-5", "every 15 minutes from 09:00 to 17:59, Monday to Friday"},
             Case{"0 */15 9 * * *", "every 15 minutes from 09:00 to 09:59"},
             Case{"0 0 * * * *", "every hour"},
             Case{"0 30 * * * *", "at minute 30 of every hour"},
             Case{"0 10,40 * * * *", "at minutes 10 and 40 of every hour"},
             Case{"0 5/15 * * * *", "at minutes 5, 20, 35 and 50 of every hour"},
             Case{"0 0 */2 * * *", "every 2 hours"},
             Case{"0 0 9-17 * * 1-5", "every hour from 09:00 to 17:00, Monday to Friday"},
             Case{"0 30 2 * * *", "at 02:30:00 every day"},
             Case{"0 30 9 * * MON-FRI", "at 09:30:00, Monday to Friday"},
             Case{"0 0 9,17 * * *", "at 09:00:00 and 17:00:00 every day"},
             Case{"0 0 6 * * 6", "at 06:00:00, on Saturday"},
             Case{"0 0 6 * * 0,6", "at 06:00:00, on Sunday and Saturday"},
             Case{"0 0 6 * * 1,3,5", "at 06:00:00, on Monday, Wednesday and Friday"},
             Case{"@monthly", "at 00:00:00, on day 1 of the month"},
             Case{"@yearly", "at 00:00:00, on 1 January"},
             Case{"0 30 2 29 2 *", "at 02:30:00, on 29 February"},
             Case{"0 0 0 1-7 JUN-AUG *",
                  "at 00:00:00, on days 1 to 7 of the month, in June to August"},
             Case{"0 0 8 * JUL *", "at 08:00:00 every day in July"},
             Case{"0 0 0 L * *", "at 00:00:00, on the last day of the month"},
             Case{"0 0 0 L-1 * *", "at 00:00:00, on the day before the last of the month"},
             Case{"0 0 0 L-3 * *", "at 00:00:00, on the 4th-last day of the month"},
             Case{"0 0 0 LW * *", "at 00:00:00, on the last working day of the month"},
             Case{"0 0 0 15W * *", "at 00:00:00, on the working day nearest to day 15"},
             Case{"0 0 0 * * 5#3", "at 00:00:00, on the third Friday of the month"},
             Case{"0 0 0 * * FRIL", "at 00:00:00, on the last Friday of the month"},
             Case{"0 0 0 13 * FRI", "at 00:00:00, on day 13 of the month or on Friday"},
             Case{
                 "15 10,40 8-18/2 * * 1,3,5",
                 "at second 15 of minutes 10 and 40, in hours 8, 10, 12, 14, 16 and 18, on Monday, "
                 "Wednesday and Friday"},
             Case{"*/10 30 * * * *", "every 10 seconds, in minute 30 of every hour"},
             Case{"TZ=Europe/Paris @daily", "at 00:00:00 every day (Europe/Paris)"},
             Case{"@every 1s", "every second"},
             Case{"@every 1h", "every hour"},
             Case{"@every 1h30m10s", "every 1 hour 30 minutes 10 seconds"},
             Case{"@every 48h", "every 2 days"},
             Case{"@at 2026-01-01T00:00:00Z", "once, at 2026-01-01T00:00:00Z"},
             Case{"@after 2026-01-01T00:00:00Z <PT2H",
                  "once, at 2026-01-01T00:00:00Z, at most 2 hours late"},
             Case{"@after 2026-01-01T00:00:00Z <PT1H",
                  "once, at 2026-01-01T00:00:00Z, at most 1 hour late"},
             Case{"@oneway", "once, when the job is saved"},
             Case{"@manually", "never by itself"},
         })
        EXPECT_EQ(describe(must(c.text)), c.words) << c.text;
}

TEST(CronLint, RemarksWhatMaySurprise) {
    struct Case {
        const char* text;
        const char* zone;
        DstPolicy dst;
        std::vector<std::string> remarks;
    };
    const std::string either =
        "day of month and day of week are both given: a day that fits either one is enough";
    for (const Case& c : {
             Case{"0 30 2 * * *",
                  "Europe/Paris",
                  {},
                  {"02:30:00 does not exist on 2027-03-28 in Europe/Paris: runs at 03:00:00",
                   "02:30:00 comes twice on 2027-10-31 in Europe/Paris: runs the first time"}},
             Case{
                 "0 */15 2 * * *",
                 "Europe/Paris",
                 {GapRule::automatic, OverlapRule::both},
                 {"02:00:00 to 02:45:00 do not exist on 2027-03-28 in Europe/Paris: run once at "
                  "03:00:00",
                  "02:00:00 to 02:45:00 come twice on 2027-10-31 in Europe/Paris: run both times"}},
             Case{"0 30 2 * * *",
                  "Europe/Paris",
                  {GapRule::skip, OverlapRule::second},
                  {"02:30:00 does not exist on 2027-03-28 in Europe/Paris: does not run",
                   "02:30:00 comes twice on 2027-10-31 in Europe/Paris: runs the second time"}},
             Case{"0 30 4 * * *", "Europe/Paris", {}, {}},
             Case{"0 */15 * * * *", "Europe/Paris", {}, {}},
             Case{"0 30 2 * * *", "UTC", {}, {}},
             Case{"0 0 12 31 * *",
                  "UTC",
                  {},
                  {"day 31 exists in only 7 of the 12 months; L is the last day of every month"}},
             Case{"0 0 12 29-31 * *",
                  "UTC",
                  {},
                  {"day 29 exists in only 11 of the 12 months; L is the last day of every month"}},
             Case{"0 0 12 1,31 * *", "UTC", {}, {}},
             Case{"0 0 12 29 2 *",
                  "UTC",
                  {},
                  {"runs next on 2028-02-29T12:00:00Z", "29 February exists only in leap years"}},
             Case{"0 0 12 13 * 5",
                  "UTC",
                  {},
                  {either + "; write * or ? in one of them if that is not meant"}},
             Case{"0 0 12 */1 * 1-5", "UTC", {}, {either + ", so it runs every day"}},
             Case{"0 */7 * * * *",
                  "UTC",
                  {},
                  {"steps of 7 minutes start again with every hour: the last one is 4 minutes "
                   "long"}},
             Case{"0 0 */5 * * *",
                  "UTC",
                  {},
                  {"steps of 5 hours start again with every day: the last one is 4 hours long"}},
             Case{"0 */90 * * * *",
                  "UTC",
                  {},
                  {"a step is larger than its field: it chooses the first value only"}},
             Case{"@at 2020-01-01T00:00:00Z", "UTC", {}, {"the time of this schedule has passed"}},
             Case{"@after 2026-11-30T00:00:00Z <P2D", "UTC", {}, {}},
             Case{"@after 2026-11-30T00:00:00Z <PT2H",
                  "UTC",
                  {},
                  {"the time of this schedule has passed"}},
             Case{"@every 7m", "UTC", {}, {}},
             Case{"@manually", "UTC", {}, {}},
         }) {
        const Schedule schedule = must(c.text, {.timezone = c.zone, .dst = c.dst});
        EXPECT_EQ(lint(schedule, *parse_rfc3339("2026-12-01T00:00:00Z")), c.remarks) << c.text;
    }
}

}  // namespace
}  // namespace khronos::cron

// `khronos cron next|check|describe`: questions about schedules, answered without any server.
// Answers go to `out`, faults to `err`. Exit codes: 0 done, 1 the schedule is wrong, 2 usage.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "base/time.h"

namespace khronos::cli {

// The most times that one line is answered with.
inline constexpr std::uint64_t kCronNextCountMax = 1'000'000;

struct CronNextArgs {
    std::optional<std::string> spec = {};  // without it: lines of `in`
    std::string timezone = {};             // --tz; "" is UTC. TZ= in the schedule goes before it
    std::optional<std::string> from = {};  // --from, RFC 3339; default is now
    std::optional<std::uint64_t> count =
        {};                 // -n; default is 5 with a spec, 1 for each line without
    bool utc = false;       // --utc: print in UTC, whatever the schedule's zone
    std::string name = {};  // job name that `H` and `~` are resolved by
};

struct CronTextArgs {
    std::string spec = {};
    std::string timezone = {};
    std::string name = {};
};

// The first `count` times strictly after `from`, RFC 3339 in the schedule's zone, one a line.
// @every counts from `from`. Without a spec, reads one from each line of `in` and answers it with
// one line: the times with a space between, or `error: ...`; a wrong line does not end it and
// does not change the exit code.
int cron_next(const CronNextArgs& args, std::istream& in, std::ostream& out, std::ostream& err,
              WallTime now);

// `ok: ` and the schedule in words, then a `note: ` for each remark; or, on `err`, the fault with
// the text and a caret under the place.
int cron_check(const CronTextArgs& args, std::istream& in, std::ostream& out, std::ostream& err,
               WallTime now);

// The schedule in words; faults as in cron_check.
int cron_describe(const CronTextArgs& args, std::istream& in, std::ostream& out, std::ostream& err,
                  WallTime now);

}  // namespace khronos::cli

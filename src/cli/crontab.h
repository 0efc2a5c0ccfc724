// A crontab, line by line, as cron(8) reads it: which commands run when, as whom, with which
// environment and input. Pure: nothing of this machine is looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/crontab_fields.h"

namespace khronos::cli {

using Environment = std::vector<std::pair<std::string, std::string>>;

struct CrontabEntry {
    std::size_t line = 0;  // from 1
    std::string schedule;  // six fields, or @daily and the like
    std::optional<DayGuard> guard;
    std::string timezone;              // of CRON_TZ; empty: the default
    std::string user;                  // of a system crontab; with `:group` where one is written
    std::string command;               // as the shell gets it: `\%` undone, the input cut off
    std::optional<std::string> input;  // what stood behind the first `%`
    std::string mail_to;
    std::string shell = "/bin/sh";
    std::uint32_t random_delay_minutes = 0;
    bool one_at_a_time = false;
    Environment environment;  // the other settings in force at the line, in their order
    std::string comment;      // that stands right above it
};

struct CrontabRemark {
    enum class Weight : std::uint8_t {
        wrong,    // the line could not be understood, nothing was made of it
        no_job,   // understood, but there is no job that does this
        changed,  // a job was made, and something of the line is not in it
    };
    std::size_t line = 0;  // 0: the file as a whole
    Weight weight = Weight::changed;
    std::string message;  // a sentence without a full stop
};

struct CrontabOptions {
    // Whether a user's name stands before each command; unset: found out.
    std::optional<bool> system = {};
    std::string path = {};  // as given: /etc/crontab and cron.d have users
    // Whether there is such a user on this machine; may be empty.
    std::function<bool(std::string_view)> is_user = {};
};

struct Crontab {
    bool system = false;
    bool guessed = false;                // `system` was told by the lines alone
    std::vector<CrontabEntry> entries;   // in the order of their lines
    std::vector<CrontabRemark> remarks;  // likewise
};
Crontab parse_crontab(std::string_view text, const CrontabOptions& options = {});

}  // namespace khronos::cli

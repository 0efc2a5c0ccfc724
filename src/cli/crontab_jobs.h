// Crontab entries as job documents.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "cli/crontab.h"

namespace khronos::cli {

struct CrontabJobRules {
    std::string prefix = {};    // before every name
    std::string timezone = {};  // where no CRON_TZ says so: cron's own, which is the machine's
    std::string user = {};      // run_as of a crontab without users; empty: the worker's own
    std::string source = {};    // of the metadata: where the crontab was
};

struct CrontabJob {
    std::size_t line = 0;
    std::string name;
    std::string command;  // as the crontab has it, to be shown
    boost::json::object document;
};

// One job for each entry; `remarks` gets what a job cannot say.
std::vector<CrontabJob> crontab_jobs(const Crontab& crontab, const CrontabJobRules& rules,
                                     std::vector<CrontabRemark>& remarks);

// Standard Base64 with padding.
std::string base64(std::string_view bytes);

}  // namespace khronos::cli

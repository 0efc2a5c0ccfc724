// What a forecast says, for people and for programs.
#pragma once

#include <boost/json/object.hpp>
#include <iosfwd>
#include <string>
#include <vector>

#include "cli/talk.h"
#include "core/forecast/forecast.h"

namespace khronos::cli {

struct Simulated {
    std::vector<core::ForecastJob> jobs;
    std::vector<std::string> sources;  // of each duration: given, measured, declared, assumed
    core::ForecastRules rules;
    core::Forecast forecast;
    std::vector<std::string> clock_changes;  // what changes of clocks do to jobs in that time
};

boost::json::object in_json(const Simulated& s);
void print_report(Talk& talk, const Simulated& s);

}  // namespace khronos::cli

// Waiting for an execution to be over, and what its end means as an exit code.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "cli/talk.h"

namespace khronos::cli {

bool is_over(std::string_view status);

// The job's own exit status where it has one; 128 + n where signal n ended it; 124 where its time
// was up; else 1.
int exit_code_of(const boost::json::value& execution);

// `failed: exit status 3`, `skipped: concurrency`
std::string end_in_words(const boost::json::value& execution);

// Prints an execution's output as it grows.
class OutputPrinter {
  public:
    OutputPrinter(Talk& talk, std::string id) : talk_(talk), id_(std::move(id)) {}
    // Prints what is new. False, with a message printed, where the agent cannot be asked.
    bool print_more();
    bool complete() const { return complete_; }  // nothing will be added

  private:
    Talk& talk_;
    std::string id_;
    std::uint64_t printed_ = 0;
    bool complete_ = false;
};

struct Followed {
    std::optional<boost::json::value> execution;  // that is over
    int code = kFailed;
};
// Until it is over, or time is up (124). An execution that is asked for and not decided yet is
// waited for, too. `timeout` 0: for ever.
Followed follow(Talk& talk, const std::string& id, Duration timeout, OutputPrinter* output);

}  // namespace khronos::cli

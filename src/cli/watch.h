// `--watch`: a command that is asked again and again, shown anew whenever its answer changes.
#pragma once

#include <functional>

#include "cli/commands.h"

namespace khronos::cli {

// Until `limit` is over (0: for ever), every two seconds. On a terminal (a width is known) the
// screen is cleared first. The exit code of the last answer.
int watch(const Options& options, Duration limit, Session& session,
          const std::function<int(Session&)>& command);

}  // namespace khronos::cli

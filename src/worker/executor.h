// The port to what runs inside the worker's process: http, noop. Such a run dies with the
// process and is then reported as lost.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/model/messages.h"
#include "worker/process_host.h"

namespace khronos::worker {

class Executor {
  public:
    virtual ~Executor() = default;

    // Pure. What is wrong with the spec, as a sentence; asked before the run is accepted.
    virtual std::optional<std::string> check(const core::RunSpec& spec) const = 0;

    struct Result {
        core::RunResult result;
        Output output;
    };
    using Done = std::move_only_function<void(Result)>;
    // `done` comes once, posted on the worker's loop. The time limit is the executor's to keep.
    virtual void run(const core::RunSpec& spec, FenceToken token, Done done) = 0;
    // Ends the run soon; its `done` still comes, with outcome cancelled (or lost for the guard).
    virtual void cancel(const core::AttemptId& id, KilledBy why) = 0;
};

}  // namespace khronos::worker

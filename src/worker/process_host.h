// The port to processes: starts the runs of a worker in processes of their own, outside of the
// worker's process, so that they live on when the worker is restarted. Production has the runner
// (worker/linux), the simulator its own.
//
// All callbacks come posted on the worker's loop.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"
#include "core/model/messages.h"

namespace khronos::worker {

// What is to be run; made from a RunSpec by shell_run.h.
struct ProcessSpec {
    core::AttemptId id;
    std::vector<std::string> argv;  // argv[0] is looked for in PATH unless it has a slash
    std::vector<std::pair<std::string, std::string>>
        env;              // on top of PATH, HOME, USER, SHELL, LANG
    std::string cwd;      // empty: the user's home, or / where there is none
    std::string run_as;   // `user[:group]`; empty: the worker's own
    Duration timeout{0};  // 0: none
    Duration kill_grace{0};
    Duration guard{0};               // 0: none
    MonoTime deadline;               // of the guard; 0: none
    std::uint64_t memory_bytes = 0;  // 0: no limit
    bool linger = false;
    bool has_input = false;
    std::string input;  // standard input; otherwise /dev/null
    bool operator==(const ProcessSpec&) const = default;
};

enum class KilledBy : std::uint8_t { nobody, timeout, cancel, guard, memory, supervisor, host };

struct ProcessEnd {
    std::int32_t exit_code = 0;
    std::int32_t signal = 0;
    std::int32_t exec_error = 0;  // errno of an exec that failed; negative: of the set-up before it
    KilledBy killed_by = KilledBy::nobody;
    bool forced = false;  // SIGKILL was needed
    WallTime started_at;
    WallTime finished_at;
    std::uint64_t output_bytes = 0;
    std::string output_tail;  // at most limits::kOutputTailInRecord
    bool operator==(const ProcessEnd&) const = default;
};

struct KnownProcess {
    core::AttemptId id;
    bool ended = false;
    ProcessEnd end;  // when ended
    bool operator==(const KnownProcess&) const = default;
};

// Head and tail of an output; what lies between, total - head - tail bytes, was not kept.
struct Output {
    std::string head;
    std::string tail;
    std::uint64_t total = 0;
    bool operator==(const Output&) const = default;
};
using OutputDone = std::move_only_function<void(std::expected<Output, Error>)>;

class ProcessHost {
  public:
    virtual ~ProcessHost() = default;

    struct Handler {
        // Once it is there, and again whenever it was gone: all runs it knows. A run that was
        // started before and is not in the list has not been started and never will be.
        std::move_only_function<void(std::vector<KnownProcess>)> on_ready;
        std::move_only_function<void()> on_gone;
        std::move_only_function<void(const core::AttemptId&, WallTime)> on_started;
        // Certainly not started; the message is for people.
        std::move_only_function<void(const core::AttemptId&, std::string)> on_refused;
        // Its whole tree is dead (or is to linger). Said again after on_ready, until forget().
        std::move_only_function<void(const core::AttemptId&, ProcessEnd)> on_ended;
    };
    virtual void set_handler(Handler handler) = 0;
    virtual void start() = 0;
    virtual void stop(std::move_only_function<void()> done) = 0;  // runs live on

    virtual void run(ProcessSpec spec) = 0;
    // SIGTERM, the run's kill_grace, SIGKILL; `at_once`: SIGKILL. An unknown run is ignored.
    virtual void kill(const core::AttemptId& id, KilledBy why, bool at_once) = 0;
    // Guarded runs but those of `except`: deadline = max(deadline, base + guard), unless it has
    // passed.
    virtual void extend_guards(MonoTime base, const std::vector<core::AttemptId>& except) = 0;
    virtual void forget(const core::AttemptId& id) = 0;
    // Of a run that runs, or has ended not too long ago.
    virtual void read_output(const core::AttemptId& id, OutputDone done) = 0;
};

}  // namespace khronos::worker

#include "worker/process_result.h"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace khronos::worker {
namespace {

std::string signal_name(int signal) {
    const char* name = ::sigabbrev_np(signal);
    return name ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

std::string natural_end(const ProcessEnd& end) {
    if (end.signal != 0) return fmt::format("killed by {}", signal_name(end.signal));
    return fmt::format("exit status {}", end.exit_code);
}

std::string not_executed(const ProcessEnd& end, const std::string& program) {
    const std::string name = program.empty() ? "the command" : fmt::format("'{}'", program);
    if (end.exec_error < 0)
        return fmt::format("{} could not be set up (directory or user): {}", name,
                           ::strerror(-end.exec_error));
    switch (end.exec_error) {
        case ENOENT:
            return fmt::format("{} was not found, or the program its first line names was not",
                               name);
        case ENOEXEC:
            return fmt::format(
                "{} is not a program; a script's first line says what runs it, such as #!/bin/sh",
                name);
        default:
            return fmt::format("{} could not be executed: {}", name, ::strerror(end.exec_error));
    }
}

std::string how(const ProcessEnd& end) {
    return end.forced ? "killed by SIGKILL" : fmt::format("ended by SIGTERM, {}", natural_end(end));
}

}  // namespace

core::RunResult process_result(const ProcessEnd& end, const std::string& program) {
    using core::ExecutionState;
    core::RunResult r;
    r.exit_code = end.exit_code;
    r.signal = end.signal;
    r.started_at = end.started_at;
    r.finished_at = end.finished_at;
    r.output_tail = end.output_tail;
    r.output_bytes = end.output_bytes;
    switch (end.killed_by) {
        case KilledBy::nobody:
            break;
        case KilledBy::timeout:
            r.outcome = ExecutionState::timed_out;
            r.message = fmt::format("timed out; {}", how(end));
            return r;
        case KilledBy::cancel:
            r.outcome = ExecutionState::cancelled;
            r.reason = core::Reason::user;
            r.message = fmt::format("cancelled; {}", how(end));
            return r;
        case KilledBy::guard:
            r.outcome = ExecutionState::lost;
            r.reason = core::Reason::guard;
            r.message =
                "killed at its guard's deadline: the worker had no committed heartbeat for too "
                "long";
            return r;
        case KilledBy::memory:
            r.outcome = ExecutionState::failed;
            r.message = "killed: it used more memory than mem_limit";
            return r;
        case KilledBy::supervisor:
            r.outcome = ExecutionState::failed;
            r.message = "killed: somebody killed the process that supervised it";
            return r;
        case KilledBy::host:
            r.outcome = ExecutionState::lost;
            r.reason = core::Reason::worker_lost;
            r.message = "killed: the runner that had started it died";
            return r;
    }
    if (end.exec_error != 0) {
        r.outcome = ExecutionState::failed;
        r.reason = core::Reason::start_failed;
        r.message = not_executed(end, program);
    } else if (end.exit_code == 0 && end.signal == 0) {
        r.outcome = ExecutionState::succeeded;
    } else {
        r.outcome = ExecutionState::failed;
        r.message = natural_end(end);
    }
    return r;
}

}  // namespace khronos::worker

#include "api/why.h"

#include <fmt/format.h>

#include "base/duration.h"
#include "core/schedule/era.h"

namespace khronos::api {
namespace {

using core::Execution;
using core::ExecutionState;
using core::Reason;

std::string attempts_of(const Execution& e) {
    return e.attempt.value > 1 ? fmt::format(" at attempt {}", e.attempt.value) : std::string();
}

std::string ran(const Execution& e, std::string_view end) {
    if (!e.started_at.is_set()) return fmt::format("It did not start and {}", end);
    std::string text = fmt::format("It ran on {} from {}", e.node.empty() ? "a worker" : e.node,
                                   to_rfc3339(e.started_at));
    if (e.finished_at.is_set()) text += " to " + to_rfc3339(e.finished_at);
    return fmt::format("{} and {}{}", text, end, attempts_of(e));
}

std::string with_message(std::string text, const Execution& e) {
    return e.message.empty() ? text : fmt::format("{}: {}", text, e.message);
}

// Why a tick was skipped, behind "It was skipped: ".
std::string skip_reason(const Execution& e) {
    switch (e.reason) {
        case Reason::concurrency:
            return e.blocked_by.empty()
                       ? std::string("the job was still running, and its concurrency is limited")
                       : fmt::format(
                             "execution {} was still running, and the job's concurrency "
                             "is limited",
                             e.blocked_by);
        case Reason::misfire_skip:
            return "it was missed, and the job's misfire policy is `skip`";
        case Reason::misfire_limit:
            return "it was missed, and more were missed than the job's misfire_limit";
        case Reason::misfire_once:
            return "it was missed, and the job's misfire policy is `once`";
        case Reason::disabled:
            return "the job was disabled";
        case Reason::paused:
            return "the job was paused";
        case Reason::expired:
            return "the job had expired";
        case Reason::queue_full:
            return "the job's queue was full";
        case Reason::none:
        case Reason::late:
        case Reason::caught_up:
        case Reason::no_worker:
        case Reason::no_executor:
        case Reason::start_failed:
        case Reason::deadline:
        case Reason::deleted:
        case Reason::user:
        case Reason::poison:
        case Reason::worker_lost:
        case Reason::guard:
        case Reason::replaced:
            break;
    }
    return e.reason == Reason::none ? "no reason is recorded"
                                    : std::string(core::to_text(e.reason));
}

std::string range_of(const Execution& e) {
    if (!e.range_from.is_set()) return "";
    return fmt::format(", with all {}{} ticks from {} to {}",
                       e.range_count_is_floor ? "of at least " : "", e.range_count,
                       to_rfc3339(e.range_from), to_rfc3339(e.scheduled_at));
}

std::string lateness(const Execution& e) {
    switch (e.reason) {
        case Reason::late:
            return fmt::format(" (decided {} late)",
                               format_duration(e.decided_at - e.scheduled_at));
        case Reason::caught_up:
            return " (missed at its time, caught up by the misfire policy)";
        default:
            return "";
    }
}

}  // namespace

std::string explain(const Execution& e) {
    switch (e.state) {
        case ExecutionState::waiting:
            if (e.reason == Reason::no_worker)
                return "It waits for a worker: no live worker of the application has a free slot";
            return with_message("It is decided and waits to be started", e) + lateness(e);
        case ExecutionState::claimed:
            return e.started_at.is_set()
                       ? fmt::format("It runs on {} since {}{}", e.node, to_rfc3339(e.started_at),
                                     attempts_of(e)) +
                             lateness(e)
                       : fmt::format("It is being started on {}{}", e.node, attempts_of(e));
        case ExecutionState::retry_wait:
            return with_message(fmt::format("Attempt {} failed, and the next starts not before {}",
                                            e.attempt.value, to_rfc3339(e.not_before)),
                                e);
        case ExecutionState::succeeded:
            return ran(e, "succeeded") + lateness(e);
        case ExecutionState::failed:
            return with_message(ran(e, "failed"), e) + lateness(e);
        case ExecutionState::timed_out:
            return with_message(ran(e, "took longer than its timeout"), e) + lateness(e);
        case ExecutionState::cancelled:
            return with_message(
                ran(e, e.reason == Reason::deleted ? "was cancelled, because the job was deleted"
                                                   : "was cancelled"),
                e);
        case ExecutionState::lost:
            return with_message(ran(e, "was lost with its worker"), e);
        case ExecutionState::skipped:
            return fmt::format("It was skipped{}: {}", range_of(e), skip_reason(e));
        case ExecutionState::coalesced:
            return fmt::format("It was missed{}, and coalesced into the tick {}", range_of(e),
                               to_rfc3339(e.coalesced_into));
        case ExecutionState::unknown:
            break;
    }
    return "The record was written by a newer Khronos and this one cannot read its state";
}

std::string explain(const NoRecord& tick) {
    const core::Job& job = tick.job;
    const std::string at = to_rfc3339(tick.at);
    if (tick.at <= job.created_at)
        return fmt::format("There was no such job at {}: it was made at {}", at,
                           to_rfc3339(job.created_at));
    if (job.spec.schedule.empty())
        return "The job has no schedule: it runs only when it is asked to";
    if (tick.at <= job.effective_from)
        return fmt::format(
            "The schedule in force since {} does not reach back to {}, and nothing "
            "is recorded of the one before",
            to_rfc3339(job.effective_from), at);
    const auto schedule = core::compile(job.spec);
    if (!schedule) return "The job's schedule cannot be read: " + schedule.error().message;
    const core::Era era = core::era_of(job, *schedule);
    if (era.next(tick.at - Duration(1)) != tick.at) {
        const auto next = era.next(tick.at);
        return fmt::format("{} is no tick of the schedule `{}`; {}", at, job.spec.schedule,
                           next ? "the next after it is " + to_rfc3339(*next)
                                : std::string("there is none after it"));
    }
    if (tick.at > tick.now)
        return job.spec.disabled
                   ? fmt::format("It is still to come, and the job is disabled: it will be skipped")
                   : fmt::format("It is still to come, in {}",
                                 format_duration(tick.at - tick.now.floor_second()));
    if (tick.decided < tick.at)
        return fmt::format("It is due and not decided yet: the shard is decided up to {}",
                           tick.decided.is_set() ? to_rfc3339(tick.decided) : "its beginning");
    return fmt::format("It was decided, and its record is not kept any more: the job keeps {}",
                       job.spec.history_limit);
}

}  // namespace khronos::api

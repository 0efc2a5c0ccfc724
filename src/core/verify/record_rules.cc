#include "core/verify/record_rules.h"

#include <fmt/format.h>

namespace khronos::verify {

using core::Execution;
using core::ExecutionState;

namespace {

bool was_decided_against(ExecutionState state) {
    return state == ExecutionState::skipped || state == ExecutionState::coalesced;
}

void check_attempts(const Execution& record, const Tell& tell) {
    const std::string id = core::to_text(record.id);
    if (record.attempts.size() + 1 != record.attempt.value)
        tell("I13", fmt::format("{} is at attempt {} and has {} earlier ones", id,
                                record.attempt.value, record.attempts.size()));
    FenceToken last;
    AttemptNo number;
    const auto grows = [&](FenceToken token, AttemptNo attempt) {
        if (token && token <= last)
            tell("I14", fmt::format("the token of attempt {} of {} did not grow: {} after {}",
                                    attempt.value, id, token.value, last.value));
        if (token) last = token;
    };
    for (const core::AttemptRecord& earlier : record.attempts) {
        if (earlier.attempt <= number)
            tell("I13", fmt::format("{} has its attempt {} after attempt {}", id,
                                    earlier.attempt.value, number.value));
        number = earlier.attempt;
        grows(earlier.token, earlier.attempt);
        if (earlier.outcome == ExecutionState::succeeded)
            tell("I6", fmt::format("{} went on after its attempt {} had succeeded", id,
                                   earlier.attempt.value));
    }
    if (record.attempt <= number)
        tell("I13", fmt::format("{} is at attempt {} and had attempt {}", id, record.attempt.value,
                                number.value));
    grows(record.token, record.attempt);
}

void check_decision(const Execution& record, const Tell& tell) {
    const std::string id = core::to_text(record.id);
    const bool range = record.range_from.is_set();
    if (range && record.range_from > record.scheduled_at)
        tell("I13", fmt::format("{} stands for a range that ends before it begins", id));
    if (range && !was_decided_against(record.state))
        tell("I13",
             fmt::format("{} stands for a range and is {}", id, core::to_text(record.state)));
    if (record.range_count == 0 || (!range && record.range_count != 1))
        tell("I1", fmt::format("{} stands for {} ticks", id, record.range_count));
    if (record.state == ExecutionState::coalesced &&
        !(record.coalesced_into.is_set() && record.coalesced_into > record.scheduled_at))
        tell("I13", fmt::format("{} is coalesced into nothing that comes later", id));
    if (record.id.trigger.kind == core::TriggerKind::tick &&
        record.id.trigger.at != record.scheduled_at)
        tell("I13", fmt::format("{} says that it was scheduled at {}", id,
                                to_rfc3339(record.scheduled_at)));
}

}  // namespace

void check_shape(const Execution& record, const Tell& tell) {
    const std::string id = core::to_text(record.id);
    const auto must = [&](bool so, const char* what) {
        if (!so) tell("I13", fmt::format("{} is {} and {}", id, core::to_text(record.state), what));
    };
    check_decision(record, tell);
    check_attempts(record, tell);
    const bool untried = record.attempt == AttemptNo(1) && record.attempts.empty();
    switch (record.state) {
        case ExecutionState::unknown:
            must(false, "nobody knows what that means");
            break;
        case ExecutionState::waiting:
            must(record.worker.empty(), "has a worker");
            break;
        case ExecutionState::claimed:
            must(!record.worker.empty(), "has no worker");
            must(record.dispatched_at.is_set(), "was never claimed");
            break;
        case ExecutionState::retry_wait:
            must(!record.attempts.empty(), "was never tried");
            break;
        case ExecutionState::succeeded:
        case ExecutionState::timed_out:
            must(!record.worker.empty(), "never ran anywhere");
            must(record.finished_at.is_set(), "has no end");
            break;
        case ExecutionState::failed:
        case ExecutionState::cancelled:
        case ExecutionState::lost:
            must(record.finished_at.is_set(), "has no end");
            break;
        case ExecutionState::skipped:
        case ExecutionState::coalesced:
            must(record.reason != core::Reason::none, "does not say why");
            must(untried && record.worker.empty() && !record.started_at.is_set(), "was tried");
            must(record.slot < 0, "holds a slot");
            break;
    }
}

void check_caps(const Execution& record, const core::Job& version, const Tell& tell) {
    const core::JobSpec& spec = version.spec;
    const std::uint32_t most =
        1 + (spec.on_failure != core::OnFailure::failfast ? spec.retries : 0);
    if (record.failed_count > most || record.lost_count > spec.lost_retries + 1)
        tell("I11", fmt::format("{} was tried too often: {} failed, {} lost, {} retries",
                                core::to_text(record.id), record.failed_count, record.lost_count,
                                spec.retries));
}

}  // namespace khronos::verify

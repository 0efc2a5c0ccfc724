#include "sim/run_check.h"

#include <algorithm>

namespace khronos::sim {

using core::ExecutionState;

void RunCheck::started(const Seen& seen, const LedgerEntry& run, std::optional<MonoTime> before) {
    const core::ExecutionId& id = run.id.execution;
    const std::string text = core::to_text(id);
    const auto at = seen.executions.find(id);
    if (at == seen.executions.end()) {
        report_.violated("I8", "{} was started and never decided", text);
        return;
    }
    const ExecutionSeen& execution = at->second;
    // Its record may have been forgotten, and a tick of the same time asked for once more.
    if (before && *before >= execution.decided_at)
        report_.violated("I3", "attempt {} of {} was started twice", run.id.attempt.value, text);
    if (execution.now.state == ExecutionState::succeeded)
        report_.violated("I6", "attempt {} of {} was started after its success was recorded",
                         run.id.attempt.value, text);
    const auto claim = execution.claims.find(run.id.attempt);
    if (execution.now.state != ExecutionState::claimed ||
        execution.now.attempt != run.id.attempt || claim == execution.claims.end())
        report_.violated("I8", "attempt {} of {} was started while its record says {}, attempt {}",
                         run.id.attempt.value, text, core::to_text(execution.now.state),
                         execution.now.attempt.value);
    else if (claim->second != run.token)
        report_.violated("I14", "attempt {} of {} was started with token {}; its claim has {}",
                         run.id.attempt.value, text, run.token.value, claim->second.value);
    for (const auto& [attempt, token] : execution.claims)
        if (attempt < run.id.attempt && token >= run.token)
            report_.violated("I14", "the token of attempt {} of {} did not grow",
                             run.id.attempt.value, text);

    std::uint32_t others = 0;  // running, and decided earlier
    const auto& running = ledger_.running();
    for (auto other = running.lower_bound({first_of(id.uid), AttemptNo(0)});
         other != running.end() && other->first.execution.uid == id.uid; ++other) {
        if (other->first == run.id) continue;
        if (other->first.execution == id) {
            report_.violated("I4", "attempt {} of {} was started while attempt {} ran",
                             run.id.attempt.value, text, other->first.attempt.value);
            continue;
        }
        const auto decided = seen.executions.find(other->first.execution);
        if (decided != seen.executions.end() &&
            decided->second.decided_revision <= execution.decided_revision)
            ++others;
    }
    // Whoever takes a limit away means also those that wait for their place.
    const bool limited = execution.limit != 0 && seen.limit_of(id.uid) != 0;
    if (limited && others >= std::max(execution.limit, seen.limit_of(id.uid)))
        report_.violated("I5", "{} was started while {} others of its job ran; at most {} may", text,
                         others, execution.limit);
}

}  // namespace khronos::sim

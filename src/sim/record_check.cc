#include "sim/record_check.h"

#include <algorithm>

#include "core/verify/record_rules.h"

namespace khronos::sim {

using core::Execution;
using core::ExecutionState;
using core::Reason;

namespace {

bool may_follow(const Execution& last, const Execution& next) {
    switch (last.state) {
        case ExecutionState::waiting:
        case ExecutionState::retry_wait:
            if (next.state == ExecutionState::claimed) return next.attempt == last.attempt;
            // It never started: nothing but these can have become of it.
            return next.state == ExecutionState::cancelled || next.state == ExecutionState::failed;
        case ExecutionState::claimed:
            if (next.state == ExecutionState::retry_wait)
                return next.attempt == last.attempt.next() &&
                       next.attempts.size() == last.attempts.size() + 1;
            return core::is_ended(next.state) && next.attempt == last.attempt;
        case ExecutionState::unknown:
        case ExecutionState::succeeded:
        case ExecutionState::failed:
        case ExecutionState::timed_out:
        case ExecutionState::cancelled:
        case ExecutionState::lost:
        case ExecutionState::skipped:
        case ExecutionState::coalesced:
            return false;
    }
    return false;
}

const core::Job* version(const Seen& seen, const Execution& e) {
    const auto job = seen.jobs.find(e.id.uid);
    if (job == seen.jobs.end()) return nullptr;
    for (const VersionSeen& one : job->second.versions)
        if (one.job.generation == e.generation) return &one.job;
    return nullptr;
}

}  // namespace

void RecordCheck::before(const Seen& seen, const TxnSeen& txn) {
    for (const std::string& key : txn.unreadable)
        report_.violated("unknown", "the record at {} cannot be read", key);
    const verify::Tell tell = [this](std::string_view invariant, const std::string& text) {
        report_.violated(invariant, "{}", text);
    };
    for (const Execution& next : txn.records) {
        verify::check_shape(next, tell);
        if (const core::Job* job = version(seen, next)) verify::check_caps(next, *job, tell);
        const auto last = seen.executions.find(next.id);
        // A forgotten one that is asked for again is another one.
        if (last == seen.executions.end() || last->second.forgotten) {
            check_new(seen, txn, next);
        } else {
            check_change(seen, last->second.now, next);
        }
    }
    for (const core::ExecutionId& id : txn.forgotten) {
        const auto at = seen.executions.find(id);
        if (at == seen.executions.end()) continue;
        if (core::is_open(at->second.now.state))
            report_.violated("I13", "{} was forgotten while it was open", core::to_text(id));
        const auto cursor = seen.cursors.find(shard_of(at->second.now.job_name));
        if (cursor == seen.cursors.end() ||
            at->second.now.scheduled_at > cursor->second.decided_up_to(id.uid))
            if (id.trigger.kind == core::TriggerKind::tick)
                report_.violated("I12", "{} was forgotten before its cursor had passed it",
                                 core::to_text(id));
    }
    for (const auto& [slot, who] : txn.slots_taken)
        if (const auto held = seen.slots.find(slot); held != seen.slots.end())
            report_.violated("I5", "slot {} of {} was taken by {} from {}", slot.number,
                             to_hex(slot.uid), who, held->second);
}

void RecordCheck::check_new(const Seen& seen, const TxnSeen& txn, const Execution& next) {
    const std::string id = core::to_text(next.id);
    if (!txn.shard || next.nonce != txn.cursor.nonce)
        report_.violated("I2", "{} came to be without a decision", id);
    if (next.state != ExecutionState::waiting && next.state != ExecutionState::skipped &&
        next.state != ExecutionState::coalesced)
        report_.violated("I13", "{} began as {}", id, core::to_text(next.state));
    if (next.id.trigger.kind != core::TriggerKind::tick && !seen.triggers.contains(next.id))
        report_.violated("I8", "{} was decided and nobody had asked for it", id);
    if (next.attempt != AttemptNo(1) || !next.attempts.empty())
        report_.violated("I13", "{} began with attempt {}", id, next.attempt.value);
}

void RecordCheck::check_change(const Seen& seen, const Execution& last, const Execution& next) {
    const std::string id = core::to_text(next.id);
    if (!may_follow(last, next))
        report_.violated("I13", "{} went from {} (attempt {}) to {} (attempt {})", id,
                         core::to_text(last.state), last.attempt.value, core::to_text(next.state),
                         next.attempt.value);
    if (next.scheduled_at != last.scheduled_at || next.decided_at != last.decided_at ||
        next.generation != last.generation ||
        (next.slot != last.slot && (last.slot >= 0 || next.state != ExecutionState::claimed)) ||
        next.job_name != last.job_name)
        report_.violated("I13", "{} forgot how it was decided", id);
    if (next.state == ExecutionState::claimed) {
        // A clock that was set back had been there before.
        bool early = last.not_before.is_set() && next.dispatched_at < last.not_before;
        for (const auto& [name, agent] : fleet_.agents)
            for (const WallClock::Step& step : agent.clock->steps())
                early &= step.from < last.not_before;
        if (early)
            report_.violated("I9", "{} was claimed at {}, not to start before {}", id,
                             to_rfc3339(next.dispatched_at), to_rfc3339(last.not_before));
        if (const auto job = seen.jobs.find(next.id.uid);
            job != seen.jobs.end() && job->second.deleted)
            report_.violated("I15", "{} was claimed after its job {} was deleted", id,
                             next.job_name);
    }
    if (last.state == ExecutionState::claimed) check_result(seen, last, next);
    if (core::is_ended(next.state)) check_caps(seen, next);
}

// What is recorded of an attempt is what its process says.
void RecordCheck::check_result(const Seen& seen, const Execution& last, const Execution& next) {
    const std::string id = core::to_text(next.id);
    const bool again = next.state == ExecutionState::retry_wait;
    const ExecutionState outcome =
        again && !next.attempts.empty() ? next.attempts.back().outcome : next.state;
    const std::int32_t exit_code =
        again && !next.attempts.empty() ? next.attempts.back().exit_code : next.exit_code;
    const LedgerEntry* true_run = ledger_.find({next.id, last.attempt});
    if (!true_run) {
        if (outcome == ExecutionState::succeeded || outcome == ExecutionState::timed_out ||
            exit_code != 0)
            report_.violated("I8", "{} is recorded as {} (exit status {}), and attempt {} never ran",
                             id, core::to_text(outcome), exit_code, last.attempt.value);
        return;
    }
    if (!true_run->ended) {
        const core::Job* job = version(seen, next);
        const bool no_guard = job && job->spec.on_lost == core::OnLost::fail &&
                              core::concurrency_limit(job->spec.concurrency,
                                                      job->spec.max_concurrency) == 0;
        if (no_guard && outcome == ExecutionState::lost && !again) return;  // no successor ever
        report_.violated("I4", "attempt {} of {} was given up while it ran", last.attempt.value, id);
        return;
    }
    // Nobody lived to tell how it ended.
    if (outcome == ExecutionState::lost) return;
    if (outcome != true_run->result.outcome || exit_code != true_run->result.exit_code)
        report_.violated("I7", "attempt {} of {} is recorded as {} (exit status {}) and was {} ({})",
                         last.attempt.value, id, core::to_text(outcome), exit_code,
                         core::to_text(true_run->result.outcome), true_run->result.exit_code);
}

void RecordCheck::check_caps(const Seen& seen, const Execution& next) {
    const core::Job* job = version(seen, next);
    if (!job) {
        report_.violated("unknown", "{}: its version {} of the job was never saved",
                         core::to_text(next.id), next.generation.value);
        return;
    }
    std::uint32_t failed = 0;
    std::uint32_t lost = 0;
    for (std::uint32_t n = 1; n <= next.attempt.value; ++n) {
        const LedgerEntry* run = ledger_.find({next.id, AttemptNo(n)});
        if (!run) continue;
        // How it ended may have died with its machine.
        const bool untold =
            n <= next.attempts.size() ? next.attempts[n - 1].outcome == ExecutionState::lost
                                      : next.state == ExecutionState::lost;
        if (untold || run->result.outcome == ExecutionState::lost)
            ++lost;
        else if (run->result.outcome == ExecutionState::failed ||
                 run->result.outcome == ExecutionState::timed_out)
            ++failed;
    }
    const bool retried = job->spec.on_failure != core::OnFailure::failfast;
    const std::uint32_t most = 1 + (retried ? job->spec.retries : 0);
    if (failed > most || lost > job->spec.lost_retries + 1)
        report_.violated("I11", "{} was tried too often: {} failed, {} lost, {} retries",
                         core::to_text(next.id), failed, lost, job->spec.retries);
    const bool gave_up = next.state == ExecutionState::failed || next.state == ExecutionState::timed_out;
    const bool by_itself = next.reason == Reason::none || next.reason == Reason::late ||
                           next.reason == Reason::caught_up;
    if (gave_up && failed < most && by_itself && seen.present(next.id.uid))
        report_.violated("I11", "{} was given up after {} of {} attempts", core::to_text(next.id),
                         failed, most);
}

void RecordCheck::after(const Seen& seen, const TxnSeen& txn) {
    for (const Execution& record : txn.records) {
        const std::string id = core::to_text(record.id);
        const bool open = core::is_open(record.state);
        if (seen.open.contains(record.id) != open)
            report_.violated("I16", "{} is {} and {} among the open ones", id,
                             core::to_text(record.state), open ? "not" : "still");
        if (record.slot >= 0) {
            const auto held = seen.slots.find({record.id.uid, record.slot});
            const bool holds = held != seen.slots.end() && held->second == id;
            if (holds != open)
                report_.violated("I16", "{} is {} and {} its slot", id, core::to_text(record.state),
                                 holds ? "still holds" : "does not hold");
        }
        Ends& ends = ends_[record.id.uid];
        if (record.state == ExecutionState::succeeded) {
            ++ends.succeeded;
        } else if (core::is_ended(record.state) && record.state != ExecutionState::cancelled) {
            ++ends.failed;
        }
    }
    for (const auto& [uid, stats] : txn.stats) {
        const Ends& ends = ends_[uid];
        if (stats.success_count != ends.succeeded || stats.error_count != ends.failed)
            report_.violated("I7", "job {} counts {} successes and {} errors; there were {} and {}",
                             to_hex(uid), stats.success_count, stats.error_count, ends.succeeded,
                             ends.failed);
    }
}

}  // namespace khronos::sim

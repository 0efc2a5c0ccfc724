// What the workers say, and what becomes of their executions by it.
#include <algorithm>
#include <utility>

#include "core/dispatch/dispatch_engine.h"

namespace khronos::core {
namespace {

// The present attempt as a line of the execution's past.
AttemptRecord attempt_record(const Execution& e, const RunResult& result) {
    return {e.attempt,       e.token,          e.worker,       e.node,        result.started_at,
            result.finished_at, result.outcome, result.exit_code, result.signal, result.message};
}

void take_result(Execution& e, const RunResult& result) {
    e.started_at = result.started_at;
    e.finished_at = result.finished_at;
    e.exit_code = result.exit_code;
    e.signal = result.signal;
    e.message = result.message;
    e.output_tail = result.output_tail;
    e.output_bytes = result.output_bytes;
    // That it ran late is worth keeping; why an earlier attempt failed is in its own record.
    const bool late = e.reason == Reason::late || e.reason == Reason::caught_up;
    if (result.reason != Reason::none || !late) e.reason = result.reason;
}

// Makes the record that of the next attempt, which is not to start before `not_before`.
void next_attempt(Execution& e, const RunResult& result, WallTime not_before) {
    e.attempts.push_back(attempt_record(e, result));
    e.state = ExecutionState::retry_wait;
    e.attempt = e.attempt.next();
    e.token = {};
    e.worker.clear();
    e.node.clear();
    e.dispatched_at = {};
    e.not_before = not_before;
}

}  // namespace

void DispatchEngine::from_worker(const WorkerId& worker, const FromWorker& message, Now now,
                                 DispatchEffects& effects, std::uint64_t random) {
    if (const auto* hello = std::get_if<Hello>(&message)) {
        on_hello(worker, *hello, now, effects, random);
    } else if (const auto* accepted = std::get_if<Accepted>(&message)) {
        on_accepted(worker, *accepted, now, effects);
    } else if (const auto* refused = std::get_if<Refused>(&message)) {
        on_refused(worker, *refused, now, effects);
    } else if (const auto* started = std::get_if<Started>(&message)) {
        Item* running = item(started->id.execution);
        if (running && running->phase == Phase::running &&
            running->record.attempt == started->id.attempt && running->record.token == started->token)
            running->record.started_at = started->at;
    } else if (const auto* finished = std::get_if<Finished>(&message)) {
        on_finished(worker, finished->id, finished->token, finished->result, now, effects, random);
    } else if (const auto* heartbeat = std::get_if<Heartbeat>(&message)) {
        effects.push_back(SendToWorker{worker, HeartbeatAck{heartbeat->sequence}});
    }
}

void DispatchEngine::on_hello(const WorkerId& id, const Hello& hello, Now now,
                              DispatchEffects& effects, std::uint64_t random) {
    // Offers that the former incarnation never answered are known not to run.
    if (workers_.contains(id)) worker_gone(id, now, effects);
    Worker& worker = workers_[id];
    worker.view = {id,         hello.node,  hello.boot_id, hello.applications,
                   hello.tags, hello.slots, 0,             true};
    for (const auto& [execution, held] : items_)
        if (held.worker == id) ++worker.view.used;
    effects.push_back(SendToWorker{id, Welcome{}});
    reconcile(id, hello, now, effects, random);
    pump(now, effects);
}

// Brings together what the worker holds and what we think it does.
void DispatchEngine::reconcile(const WorkerId& id, const Hello& hello, Now now,
                               DispatchEffects& effects, std::uint64_t random) {
    std::set<ExecutionId> told;
    for (const HeldAttempt& held : hello.held) {
        Item* known = item(held.id.execution);
        // What is being written is not known yet; what follows from it comes with its outcome.
        if (known && known->worker == id && attempt_at_worker(known->record) == held.id.attempt &&
            (known->phase == Phase::claiming || known->phase == Phase::ending))
            continue;
        const bool present = known && known->phase == Phase::running && known->worker == id &&
                             known->record.attempt == held.id.attempt;
        if (!present) {
            // Claimed by nobody, or by another attempt since: it may not run on.
            if (held.state == HeldState::ended) {
                effects.push_back(SendToWorker{id, Acknowledge{held.id}});
            } else {
                effects.push_back(SendToWorker{id, Cancel{held.id, Reason::worker_lost}});
            }
            continue;
        }
        told.insert(held.id.execution);
        switch (held.state) {
            case HeldState::accepted:
                give_leave(*known, effects);
                break;
            case HeldState::running:
                if (known->cancel_asked)
                    effects.push_back(SendToWorker{id, Cancel{held.id, known->cancel_reason}});
                break;
            case HeldState::ended:
                on_finished(id, held.id, held.token, held.result, now, effects, random);
                break;
        }
    }
    // The worker's list is complete: a claimed attempt that is not on it does not run.
    std::vector<ExecutionId> missing;
    for (const auto& [execution, known] : items_)
        if (known.worker == id && known.phase == Phase::running && !told.contains(execution))
            missing.push_back(execution);
    for (const ExecutionId& execution : missing) {
        RunResult result;
        result.outcome = ExecutionState::lost;
        result.reason = Reason::worker_lost;
        result.finished_at = now.wall;
        result.message = "the worker knows nothing of this run any more";
        const Item& known = *item(execution);
        on_finished(id, {execution, known.record.attempt}, known.record.token, result, now,
                    effects, random);
    }
}

void DispatchEngine::worker_gone(const WorkerId& id, Now now, DispatchEffects& effects) {
    const auto at = workers_.find(id);
    if (at == workers_.end()) return;
    at->second.view.connected = false;
    // What was offered and never claimed is known not to run: it goes elsewhere at once.
    std::vector<ExecutionId> offered;
    for (const auto& [execution, candidate] : items_)
        if (candidate.worker == id && candidate.phase == Phase::offered)
            offered.push_back(execution);
    for (const ExecutionId& execution : offered) back_to_waiting(*item(execution), now.wall, now);
    pump(now, effects);
}

void DispatchEngine::on_accepted(const WorkerId& id, const Accepted& message, Now now,
                                 DispatchEffects& effects) {
    Item* offered = item(message.id.execution);
    if (!offered || offered->worker != id || offered->record.attempt != message.id.attempt) {
        effects.push_back(SendToWorker{id, Cancel{message.id, Reason::worker_lost}});
        return;
    }
    if (offered->phase == Phase::running) {  // said twice: the leave was given
        give_leave(*offered, effects);
        return;
    }
    if (offered->phase != Phase::offered) return;
    if (draining_) {  // nothing is claimed: somebody else will offer it again
        effects.push_back(SendToWorker{id, Cancel{message.id, Reason::none}});
        back_to_waiting(*offered, now.wall, now);
        return;
    }
    Execution next = offered->record;
    next.state = ExecutionState::claimed;
    next.reason = next.reason == Reason::no_worker ? Reason::none : next.reason;
    next.worker = id;
    next.node = workers_.at(id).view.node;
    next.dispatched_at = now.wall;
    next.started_at = {};
    next.finished_at = {};
    next.token = {};
    write(*offered, WriteExecution::What::claim, std::move(next), effects);
}

void DispatchEngine::on_refused(const WorkerId& id, const Refused& message, Now now,
                                DispatchEffects& effects) {
    Item* known = item(message.id.execution);
    if (!known || known->worker != id || known->record.attempt != message.id.attempt) return;
    if (known->phase != Phase::offered && known->phase != Phase::running) return;
    if (!message.retry_elsewhere) {
        known->record.message = message.message;
        end(*known, ExecutionState::failed, message.reason, now, effects);
        return;
    }
    if (known->phase == Phase::offered) {
        known->record.message = message.message;
        back_to_waiting(*known, now.wall + config_.refused_pause, now);
        return;
    }
    // Claimed and certainly not started: another try that costs nothing.
    RunResult result;
    result.outcome = ExecutionState::failed;
    result.reason = message.reason;
    result.message = message.message;
    result.finished_at = now.wall;
    Execution next = known->record;
    next_attempt(next, result, now.wall + config_.refused_pause);
    write(*known, WriteExecution::What::retry, std::move(next), effects);
}

void DispatchEngine::on_finished(const WorkerId& id, const AttemptId& attempt, FenceToken token,
                                 const RunResult& result, Now now, DispatchEffects& effects,
                                 std::uint64_t random) {
    Item* known = item(attempt.execution);
    if (!known || known->worker != id || known->record.attempt != attempt.attempt ||
        known->record.token != token) {
        // A duplicate of what is settled: let the worker forget it. While an end is being
        // written the acknowledgement follows from that.
        const bool ending = known && known->phase == Phase::ending && known->worker == id &&
                            attempt_at_worker(known->record) == attempt.attempt;
        if (!ending && (!known || known->record.attempt != attempt.attempt))
            effects.push_back(SendToWorker{id, Acknowledge{attempt}});
        return;
    }
    if (known->phase != Phase::running) return;
    const RetryRules& rules = known->plan.retry;
    Execution next = known->record;
    take_result(next, result);

    bool again = false;
    Duration pause{0};
    switch (result.outcome) {
        case ExecutionState::failed:
        case ExecutionState::timed_out:
            ++next.failed_count;
            again = next.failed_count <= rules.retries && rules.on_failure != OnFailure::failfast &&
                    result.reason != Reason::no_executor;
            if (again) pause = retry_wait(rules, next.failed_count, random);
            break;
        case ExecutionState::lost:
            ++next.lost_count;
            again = rules.on_lost == OnLost::retry && next.lost_count <= rules.lost_retries;
            break;
        case ExecutionState::succeeded:
        case ExecutionState::cancelled:
        case ExecutionState::unknown:
        case ExecutionState::waiting:
        case ExecutionState::claimed:
        case ExecutionState::retry_wait:
        case ExecutionState::skipped:
        case ExecutionState::coalesced:
            break;
    }
    if (again && !known->cancel_asked && !known->job_gone) {
        next_attempt(next, result, now.wall + pause);
        write(*known, WriteExecution::What::retry, std::move(next), effects);
        return;
    }
    next.state = is_ended(result.outcome) ? result.outcome : ExecutionState::failed;
    if (known->cancel_asked && next.state == ExecutionState::cancelled)
        next.reason = known->cancel_reason;
    write(*known, WriteExecution::What::end, std::move(next), effects);
}

}  // namespace khronos::core

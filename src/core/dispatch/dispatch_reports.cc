// What the workers say about attempts, and what becomes of their executions by it.
#include <algorithm>
#include <utility>

#include "core/dispatch/dispatch_engine.h"

namespace khronos::core {
namespace {

// A job whose runs are lost with so many different workers kills them: it is not tried again.
constexpr std::size_t kPoisonWorkers = 2;

// The present attempt as a line of the execution's past.
AttemptRecord attempt_record(const Execution& e, const RunResult& result) {
    return {e.attempt,          e.token,        e.worker,         e.node,        result.started_at,
            result.finished_at, result.outcome, result.exit_code, result.signal, result.message,
            result.reason};
}

bool was_late(const Execution& e) {
    return e.reason == Reason::late || e.reason == Reason::caught_up;
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
    if (result.reason != Reason::none || !was_late(e)) e.reason = result.reason;
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

// A worker whose machine died before the start was on its disk knows the attempt and no token. An
// attempt is claimed once, so there is no other one that it could mean.
bool is_token_of(FenceToken token, const Execution& e) {
    return !token || token == e.token;
}

bool died_with_worker(const RunResult& result) {
    return result.outcome == ExecutionState::lost && result.reason == Reason::worker_lost;
}

// Whether this attempt's end shows that the job kills the workers that run it.
bool is_poison(const Execution& e, const RunResult& result) {
    if (!died_with_worker(result)) return false;
    std::set<WorkerId> killed{e.worker};
    for (const AttemptRecord& past : e.attempts)
        if (past.outcome == ExecutionState::lost && past.reason == Reason::worker_lost)
            killed.insert(past.worker);
    return killed.size() >= kPoisonWorkers;
}

}  // namespace

void DispatchEngine::from_worker(const WorkerId& worker, const FromWorker& message, Now now,
                                 DispatchEffects& effects, std::uint64_t random) {
    workers_.heard(worker, now.mono);
    if (const auto* hello = std::get_if<Hello>(&message))
        return on_hello(worker, *hello, now, effects, random);
    if (workers_.rejected(worker)) return;
    if (const auto* accepted = std::get_if<Accepted>(&message)) {
        on_accepted(worker, *accepted, now, effects);
    } else if (const auto* refused = std::get_if<Refused>(&message)) {
        on_refused(worker, *refused, now, effects);
    } else if (const auto* started = std::get_if<Started>(&message)) {
        on_started(*started);
    } else if (const auto* finished = std::get_if<Finished>(&message)) {
        const HeldAttempt held{finished->id, finished->token, HeldState::ended, finished->result,
                               finished->shard};
        on_finished(worker, held, now, effects, random);
    } else if (const auto* answer = std::get_if<Answer>(&message)) {
        on_answer(worker, *answer, now, effects, random);
    } else if (const auto* heartbeat = std::get_if<Heartbeat>(&message)) {
        on_heartbeat(worker, *heartbeat, now, effects);
    } else if (const auto* load = std::get_if<Load>(&message)) {
        workers_.load(worker, *load);
        pump(now, effects);
    }
}

// ---- what a worker holds, by its hello or its answer

// What is being written is not known yet; what follows from it comes with its outcome.
bool DispatchEngine::being_written(const WorkerId& id, const Item* known,
                                   const AttemptId& attempt) const {
    return known && known->worker == id && attempt_at_worker(known->record) == attempt.attempt &&
           (known->phase == Phase::claiming || known->phase == Phase::ending);
}

void DispatchEngine::held_by(const WorkerId& id, const HeldAttempt& held, Now now,
                             DispatchEffects& effects, std::uint64_t random) {
    if (!loaded_[held.shard.value]) return;  // its owner asks for it
    Item* known = item(held.id.execution);
    if (being_written(id, known, held.id)) return;
    const bool present = known && known->phase == Phase::running && known->worker == id &&
                         known->record.attempt == held.id.attempt &&
                         is_token_of(held.token, known->record);
    if (!present) {
        if (known && known->phase == Phase::offered && known->worker == id &&
            known->record.attempt == held.id.attempt && held.state == HeldState::accepted)
            return on_accepted(id, {held.id, held.shard}, now, effects);
        // Nobody's, as far as this engine knows. Only the store knows for certain.
        effects.push_back(CheckHeld{id, held});
        return;
    }
    switch (held.state) {
        case HeldState::accepted:
        case HeldState::running:
            // The leave to start, or to go on.
            give_leave(*known, effects);
            break;
        case HeldState::ended:
            ended(*known, held.result, now, effects, random);
            break;
    }
}

void DispatchEngine::checked(const WorkerId& worker, const HeldAttempt& held,
                             const std::optional<Execution>& record, DispatchEffects& effects) {
    const ExecutionId& id = held.id.execution;
    Item* known = item(id);
    // What happened meanwhile has the word.
    if (known && known->worker == worker && attempt_at_worker(known->record) == held.id.attempt)
        return;
    const bool over = !record || !is_open(record->state) || record->attempt > held.id.attempt;
    if (!over && record->state == ExecutionState::claimed && record->worker == worker &&
        record->attempt == held.id.attempt)
        return;  // it is somebody's: ours no more, or not yet
    if (over && held.state == HeldState::ended) {
        effects.push_back(SendToWorker{worker, Acknowledge{held.id}});
    } else {
        // Claimed by nobody, or by another attempt since: it may not run on.
        effects.push_back(SendToWorker{worker, Cancel{held.id, Reason::worker_lost, held.token}});
    }
}

void DispatchEngine::on_answer(const WorkerId& id, const Answer& answer, Now now,
                               DispatchEffects& effects, std::uint64_t random) {
    Item* known = item(answer.id.execution);
    if (answer.state == AnswerState::never) {
        if (!known || known->phase != Phase::running || known->worker != id ||
            known->record.attempt != answer.id.attempt || known->record.token > answer.token)
            return;
        return not_started(*known, Reason::worker_lost,
                           "the worker never got to know that it should start", now, effects);
    }
    HeldAttempt held{answer.id, answer.token, HeldState::ended, answer.result, answer.shard};
    if (answer.state == AnswerState::accepted) held.state = HeldState::accepted;
    if (answer.state == AnswerState::running) held.state = HeldState::running;
    held_by(id, held, now, effects, random);
}

// ---- from offer to claim

void DispatchEngine::on_accepted(const WorkerId& id, const Accepted& message, Now now,
                                 DispatchEffects& effects) {
    if (!loaded_[message.shard.value]) return;  // the worker gives it up by itself
    Item* offered = item(message.id.execution);
    if (!offered || offered->worker != id || offered->record.attempt != message.id.attempt) {
        effects.push_back(SendToWorker{id, Cancel{message.id, Reason::worker_lost, FenceToken{}}});
        return;
    }
    if (offered->phase == Phase::running) {  // said twice: the leave was given
        give_leave(*offered, effects);
        return;
    }
    if (offered->phase != Phase::offered) return;
    if (draining_) {  // nothing is claimed: somebody else will offer it again
        effects.push_back(SendToWorker{id, Cancel{message.id, Reason::none, FenceToken{}}});
        back_to_waiting(*offered, now.wall, now);
        return;
    }
    Execution next = offered->record;
    next.state = ExecutionState::claimed;
    if (!was_late(next)) next.reason = Reason::none;
    next.worker = id;
    next.node = workers_.find(id)->node;
    next.dispatched_at = now.wall;
    next.started_at = {};
    next.finished_at = {};
    next.token = {};
    next.message.clear();
    const bool takes_slot = next.slot < 0 && offered->place >= 0;
    if (takes_slot) next.slot = offered->place;
    write(*offered, WriteExecution::What::claim, std::move(next), effects);
    std::get<WriteExecution>(effects.back()).takes_slot = takes_slot;
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
    if (known->phase == Phase::running)
        return not_started(*known, message.reason, message.message, now, effects);
    known->record.message = message.message;
    known->refused_by.insert(id);
    workers_.pause(id, now.wall + config_.refused_pause);
    // Any other one may have it at once.
    Needs needs;
    needs.application = known->plan.run.application;
    needs.tags = known->plan.tags;
    bool others = false;
    for (const WorkerId& other : workers_.serving(needs))
        others |= !known->refused_by.contains(other);
    back_to_waiting(*known, others ? now.wall : now.wall + config_.refused_pause, now);
    if (others) pump(now, effects);
}

// Claimed and certainly not started: another try that costs nothing.
void DispatchEngine::not_started(Item& item, Reason reason, const std::string& message, Now now,
                                 DispatchEffects& effects) {
    RunResult result;
    result.outcome = ExecutionState::failed;
    result.reason = reason == Reason::worker_lost ? Reason::start_failed : reason;
    result.message = message;
    result.finished_at = now.wall;
    Execution next = item.record;
    next_attempt(next, result, now.wall + config_.refused_pause);
    write(item, WriteExecution::What::retry, std::move(next), effects);
}

void DispatchEngine::on_started(const Started& message) {
    Item* running = item(message.id.execution);
    if (running && running->phase == Phase::running && message.at.is_set() &&
        running->record.attempt == message.id.attempt && running->record.token == message.token)
        running->record.started_at = message.at;
}

// ---- ends

void DispatchEngine::on_finished(const WorkerId& id, const HeldAttempt& held, Now now,
                                 DispatchEffects& effects, std::uint64_t random) {
    Item* known = item(held.id.execution);
    const bool of_present =
        known && known->worker == id && known->record.attempt == held.id.attempt;
    // An old token changes nothing; while an end is written the acknowledgement follows from that.
    if (of_present && (!is_token_of(held.token, known->record) || known->phase != Phase::running))
        return;
    held_by(id, held, now, effects, random);
}

void DispatchEngine::ended(Item& item, const RunResult& result, Now now, DispatchEffects& effects,
                           std::uint64_t random, std::optional<SilentSince> silent) {
    const RetryRules& rules = item.plan.retry;
    Execution next = item.record;
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
            if (is_poison(item.record, result)) {
                again = false;
                next.reason = Reason::poison;
                next.message =
                    "it took a second worker with it and is not tried again; " + next.message;
            }
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
    const std::size_t before = effects.size();
    if (again && !item.cancel_asked && !item.job_gone) {
        next_attempt(next, result, now.wall + pause);
        write(item, WriteExecution::What::retry, std::move(next), effects);
    } else {
        next.state = is_ended(result.outcome) ? result.outcome : ExecutionState::failed;
        // One that failed while it was asked to end was not tried again for that reason.
        const bool unexplained = next.state == ExecutionState::cancelled ||
                                 (next.state != ExecutionState::succeeded &&
                                  next.reason == Reason::none);
        if (item.cancel_asked && unexplained) next.reason = item.cancel_reason;
        write(item, WriteExecution::What::end, std::move(next), effects);
    }
    std::get<WriteExecution>(effects[before]).silent = std::move(silent);
}

}  // namespace khronos::core

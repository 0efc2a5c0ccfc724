#include "core/dispatch/dispatch_engine.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace khronos::core {
namespace {

bool serves(const WorkerView& worker, const RunPlan& plan) {
    return std::find(worker.applications.begin(), worker.applications.end(),
                     plan.run.application) != worker.applications.end();
}

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

// The attempt that its worker knows of: of a retry that is being written, the one before.
AttemptNo attempt_at_worker(const Execution& e) {
    return e.state == ExecutionState::retry_wait && !e.attempts.empty() ? e.attempts.back().attempt
                                                                        : e.attempt;
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

DispatchEngine::Item* DispatchEngine::item(const ExecutionId& id) {
    const auto at = items_.find(id);
    return at == items_.end() ? nullptr : &at->second;
}

const Execution* DispatchEngine::find(const ExecutionId& id) const {
    const auto at = items_.find(id);
    return at == items_.end() ? nullptr : &at->second.record;
}

// ---- waits and queues

void DispatchEngine::wait(Item& item, WallTime until) {
    unwait(item);
    item.wait_until = until;
    waits_.emplace(until, item.record.id);
}

void DispatchEngine::unwait(Item& item) {
    if (!item.wait_until.is_set()) return;
    waits_.erase({item.wait_until, item.record.id});
    item.wait_until = {};
}

void DispatchEngine::enqueue(Item& item, Now now) {
    if (item.record.not_before.is_set() && item.record.not_before > now.wall) {
        wait(item, item.record.not_before);
        return;
    }
    if (!item.queued) {
        item.queued = true;
        queues_[item.plan.run.application].push_back(item.record.id);
    }
    if (const auto deadline = start_deadline(item)) wait(item, *deadline);
}

// Until when the first attempt may wait for a worker: from when it could have started.
std::optional<WallTime> DispatchEngine::start_deadline(const Item& item) {
    if (item.plan.start_deadline <= Duration(0) || item.record.attempt != AttemptNo(1))
        return std::nullopt;
    return std::max(item.record.decided_at, item.record.not_before) + item.plan.start_deadline;
}

void DispatchEngine::back_to_waiting(Item& item, WallTime until, Now now) {
    release_worker(item);
    item.phase = Phase::waiting;
    if (until > now.wall) {
        wait(item, until);
    } else {
        enqueue(item, now);
    }
}

WallTime DispatchEngine::next_wake() const {
    return waits_.empty() ? WallTime::max() : waits_.begin()->first;
}

void DispatchEngine::wake(Now now, DispatchEffects& effects) {
    while (!waits_.empty() && waits_.begin()->first <= now.wall) {
        Item* due = item(waits_.begin()->second);
        CHECK(due != nullptr);
        unwait(*due);
        if (due->phase != Phase::waiting) continue;
        if (const auto deadline = start_deadline(*due); deadline && *deadline <= now.wall) {
            due->record.message = "no worker took it before its start deadline";
            end(*due, ExecutionState::failed, Reason::deadline, now, effects);
        } else {
            enqueue(*due, now);
        }
    }
    pump(now, effects);
}

// ---- placement

DispatchEngine::Worker* DispatchEngine::pick(const Item& item) {
    // Least loaded in relation to its slots; among equals in turn.
    Worker* best = nullptr;
    std::uint64_t seen = 0;
    for (auto& [id, worker] : workers_) {
        WorkerView& view = worker.view;
        if (!view.connected || view.used >= view.slots || !serves(view, item.plan)) continue;
        ++seen;
        if (!best) {
            best = &worker;
            continue;
        }
        const std::uint64_t mine = std::uint64_t{view.used} * best->view.slots;
        const std::uint64_t theirs = std::uint64_t{best->view.used} * view.slots;
        if (mine < theirs || (mine == theirs && turn_ % seen == 0)) best = &worker;
    }
    if (best) ++turn_;
    return best;
}

void DispatchEngine::pump(Now now, DispatchEffects& effects) {
    if (!started_ || draining_) return;
    for (auto& [application, queue] : queues_) {
        while (!queue.empty()) {
            Item* next = item(queue.front());
            if (!next || !next->queued || next->phase != Phase::waiting) {
                if (next) next->queued = false;
                queue.pop_front();
                continue;
            }
            Worker* worker = pick(*next);
            if (!worker) break;
            queue.pop_front();
            next->queued = false;
            unwait(*next);
            next->phase = Phase::offered;
            next->worker = worker->view.id;
            ++worker->view.used;
            RunSpec run = next->plan.run;
            run.id = {next->record.id, next->record.attempt};
            effects.push_back(SendToWorker{worker->view.id, Offer{std::move(run)}});
        }
    }
    (void)now;
}

void DispatchEngine::release_worker(Item& item) {
    if (item.worker.empty()) return;
    const auto at = workers_.find(item.worker);
    if (at != workers_.end() && at->second.view.used > 0) --at->second.view.used;
    item.worker.clear();
}

// ---- executions

void DispatchEngine::open(Execution execution, Revision revision, RunPlan plan, Now now,
                          DispatchEffects& effects) {
    const ExecutionId id = execution.id;
    if (items_.contains(id)) return;
    Item& made = items_[id];
    made.record = std::move(execution);
    made.revision = revision;
    made.plan = std::move(plan);
    if (made.record.state == ExecutionState::claimed) {
        // The token is the claim's revision: the record could not say it before it was written.
        if (!made.record.token) made.record.token = FenceToken(config_.token_base + revision.value);
        made.phase = Phase::running;
        made.worker = made.record.worker;
        const auto at = workers_.find(made.worker);
        if (at != workers_.end()) ++at->second.view.used;
        return;
    }
    enqueue(made, now);
    if (made.queued) pump(now, effects);
}

void DispatchEngine::drop(const ExecutionId& id) {
    Item* gone = item(id);
    if (!gone) return;
    unwait(*gone);
    release_worker(*gone);
    items_.erase(id);
}

void DispatchEngine::start(Now now, DispatchEffects& effects) {
    started_ = true;
    pump(now, effects);
}

void DispatchEngine::write(Item& item, WriteExecution::What what, Execution next,
                           DispatchEffects& effects) {
    WriteExecution effect;
    effect.what = what;
    effect.expected = item.revision;
    effect.ephemeral_done = what == WriteExecution::What::end && item.plan.ephemeral &&
                            next.state == ExecutionState::succeeded;
    item.record = next;
    effect.next = std::move(next);
    item.phase = what == WriteExecution::What::claim ? Phase::claiming : Phase::ending;
    effects.push_back(std::move(effect));
}

void DispatchEngine::end(Item& item, ExecutionState state, Reason reason, Now now,
                         DispatchEffects& effects) {
    unwait(item);
    Execution next = item.record;
    next.state = state;
    if (reason != Reason::none) next.reason = reason;
    if (!next.finished_at.is_set()) next.finished_at = now.wall;
    write(item, WriteExecution::What::end, std::move(next), effects);
}

void DispatchEngine::give_leave(Item& item, DispatchEffects& effects) {
    const AttemptId attempt{item.record.id, item.record.attempt};
    effects.push_back(SendToWorker{item.worker, Start{attempt, item.record.token}});
    if (item.cancel_asked)
        effects.push_back(SendToWorker{item.worker, Cancel{attempt, item.cancel_reason}});
}

void DispatchEngine::write_applied(const ExecutionId& id, Revision revision, Now now,
                                   DispatchEffects& effects) {
    Item* written = item(id);
    if (!written) return;
    written->revision = revision;
    switch (written->record.state) {
        case ExecutionState::claimed:
            written->record.token = FenceToken(config_.token_base + revision.value);
            written->phase = Phase::running;
            give_leave(*written, effects);
            return;
        case ExecutionState::retry_wait:
            if (!written->worker.empty()) {
                effects.push_back(SendToWorker{
                    written->worker, Acknowledge{{id, attempt_at_worker(written->record)}}});
            }
            release_worker(*written);
            written->phase = Phase::waiting;
            if (written->cancel_asked || written->job_gone) {
                end(*written, ExecutionState::cancelled,
                    written->cancel_asked ? written->cancel_reason : Reason::deleted, now, effects);
                return;
            }
            enqueue(*written, now);
            pump(now, effects);
            return;
        case ExecutionState::succeeded:
        case ExecutionState::failed:
        case ExecutionState::timed_out:
        case ExecutionState::cancelled:
        case ExecutionState::lost:
            if (!written->worker.empty())
                effects.push_back(SendToWorker{written->worker,
                                               Acknowledge{{id, written->record.attempt}}});
            release_worker(*written);
            items_.erase(id);
            pump(now, effects);
            return;
        case ExecutionState::unknown:
        case ExecutionState::waiting:
        case ExecutionState::skipped:
        case ExecutionState::coalesced:
            break;
    }
    CHECK(false);  // nothing else is ever written
}

void DispatchEngine::reload(const ExecutionId& id, std::optional<Execution> execution,
                            Revision revision, Now now, DispatchEffects& effects) {
    Item* known = item(id);
    if (!known) return;
    if (known->phase == Phase::claiming && !known->worker.empty()) {
        // The worker has accepted it and waits for its leave: it keeps a slot.
        const AttemptNo attempt = known->record.attempt;
        const bool claimed = execution && execution->state == ExecutionState::claimed &&
                             execution->worker == known->worker && execution->attempt == attempt;
        if (!claimed)
            effects.push_back(SendToWorker{known->worker, Cancel{{id, attempt}, Reason::none}});
    }
    if (!execution || !is_open(execution->state)) {
        if (known->phase == Phase::ending && !known->worker.empty()) {
            effects.push_back(
                SendToWorker{known->worker, Acknowledge{{id, attempt_at_worker(known->record)}}});
        }
        drop(id);
        pump(now, effects);
        return;
    }
    RunPlan plan = std::move(known->plan);
    const bool cancel_asked = known->cancel_asked;
    const Reason cancel_reason = known->cancel_reason;
    const bool job_gone = known->job_gone;
    drop(id);
    open(std::move(*execution), revision, std::move(plan), now, effects);
    if (Item* again = item(id)) again->job_gone = job_gone;
    if (cancel_asked) cancel(id, cancel_reason, now, effects);
}

void DispatchEngine::cancel(const ExecutionId& id, Reason reason, Now now,
                            DispatchEffects& effects) {
    Item* wanted = item(id);
    if (!wanted || wanted->cancel_asked) return;
    wanted->cancel_asked = true;
    wanted->cancel_reason = reason;
    const AttemptId attempt{id, wanted->record.attempt};
    switch (wanted->phase) {
        case Phase::waiting:
            end(*wanted, ExecutionState::cancelled, reason, now, effects);
            return;
        case Phase::offered:
            // Nothing is claimed: withdraw the offer, the worker forgets it.
            effects.push_back(SendToWorker{wanted->worker, Cancel{attempt, reason}});
            release_worker(*wanted);
            end(*wanted, ExecutionState::cancelled, reason, now, effects);
            return;
        case Phase::running:
            effects.push_back(SendToWorker{wanted->worker, Cancel{attempt, reason}});
            return;
        case Phase::claiming:
        case Phase::ending:
            return;  // looked at when the write is done
    }
}

void DispatchEngine::job_deleted(JobUid uid, Now now, DispatchEffects& effects) {
    std::vector<ExecutionId> waiting;
    for (auto& [id, candidate] : items_) {
        if (id.uid != uid) continue;
        candidate.job_gone = true;
        if (candidate.phase != Phase::running) waiting.push_back(id);
    }
    for (const ExecutionId& id : waiting) cancel(id, Reason::deleted, now, effects);
}

// ---- workers

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

// ---- views

DispatchStats DispatchEngine::stats() const {
    DispatchStats stats;
    for (const auto& [id, one] : items_) {
        if (one.phase == Phase::running || one.phase == Phase::claiming ||
            one.phase == Phase::ending) {
            ++stats.running;
        } else if (one.record.state == ExecutionState::retry_wait) {
            ++stats.retry_wait;
        } else {
            ++stats.waiting;
        }
    }
    return stats;
}

std::size_t DispatchEngine::running_count() const { return stats().running; }

std::vector<Execution> DispatchEngine::running() const {
    std::vector<Execution> running;
    for (const auto& [id, one] : items_)
        if (one.phase == Phase::running) running.push_back(one.record);
    return running;
}

std::vector<WorkerView> DispatchEngine::workers() const {
    std::vector<WorkerView> views;
    for (const auto& [id, worker] : workers_) views.push_back(worker.view);
    return views;
}

}  // namespace khronos::core

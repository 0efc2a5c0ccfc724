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

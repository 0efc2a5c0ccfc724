#include "core/dispatch/dispatch_engine.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace khronos::core {
namespace {

// What the execution wants of a worker for its next attempt.
Needs needs_of(const Execution& e, const RunPlan& plan) {
    Needs needs;
    needs.application = plan.run.application;
    needs.tags = plan.tags;
    needs.type = plan.run.type;
    needs.balance = plan.balance;
    if (plan.balance == Balance::round_robin) needs.turns = e.id.uid;
    if (plan.balance == Balance::workload)
        needs.turns = JobUid(stable_hash(plan.run.application));  // ties in turn, over all jobs
    if (e.attempts.empty()) return needs;
    const AttemptRecord& last = e.attempts.back();
    const bool ran =
        last.outcome == ExecutionState::failed || last.outcome == ExecutionState::timed_out;
    if (ran && last.reason != Reason::start_failed && plan.retry.on_failure == OnFailure::failtry) {
        needs.only = last.worker;
    } else {
        needs.avoid = last.worker;
    }
    return needs;
}

}  // namespace

DispatchEngine::DispatchEngine(Config config)
    : config_(std::move(config)), workers_(config_.seed) {}

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
    if (!may_go(item)) {
        item.parked = true;
        if (const auto deadline = start_deadline(item)) wait(item, *deadline);
        return;
    }
    if (item.queue.empty()) {
        const Needs needs = needs_of(item.record, item.plan);
        item.queue = needs.key();
        Queue& queue = queues_[item.queue];
        if (queue.ids.empty()) queue.needs = needs;
        queue.ids.push_back(item.record.id);
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
            due->refused_by.clear();
            enqueue(*due, now);
        }
    }
    pump(now, effects);
}

// ---- placement

// One of each queue in turn, so that no queue waits for another one's end.
void DispatchEngine::pump(Now now, DispatchEffects& effects) {
    if (draining_) return;
    for (bool any = true; any;) {
        any = false;
        for (auto at = queues_.begin(); at != queues_.end();) {
            Queue& queue = at->second;
            Item* next = nullptr;
            while (!queue.ids.empty()) {
                next = item(queue.ids.front());
                if (next && next->queue == at->first && next->phase == Phase::waiting) break;
                if (next && next->queue == at->first) next->queue.clear();
                next = nullptr;
                queue.ids.pop_front();
            }
            if (!next) {
                at = queues_.erase(at);
                continue;
            }
            if (queue.blocked_at != workers_.version()) {
                if (const auto worker = workers_.pick(queue.needs, now.wall)) {
                    queue.ids.pop_front();
                    offer(*next, *worker, effects);
                    any = true;
                } else {
                    queue.blocked_at = workers_.version();
                }
            }
            ++at;
        }
    }
}

void DispatchEngine::offer(Item& item, const WorkerId& worker, DispatchEffects& effects) {
    item.queue.clear();
    unwait(item);
    item.phase = Phase::offered;
    put_on(item, worker);
    if (const Needs needs = needs_of(item.record, item.plan); needs.turns)
        workers_.placed(needs.turns, worker);
    RunSpec run = item.plan.run;
    run.id = {item.record.id, item.record.attempt};
    effects.push_back(SendToWorker{worker, Offer{std::move(run)}});
}

void DispatchEngine::put_on(Item& item, const WorkerId& worker) {
    item.worker = worker;
    at_worker_[worker].insert(item.record.id);
    workers_.take(worker, item.plan.run.type);
}

void DispatchEngine::release_worker(Item& item) {
    if (item.worker.empty()) return;
    workers_.release(item.worker, item.plan.run.type);
    const auto at = at_worker_.find(item.worker);
    if (at != at_worker_.end()) {
        at->second.erase(item.record.id);
        if (at->second.empty()) at_worker_.erase(at);
    }
    item.worker.clear();
}

// ---- shards

void DispatchEngine::shard_loaded(ShardId shard, Now now, DispatchEffects& effects) {
    if (loaded_[shard.value]) return;
    loaded_.set(shard.value);
    std::map<WorkerId, std::vector<Claimed>> claimed;
    for (const ExecutionId& id : of_shard_[shard]) {
        Item& one = *item(id);
        if (one.phase == Phase::running)
            claimed[one.worker].push_back({{id, one.record.attempt}, one.record.token});
        if (one.phase == Phase::waiting) enqueue(one, now);
    }
    std::set<JobUid> replacing;
    for (const ExecutionId& id : of_shard_[shard])
        if (item(id)->plan.concurrency == Concurrency::replace) replacing.insert(id.uid);
    for (const JobUid uid : replacing) replace_older(uid, now, effects);
    // Each worker is asked what became of its own, and what else it holds that is nobody's.
    for (const WorkerId& id : workers_.connected())
        ask(id, std::move(claimed[id]), {shard}, effects);
    pump(now, effects);
}

void DispatchEngine::shard_lost(ShardId shard) {
    loaded_.reset(shard.value);
    const auto at = of_shard_.find(shard);
    if (at == of_shard_.end()) return;
    const Ids gone = std::move(at->second);
    of_shard_.erase(at);
    for (const ExecutionId& id : gone) {
        workers_.forget_turns(id.uid);
        drop(id);
    }
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
    of_shard_[made.shard()].insert(id);
    of_job_[id.uid].insert(id);
    if (made.record.state == ExecutionState::claimed) {
        // The token is the claim's revision: the record could not say it before it was written.
        if (!made.record.token) made.record.token = FenceToken(config_.token_base + revision.value);
        made.phase = Phase::running;
        made.claimed_at = now.mono;
        workers_.look(made.record.worker, now.mono);
        put_on(made, made.record.worker);
        return;
    }
    if (!loaded_[made.shard().value]) return;
    enqueue(made, now);
    const bool goes = !made.queue.empty();
    if (made.plan.concurrency == Concurrency::replace) replace_older(id.uid, now, effects);
    if (goes) pump(now, effects);
}

void DispatchEngine::drop(const ExecutionId& id) {
    if (Item* gone = item(id)) forget(*gone);
}

void DispatchEngine::forget(Item& item) {
    unwait(item);
    release_worker(item);
    const ExecutionId id = item.record.id;
    if (const auto at = of_job_.find(id.uid); at != of_job_.end()) {
        at->second.erase(id);
        if (at->second.empty()) of_job_.erase(at);
    }
    if (const auto at = of_shard_.find(item.shard()); at != of_shard_.end()) at->second.erase(id);
    items_.erase(id);
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
        effects.push_back(
            SendToWorker{item.worker, Cancel{attempt, item.cancel_reason, item.record.token}});
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
            written->claimed_at = now.mono;
            workers_.look(written->worker, now.mono);
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
                effects.push_back(
                    SendToWorker{written->worker, Acknowledge{{id, written->record.attempt}}});
            forget(*written);
            unpark(id.uid, now);
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
            effects.push_back(
                SendToWorker{known->worker, Cancel{{id, attempt}, Reason::none, FenceToken{}}});
    }
    if (!execution || !is_open(execution->state)) {
        if (known->phase == Phase::ending && !known->worker.empty()) {
            effects.push_back(
                SendToWorker{known->worker, Acknowledge{{id, attempt_at_worker(known->record)}}});
        }
        forget(*known);
        unpark(id.uid, now);
        pump(now, effects);
        return;
    }
    RunPlan plan = std::move(known->plan);
    const bool cancel_asked = known->cancel_asked;
    const Reason cancel_reason = known->cancel_reason;
    const bool job_gone = known->job_gone;
    forget(*known);
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
            effects.push_back(SendToWorker{wanted->worker, Cancel{attempt, reason, FenceToken{}}});
            release_worker(*wanted);
            end(*wanted, ExecutionState::cancelled, reason, now, effects);
            return;
        case Phase::running:
            effects.push_back(
                SendToWorker{wanted->worker, Cancel{attempt, reason, wanted->record.token}});
            return;
        case Phase::claiming:
        case Phase::ending:
            return;  // looked at when the write is done
    }
}

void DispatchEngine::job_deleted(JobUid uid, Now now, DispatchEffects& effects) {
    std::vector<ExecutionId> waiting;
    const auto of_job = of_job_.find(uid);
    if (of_job == of_job_.end()) return;
    for (const ExecutionId& id : of_job->second) {
        Item& candidate = *item(id);
        candidate.job_gone = true;
        if (candidate.phase != Phase::running) waiting.push_back(id);
    }
    for (const ExecutionId& id : waiting)
        cancel(id, Reason::deleted, now, effects);
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

std::size_t DispatchEngine::running_count() const {
    return stats().running;
}

std::vector<Execution> DispatchEngine::running() const {
    std::vector<Execution> running;
    for (const auto& [id, one] : items_)
        if (one.phase == Phase::running) running.push_back(one.record);
    return running;
}

std::vector<WorkerView> DispatchEngine::workers() const {
    return workers_.views();
}

}  // namespace khronos::core

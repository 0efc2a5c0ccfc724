// Workers that come, fall silent, are replaced and are lost.
#include <algorithm>
#include <utility>

#include "core/dispatch/dispatch_engine.h"

namespace khronos::core {

void DispatchEngine::on_hello(const WorkerId& id, const Hello& hello, Now now,
                              DispatchEffects& effects, std::uint64_t random) {
    // Offers that the former incarnation, or the former link, never answered are known not to run.
    withdraw_offers(id, now);
    std::map<std::string, std::uint32_t> used_by_type;
    std::uint32_t used = 0;
    if (const auto at = at_worker_.find(id); at != at_worker_.end()) {
        for (const ExecutionId& execution : at->second) {
            ++used;
            const std::string& type = item(execution)->plan.run.type;
            if (!type.empty()) ++used_by_type[type];
        }
    }
    if (workers_.hello(id, hello, used, std::move(used_by_type), now.mono))
        return reject(id, now, effects);
    effects.push_back(SendToWorker{id, Welcome{config_.agent, agents_}});

    std::set<AttemptId> told;
    for (const HeldAttempt& held : hello.held) {
        told.insert(held.id);
        held_by(id, held, now, effects, random);
    }
    // A hello may arrive late: what it does not name may have been accepted since, on another
    // agent's link. So the worker is asked.
    std::vector<Claimed> missing;
    if (const auto at = at_worker_.find(id); at != at_worker_.end()) {
        for (const ExecutionId& execution : at->second) {
            const Item& known = *item(execution);
            const AttemptId attempt{execution, known.record.attempt};
            if (known.phase == Phase::running && loaded_[known.shard().value] &&
                !told.contains(attempt))
                missing.push_back({attempt, known.record.token});
        }
    }
    if (!missing.empty()) ask(id, std::move(missing), {}, effects);
    pump(now, effects);
}

void DispatchEngine::ask(const WorkerId& id, std::vector<Claimed> attempts,
                         std::vector<ShardId> shards, DispatchEffects& effects) const {
    std::sort(attempts.begin(), attempts.end(),
              [](const Claimed& a, const Claimed& b) { return a.id < b.id; });
    effects.push_back(SendToWorker{id, Ask{std::move(attempts), std::move(shards)}});
}

// Which of the two is the true one nobody can tell: neither is served, and their guards run out.
void DispatchEngine::reject(const WorkerId& id, Now now, DispatchEffects& effects) {
    workers_.reject(id);
    withdraw_offers(id, now);
    effects.push_back(SendToWorker{
        id, Rejected{"another process has this worker's id; remove the copied data directory's "
                     "worker-id, then start both again"}});
    pump(now, effects);
}

void DispatchEngine::worker_gone(const WorkerId& id, Now now, DispatchEffects& effects) {
    workers_.gone(id);
    withdraw_offers(id, now);
    pump(now, effects);
}

// What was offered and never claimed is known not to run: it goes elsewhere at once.
void DispatchEngine::withdraw_offers(const WorkerId& id, Now now) {
    const auto at = at_worker_.find(id);
    if (at == at_worker_.end()) return;
    std::vector<ExecutionId> offered;
    for (const ExecutionId& execution : at->second)
        if (item(execution)->phase == Phase::offered) offered.push_back(execution);
    std::sort(offered.begin(), offered.end());
    for (const ExecutionId& execution : offered)
        back_to_waiting(*item(execution), now.wall, now);
}

void DispatchEngine::set_agents(std::vector<std::string> addresses, DispatchEffects& effects) {
    if (addresses == agents_) return;
    agents_ = std::move(addresses);
    for (const WorkerId& id : workers_.connected())
        effects.push_back(SendToWorker{id, Welcome{config_.agent, agents_}});
}

void DispatchEngine::drain_worker(const WorkerId& id, bool on, Now now, DispatchEffects& effects) {
    workers_.drain(id, on);
    if (on) withdraw_offers(id, now);
    pump(now, effects);
}

// ---- heartbeats

void DispatchEngine::on_heartbeat(const WorkerId& id, const Heartbeat& beat, Now now,
                                  DispatchEffects& effects) {
    const WorkerView* worker = workers_.find(id);
    if (!worker || !worker->connected) return;
    if (workers_.followed(id)) return reject(id, now, effects);
    if (config_.guards) {
        effects.push_back(CommitHeartbeat{id, worker->boot_id, beat.sequence});
    } else {
        effects.push_back(SendToWorker{id, HeartbeatAck{beat.sequence}});
    }
}

void DispatchEngine::heartbeat_seen(const WorkerId& id, Revision revision,
                                    const std::string& boot_id, WallTime at, Now now) {
    workers_.heartbeat(id, {revision, now.mono, boot_id}, at);
}

// ---- silence

void DispatchEngine::look(Now now, DispatchEffects& effects, std::uint64_t random) {
    for (const WorkerId& id : workers_.silent_since(now.mono - config_.suspect_after))
        withdraw_offers(id, now);
    if (config_.guards) {
        std::vector<WorkerId> ids;
        for (const auto& [id, executions] : at_worker_)
            ids.push_back(id);
        for (const WorkerId& id : ids)
            look_at(id, now, effects, random);
    }
    pump(now, effects);
}

// The wait begins at this engine's own first look, begins anew with every newer heartbeat, and is
// compared with the store in the transaction: a heartbeat that was committed and not seen yet
// makes it fail.
void DispatchEngine::look_at(const WorkerId& id, Now now, DispatchEffects& effects,
                             std::uint64_t random) {
    const WorkerTable::Look look = workers_.look(id, now.mono);
    std::vector<ExecutionId> lost;
    for (const ExecutionId& execution : at_worker_.at(id)) {
        const Item& one = *item(execution);
        if (one.phase != Phase::running || one.plan.lost_after <= Duration(0)) continue;
        const MonoTime since = std::max(look.since, one.claimed_at);
        if (now.mono - since >= one.plan.lost_after + config_.margin) lost.push_back(execution);
    }
    std::sort(lost.begin(), lost.end());
    for (const ExecutionId& execution : lost) {
        RunResult result;
        result.outcome = ExecutionState::lost;
        result.reason = Reason::worker_lost;
        result.started_at = item(execution)->record.started_at;
        result.finished_at = now.wall;
        result.message = "its worker was not heard of for longer than its guard";
        ended(*item(execution), result, now, effects, random, SilentSince{id, look.heartbeat});
    }
}

}  // namespace khronos::core

#include "dispatch/dispatcher.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "dispatch/wrote.h"
#include "store/codec.h"
#include "store/keys.h"
#include "store/settle.h"

namespace khronos::dispatch {

using core::DispatchEffects;
using core::Execution;
using core::ExecutionId;
using core::WriteExecution;
namespace keys = store::keys;
namespace txns = store::txns;

namespace {

constexpr std::size_t kWorkerIdBytes = 64;

// It becomes part of a key.
bool is_worker_id(const core::WorkerId& id) {
    return !id.empty() && id.size() <= kWorkerIdBytes && std::ranges::all_of(id, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '_' || c == '.';
    });
}

core::DispatchEngine::Config engine_config(const DispatcherConfig& config,
                                           runtime::Entropy& entropy) {
    core::DispatchEngine::Config engine;
    engine.token_base = config.token_base;
    engine.guards = config.guards;
    engine.margin = config.margin;
    engine.agent = config.agent;
    engine.seed = entropy.next();
    return engine;
}

}  // namespace

Dispatcher::Dispatcher(store::Store& store, runtime::Loop& loop, runtime::Entropy& entropy,
                       wire::AgentEnd& workers, DispatcherConfig config, Events events)
    : store_(store),
      loop_(loop),
      entropy_(entropy),
      link_(workers),
      config_(std::move(config)),
      events_(std::move(events)),
      engine_(engine_config(config_, entropy)),
      heartbeats_(store, loop, {config_.agent, config_.heartbeats_collected_for},
                  heartbeat_events()) {}

Dispatcher::~Dispatcher() {
    loop_.cancel(timer_);
    loop_.cancel(look_timer_);
}

Heartbeats::Events Dispatcher::heartbeat_events() {
    Heartbeats::Events events;
    events.on_committed = [this](const core::WorkerId& worker, const std::string& boot_id,
                                 std::uint64_t sequence) {
        // A new boot may have come meanwhile, and counts from 1 again.
        const core::WorkerView* known = engine_.worker(worker);
        if (known && known->boot_id == boot_id) link_.send(worker, core::HeartbeatAck{sequence});
    };
    events.on_seen = [this](const core::WorkerId& worker, Revision revision,
                            const store::WorkerHeartbeat& beat) {
        engine_.heartbeat_seen(worker, revision, beat.boot_id, beat.at, loop_.now());
    };
    return events;
}

void Dispatcher::start() {
    link_.set_handler({
        [this](const core::WorkerId& worker, core::FromWorker message) {
            if (!stopped_) hear(worker, std::move(message));
        },
        [this](const core::WorkerId& worker) {
            if (stopped_) return;
            DispatchEffects effects;
            engine_.worker_gone(worker, loop_.now(), effects);
            apply(std::move(effects));
        },
    });
    if (config_.guards) heartbeats_.start();
    look();
}

void Dispatcher::hear(const core::WorkerId& worker, core::FromWorker message) {
    if (std::holds_alternative<core::Hello>(message) && !is_worker_id(worker)) {
        events_.on_warning(
            fmt::format("a worker calls itself '{}': an id has up to {} letters, "
                        "digits, '-', '_' and '.'",
                        worker.substr(0, 100), kWorkerIdBytes));
        return link_.send(worker, core::Rejected{"the worker's id is not a valid one"});
    }
    DispatchEffects effects;
    engine_.from_worker(worker, message, loop_.now(), effects, entropy_.next());
    if (const auto* started = std::get_if<core::Started>(&message))
        if (const Execution* known = engine_.find(started->id.execution))
            if (known->attempt == started->id.attempt && started->at.is_set())
                events_.on_started(*known, started->at);
    apply(std::move(effects));
}

void Dispatcher::look() {
    look_timer_ = loop_.call_after(config_.look_every, [this] { look(); });
    DispatchEffects effects;
    engine_.look(loop_.now(), effects, entropy_.next());
    apply(std::move(effects));
}

void Dispatcher::set_agents(std::vector<std::string> addresses) {
    DispatchEffects effects;
    engine_.set_agents(std::move(addresses), effects);
    apply(std::move(effects));
}

void Dispatcher::drain_worker(const core::WorkerId& worker, bool on) {
    DispatchEffects effects;
    engine_.drain_worker(worker, on, loop_.now(), effects);
    apply(std::move(effects));
}

// ---- shards

bool Dispatcher::in_force(const txns::Fence& fence) const {
    const auto at = shards_.find(fence.shard);
    return at != shards_.end() && at->second.fence == fence.owner_revision;
}

void Dispatcher::shard_loaded(ShardId id) {
    Shard& shard = shards_[id];
    shard.loaded_told = true;
    if (shard.opening > 0) return;
    DispatchEffects effects;
    engine_.shard_loaded(id, loop_.now(), effects);
    apply(std::move(effects));
}

// One execution less whose version is being read.
void Dispatcher::opened(const txns::Fence& fence) {
    if (!in_force(fence)) return;
    Shard& shard = shards_[fence.shard];
    if (--shard.opening == 0 && shard.loaded_told) shard_loaded(fence.shard);
}

void Dispatcher::shard_lost(ShardId id) {
    engine_.shard_lost(id);
    shards_.erase(id);
    std::erase_if(carried_, [&](const auto& one) { return one.second.fence.shard == id; });
    for (auto at = job_stats_.begin(); at != job_stats_.end();) {
        Stats& stats = at->second;
        if (stats.shard != id) {
            ++at;
            continue;
        }
        // The next owner counts on; what is known here is old from now on.
        stats.waiting.clear();
        stats.loaded = false;
        at = stats.busy ? std::next(at) : job_stats_.erase(at);
    }
    arm();
    check_drained();
}

void Dispatcher::open(txns::Fence fence, Execution execution, Revision revision,
                      std::optional<core::Job> job) {
    if (const auto at = shards_.find(fence.shard);
        at != shards_.end() && at->second.fence && at->second.fence != fence.owner_revision) {
        if (fence.owner_revision < at->second.fence) return;
        shard_lost(fence.shard);
    }
    shards_[fence.shard].fence = fence.owner_revision;
    if (job && job->generation == execution.generation)
        return open_with(fence, std::move(execution), revision, *job, job->spec);
    ++shards_[fence.shard].opening;
    read_version(fence, std::move(execution), revision, std::move(job));
}

// Decided by a version that is over: it runs what that version said.
void Dispatcher::read_version(txns::Fence fence, Execution execution, Revision revision,
                              std::optional<core::Job> job) {
    std::string key = keys::version(execution.id.uid, execution.generation);
    store_.get(std::move(key), [this, fence, execution = std::move(execution), revision,
                                job = std::move(job)](auto result) mutable {
        if (stopped_ || !in_force(fence)) return;
        if (!result) {
            loop_.call_after(
                std::chrono::milliseconds(200), [this, fence, execution = std::move(execution),
                                                 revision, job = std::move(job)]() mutable {
                    if (!stopped_ && in_force(fence))
                        read_version(fence, std::move(execution), revision, std::move(job));
                });
            return;
        }
        std::optional<core::Job> present = job;
        if (result->kv)
            if (auto version = store::decode<store::JobVersion>(result->kv->value.view()))
                job = std::move(version->job);
        if (!job) {
            events_.on_warning(
                fmt::format("execution {}: the version of job {} that it was decided by is gone",
                            core::to_text(execution.id), execution.job_name));
            job.emplace();
            job->spec.name = execution.job_name;
        }
        const core::JobSpec& rules = present ? present->spec : job->spec;
        open_with(fence, std::move(execution), revision, *job, rules);
        opened(fence);
    });
}

void Dispatcher::open_with(txns::Fence fence, Execution execution, Revision revision,
                           const core::Job& job, const core::JobSpec& present) {
    carried_[execution.id] = {fence, job.spec.history_limit};
    core::RunPlan plan = core::plan_of(job.spec, execution);
    // How many may run at a time is a matter between runs: of the job as it is.
    plan.concurrency = present.concurrency;
    plan.limit = core::concurrency_limit(present.concurrency, present.max_concurrency);
    if (!config_.guards) {
        plan.run.guard = plan.lost_after = Duration(0);
    } else if (config_.guard_at_most > Duration(0)) {
        plan.run.guard = std::min(plan.run.guard, config_.guard_at_most);
        plan.lost_after = std::min(plan.lost_after, config_.guard_at_most);
    }
    DispatchEffects effects;
    const JobUid uid = execution.id.uid;
    engine_.open(std::move(execution), revision, std::move(plan), loop_.now(), effects);
    if (!fence.job_created) engine_.job_deleted(uid, loop_.now(), effects);
    apply(std::move(effects));
}

// A worker holds what this agent knows nothing of. That it is nobody's only the store can say.
void Dispatcher::check_held(core::CheckHeld effect) {
    std::string key = keys::execution(effect.held.id.execution);
    store_.get(std::move(key), [this, effect = std::move(effect)](auto result) {
        if (stopped_ || !result) return;  // the worker says it again
        std::optional<Execution> record;
        if (result->kv) {
            auto decoded = store::decode<Execution>(result->kv->value.view());
            if (!decoded) return;
            record = std::move(*decoded);
        }
        DispatchEffects effects;
        engine_.checked(effect.worker, effect.held, record, effects);
        apply(std::move(effects));
    });
}

void Dispatcher::apply(DispatchEffects effects) {
    for (core::DispatchEffect& effect : effects) {
        if (auto* send = std::get_if<core::SendToWorker>(&effect)) {
            link_.send(send->worker, std::move(send->message));
        } else if (auto* held = std::get_if<core::CheckHeld>(&effect)) {
            check_held(std::move(*held));
        } else if (auto* beat = std::get_if<core::CommitHeartbeat>(&effect)) {
            heartbeats_.commit(beat->worker, std::move(beat->boot_id), beat->sequence);
        } else {
            auto& write = std::get<WriteExecution>(effect);
            write.next.nonce = entropy_.next();
            if (write.what == WriteExecution::What::end) {
                end(std::move(write));
            } else {
                rewrite(std::move(write));
            }
        }
    }
    arm();
    check_drained();
}

// ---- claims and retries

void Dispatcher::rewrite(WriteExecution effect) {
    const auto carried = carried_.find(effect.next.id);
    CHECK(carried != carried_.end());
    const txns::Fence fence = carried->second.fence;
    store::SettleRequest request;
    request.txn = effect.what == WriteExecution::What::claim
                      ? txns::claim(fence, effect.next, effect.expected, effect.takes_slot)
                      : txns::rewrite(fence, effect.next, effect.expected);
    if (effect.silent)
        request.txn =
            txns::lost(std::move(request.txn), effect.silent->worker, effect.silent->heartbeat);
    request.probe = keys::execution(effect.next.id);
    request.is_mine = wrote(effect.next.nonce);
    request.persist = true;
    store::settle(
        store_, loop_, std::move(request),
        [this, id = effect.next.id, what = effect.what, fence](store::WriteOutcome outcome) {
            if (stopped_ || !in_force(fence)) return;
            const auto* applied = std::get_if<store::Applied>(&outcome);
            if (!applied && what == WriteExecution::What::claim) return claim_lost(id);
            if (!applied) return reload(id);
            DispatchEffects effects;
            engine_.write_applied(id, applied->revision, loop_.now(), effects);
            if (what == WriteExecution::What::claim)
                if (const Execution* claimed = engine_.find(id)) events_.on_claimed(*claimed);
            apply(std::move(effects));
        });
}

// Perhaps because the job was deleted, and that is not known here yet.
void Dispatcher::claim_lost(const ExecutionId& id) {
    const auto carried = carried_.find(id);
    const Execution* known = engine_.find(id);
    if (carried == carried_.end() || !known) return;
    store_.get(keys::job(known->job_name), [this, id, fence = carried->second.fence](auto result) {
        if (stopped_ || !in_force(fence)) return;
        if (!result) {
            loop_.call_after(std::chrono::milliseconds(200), [this, id] { claim_lost(id); });
            return;
        }
        const bool gone = !result->kv || result->kv->create_revision != fence.job_created;
        reload(id);
        if (gone) job_deleted(id.uid);
    });
}

// The record is not what we thought: believe the store.
void Dispatcher::reload(const ExecutionId& id) {
    const auto at = carried_.find(id);
    if (at == carried_.end()) return;
    store_.get(keys::execution(id), [this, id, fence = at->second.fence](auto result) {
        if (stopped_ || !in_force(fence)) return;
        if (!result) {
            loop_.call_after(std::chrono::milliseconds(200), [this, id] { reload(id); });
            return;
        }
        std::optional<Execution> record;
        Revision revision;
        if (result->kv) {
            if (auto decoded = store::decode<Execution>(result->kv->value.view()))
                record = std::move(*decoded);
            revision = result->kv->mod_revision;
        }
        const bool over = !record || !core::is_open(record->state);
        const auto carried = carried_.find(id);
        if (over && carried != carried_.end()) {
            // Its place in the job's concurrency is free, whoever ended it.
            const Execution* ended = record ? &*record : engine_.find(id);
            if (ended) events_.on_ended(carried->second.fence.shard, *ended);
            carried_.erase(carried);
        }
        DispatchEffects effects;
        engine_.reload(id, std::move(record), revision, loop_.now(), effects);
        apply(std::move(effects));
    });
}

// ---- the rest

void Dispatcher::cancel(const ExecutionId& id, core::Reason reason,
                        std::move_only_function<void(bool)> done) {
    const bool known = engine_.find(id) != nullptr;
    DispatchEffects effects;
    engine_.cancel(id, reason, loop_.now(), effects);
    apply(std::move(effects));
    loop_.post([done = std::move(done), known]() mutable { done(known); });
}

void Dispatcher::job_deleted(JobUid uid) {
    DispatchEffects effects;
    engine_.job_deleted(uid, loop_.now(), effects);
    apply(std::move(effects));
}

void Dispatcher::arm() {
    const WallTime due = engine_.next_wake();
    if (due == armed_for_) return;
    loop_.cancel(timer_);
    armed_for_ = due;
    if (due == WallTime::max() || stopped_) return;
    // At least each second the wall clock is read again: it may have been stepped.
    const Now now = loop_.now();
    const Duration sleep =
        std::clamp<Duration>(due - now.wall, std::chrono::milliseconds(1), std::chrono::seconds(1));
    timer_ = loop_.call_at(now.mono + sleep, [this] {
        armed_for_ = {};
        DispatchEffects effects;
        engine_.wake(loop_.now(), effects);
        apply(std::move(effects));
    });
}

void Dispatcher::drain(std::move_only_function<void()> done) {
    engine_.drain();
    drained_ = std::move(done);
    check_drained();
}

void Dispatcher::check_drained() {
    if (drained_ && engine_.running_count() == 0) loop_.post(std::exchange(drained_, nullptr));
}

void Dispatcher::stop() {
    stopped_ = true;
    drained_ = nullptr;
    loop_.cancel(timer_);
    loop_.cancel(look_timer_);
    heartbeats_.stop();
}

}  // namespace khronos::dispatch

#include "dispatch/dispatcher.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
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

// Whether a key's value is the record that carries our nonce.
std::move_only_function<bool(const store::KeyValue&)> wrote(std::uint64_t nonce) {
    return [nonce](const store::KeyValue& kv) {
        const auto record = store::decode<Execution>(kv.value.view());
        return record && record->nonce == nonce;
    };
}

core::JobStats count(core::JobStats stats, const Execution& ended) {
    switch (ended.state) {
        case core::ExecutionState::succeeded:
            ++stats.success_count;
            stats.last_success = std::max(stats.last_success, ended.finished_at);
            stats.last_status = "success";
            break;
        case core::ExecutionState::failed:
        case core::ExecutionState::timed_out:
        case core::ExecutionState::lost:
            ++stats.error_count;
            stats.last_error = std::max(stats.last_error, ended.finished_at);
            stats.last_status = "failed";
            break;
        default:  // a cancelled run says nothing about the job
            break;
    }
    return stats;
}

}  // namespace

Dispatcher::Dispatcher(store::Store& store, runtime::Loop& loop, runtime::Entropy& entropy,
                       wire::AgentEnd& workers, DispatcherConfig config, Events events)
    : store_(store),
      loop_(loop),
      entropy_(entropy),
      link_(workers),
      config_(config),
      events_(std::move(events)),
      engine_({config.token_base, std::chrono::seconds(1)}) {}

Dispatcher::~Dispatcher() { loop_.cancel(timer_); }

void Dispatcher::start() {
    start_asked_ = true;
    if (opening_ == 0) begin();
}

// A worker's hello is understood only by who knows every execution that it may hold.
void Dispatcher::begin() {
    begun_ = true;
    link_.set_handler({
        [this](const core::WorkerId& worker, core::FromWorker message) {
            if (stopped_) return;
            DispatchEffects effects;
            engine_.from_worker(worker, message, loop_.now(), effects, entropy_.next());
            if (const auto* started = std::get_if<core::Started>(&message))
                if (const Execution* known = engine_.find(started->id.execution))
                    if (known->attempt == started->id.attempt)
                        events_.on_started(*known, started->at);
            apply(std::move(effects));
        },
        [this](const core::WorkerId& worker) {
            if (stopped_) return;
            DispatchEffects effects;
            engine_.worker_gone(worker, loop_.now(), effects);
            apply(std::move(effects));
        },
    });
    DispatchEffects effects;
    engine_.start(loop_.now(), effects);
    apply(std::move(effects));
}

void Dispatcher::open(txns::Fence fence, Execution execution, Revision revision,
                      std::optional<core::Job> job) {
    if (job && job->generation == execution.generation)
        return open_with(fence, std::move(execution), revision, *job);
    // Decided by a version that is over: it runs what that version said.
    ++opening_;
    store_.get(keys::version(execution.id.uid, execution.generation),
               [this, fence, execution = std::move(execution), revision,
                job = std::move(job)](auto result) mutable {
                   --opening_;
                   if (stopped_) return;
                   if (!result) {
                       ++opening_;  // until it is tried again
                       loop_.call_after(std::chrono::milliseconds(200),
                                        [this, fence, execution = std::move(execution), revision,
                                         job = std::move(job)]() mutable {
                                            --opening_;
                                            open(fence, std::move(execution), revision,
                                                 std::move(job));
                                        });
                       return;
                   }
                   if (result->kv)
                       if (auto version = store::decode<store::JobVersion>(result->kv->value.view()))
                           job = std::move(version->job);
                   if (!job) {
                       events_.on_warning(fmt::format(
                           "execution {}: the version of job {} that it was decided by is gone",
                           core::to_text(execution.id), execution.job_name));
                       job.emplace();
                       job->spec.name = execution.job_name;
                   }
                   open_with(fence, std::move(execution), revision, *job);
                   if (opening_ == 0 && start_asked_ && !begun_) begin();
               });
}

void Dispatcher::open_with(txns::Fence fence, Execution execution, Revision revision,
                           const core::Job& job) {
    carried_[execution.id] = {fence, job.spec.history_limit};
    core::RunPlan plan = core::plan_of(job.spec, execution);
    if (!config_.guards) plan.run.guard = Duration(0);
    DispatchEffects effects;
    const JobUid uid = execution.id.uid;
    engine_.open(std::move(execution), revision, std::move(plan), loop_.now(), effects);
    if (!fence.job_created) engine_.job_deleted(uid, loop_.now(), effects);
    apply(std::move(effects));
}

void Dispatcher::apply(DispatchEffects effects) {
    for (core::DispatchEffect& effect : effects) {
        if (auto* send = std::get_if<core::SendToWorker>(&effect)) {
            link_.send(send->worker, std::move(send->message));
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
    store::SettleRequest request;
    request.txn = effect.what == WriteExecution::What::claim
                      ? txns::claim(carried->second.fence, effect.next, effect.expected)
                      : txns::rewrite(carried->second.fence, effect.next, effect.expected);
    request.probe = keys::execution(effect.next.id);
    request.is_mine = wrote(effect.next.nonce);
    request.persist = true;
    store::settle(store_, loop_, std::move(request),
                  [this, id = effect.next.id, what = effect.what](store::WriteOutcome outcome) {
                      if (stopped_) return;
                      const auto* applied = std::get_if<store::Applied>(&outcome);
                      if (!applied && what == WriteExecution::What::claim)
                          return claim_lost(id);
                      if (!applied) return reload(id);
                      DispatchEffects effects;
                      engine_.write_applied(id, applied->revision, loop_.now(), effects);
                      if (what == WriteExecution::What::claim)
                          if (const Execution* claimed = engine_.find(id))
                              events_.on_claimed(*claimed);
                      apply(std::move(effects));
                  });
}

// Perhaps because the job was deleted, and that is not known here yet.
void Dispatcher::claim_lost(const ExecutionId& id) {
    const auto carried = carried_.find(id);
    const Execution* known = engine_.find(id);
    if (carried == carried_.end() || !known) return;
    store_.get(keys::job(known->job_name),
               [this, id, created = carried->second.fence.job_created](auto result) {
                   if (stopped_) return;
                   if (!result) {
                       loop_.call_after(std::chrono::milliseconds(200),
                                        [this, id] { claim_lost(id); });
                       return;
                   }
                   const bool gone = !result->kv || result->kv->create_revision != created;
                   reload(id);
                   if (gone) job_deleted(id.uid);
               });
}

// The record is not what we thought: believe the store.
void Dispatcher::reload(const ExecutionId& id) {
    store_.get(keys::execution(id), [this, id](auto result) {
        if (stopped_) return;
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

// ---- ends: one at a time for each job, because they share its statistics

void Dispatcher::end(WriteExecution effect) {
    const JobUid uid = effect.next.id.uid;
    Stats& stats = job_stats_[uid];
    stats.waiting.push_back(std::move(effect));
    if (!stats.busy) next_end(uid);
}

void Dispatcher::next_end(JobUid uid) {
    Stats& stats = job_stats_[uid];
    if (stats.waiting.empty()) {
        stats.busy = false;
        return;
    }
    stats.busy = true;
    if (!stats.loaded) {
        store_.get(keys::stats(uid), [this, uid](auto result) {
            if (stopped_) return;
            Stats& loading = job_stats_[uid];
            if (result) {
                loading.loaded = true;
                loading.value = {};
                loading.revision = {};
                if (result->kv) {
                    loading.revision = result->kv->mod_revision;
                    if (auto known = store::decode<core::JobStats>(result->kv->value.view()))
                        loading.value = std::move(*known);
                }
                next_end(uid);
            } else {
                loop_.call_after(std::chrono::milliseconds(200), [this, uid] { next_end(uid); });
            }
        });
        return;
    }
    WriteExecution effect = std::move(stats.waiting.front());
    stats.waiting.pop_front();
    write_end(uid, std::move(effect));
}

void Dispatcher::write_end(JobUid uid, WriteExecution effect) {
    const auto carried = carried_.find(effect.next.id);
    CHECK(carried != carried_.end());
    const txns::Fence fence = carried->second.fence;
    Stats& stats = job_stats_[uid];
    const core::JobStats counted = count(stats.value, effect.next);
    store::SettleRequest request;
    request.txn = txns::end(fence, effect.next, effect.expected, counted, stats.revision);
    request.probe = keys::execution(effect.next.id);
    request.is_mine = wrote(effect.next.nonce);
    request.persist = true;
    store::settle(
        store_, loop_, std::move(request),
        [this, uid, counted, effect = std::move(effect)](store::WriteOutcome outcome) mutable {
            if (stopped_) return;
            if (const auto* applied = std::get_if<store::Applied>(&outcome)) {
                end_written(uid, effect, counted, applied->revision);
            } else {
                end_lost(uid, std::move(effect), counted);
            }
        });
}

// Perhaps only the statistics were another's; then it is tried again with those as they are.
void Dispatcher::end_lost(JobUid uid, WriteExecution effect, const core::JobStats& counted) {
    job_stats_[uid].loaded = false;
    const ExecutionId id = effect.next.id;
    store_.get(keys::execution(id), [this, uid, id, counted,
                                     effect = std::move(effect)](auto result) mutable {
        if (stopped_) return;
        if (!result) {
            loop_.call_after(std::chrono::milliseconds(200),
                             [this, uid, counted, effect = std::move(effect)]() mutable {
                                 if (!stopped_) end_lost(uid, std::move(effect), counted);
                             });
            return;
        }
        // Only what has ended is ever forgotten, and it was ours to end.
        if (!result->kv) return end_written(uid, effect, counted, result->revision);
        if (result->kv->mod_revision == effect.expected) {
            job_stats_[uid].waiting.push_front(std::move(effect));
        } else {
            reload(id);
        }
        next_end(uid);
    });
}

void Dispatcher::end_written(JobUid uid, const WriteExecution& effect,
                             const core::JobStats& counted, Revision revision) {
    Stats& written = job_stats_[uid];
    written.value = counted;
    written.revision = revision;
    const ExecutionId id = effect.next.id;
    const Carried carried = carried_[id];
    carried_.erase(id);
    DispatchEffects effects;
    engine_.write_applied(id, revision, loop_.now(), effects);
    events_.on_ended(carried.fence.shard, effect.next);
    if (effect.ephemeral_done) events_.on_ephemeral_done(effect.next.job_name, uid);
    if (++written.ends % config_.trim_every == 0) trim(uid, carried.history_limit);
    apply(std::move(effects));
    next_end(uid);
    evict_stats();
}

void Dispatcher::evict_stats() {
    if (job_stats_.size() <= config_.stats_cached) return;
    for (auto at = job_stats_.begin();
         at != job_stats_.end() && job_stats_.size() > config_.stats_cached / 2;)
        at = at->second.busy ? std::next(at) : job_stats_.erase(at);
}

// ---- history: the newest `keep` records of a job stay. Only ended ones are erased, and only
// what lies behind the cursor is ever recorded as ended.

void Dispatcher::trim(JobUid uid, std::uint32_t keep) {
    trim_page(uid, std::max<std::uint32_t>(keep, 1), store::prefix_end(keys::executions_of(uid)), 0);
}

void Dispatcher::trim_page(JobUid uid, std::uint32_t keep, std::string end, std::uint32_t kept) {
    store::RangeRequest request;
    request.begin = keys::executions_of(uid);
    request.end = std::move(end);
    request.limit = std::max<std::size_t>(keep, limits::kTxnOperations - 1);
    request.descending = true;
    store_.range(std::move(request), [this, uid, keep, kept](auto result) mutable {
        if (!result || stopped_) return;
        std::vector<ExecutionId> old;
        for (const store::KeyValue& kv : result->kvs) {
            if (kept < keep) {
                ++kept;
                continue;
            }
            const auto record = store::decode<Execution>(kv.value.view());
            if (!record) continue;
            const WallTime last = std::max(record->decided_at, record->finished_at);
            if (last + config_.keep_at_least > loop_.wall_now()) continue;
            if (!core::is_open(record->state) && old.size() < limits::kTxnOperations)
                old.push_back(record->id);
        }
        if (!old.empty()) {
            store_.write(txns::forget(old), [](store::WriteOutcome) {});
        } else if (result->more) {
            trim_page(uid, keep, result->kvs.back().key, kept);
        }
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
}

}  // namespace khronos::dispatch

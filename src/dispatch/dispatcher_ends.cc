// How executions end: one transaction each, with the job's statistics; and how long its history is.
#include <algorithm>

#include "base/check.h"
#include "dispatch/dispatcher.h"
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

// ---- ends: one at a time for each job, because they share its statistics

void Dispatcher::end(WriteExecution effect) {
    const auto carried = carried_.find(effect.next.id);
    CHECK(carried != carried_.end());
    const JobUid uid = effect.next.id.uid;
    Stats& stats = job_stats_[uid];
    stats.shard = carried->second.fence.shard;
    stats.waiting.push_back({std::move(effect), carried->second.fence});
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
        const txns::Fence fence = stats.waiting.front().fence;
        store_.get(keys::stats(uid), [this, uid, fence](auto result) {
            if (stopped_) return;
            Stats& loading = job_stats_[uid];
            if (!result) {
                loop_.call_after(std::chrono::milliseconds(200), [this, uid] {
                    if (!stopped_) next_end(uid);
                });
                return;
            }
            // Read under an older fence, another owner may have counted since.
            if (in_force(fence)) {
                loading.loaded = true;
                loading.value = {};
                loading.revision = {};
                if (result->kv) {
                    loading.revision = result->kv->mod_revision;
                    if (auto known = store::decode<core::JobStats>(result->kv->value.view()))
                        loading.value = std::move(*known);
                }
            }
            next_end(uid);
        });
        return;
    }
    PendingEnd next = std::move(stats.waiting.front());
    stats.waiting.pop_front();
    write_end(uid, std::move(next));
}

void Dispatcher::write_end(JobUid uid, PendingEnd end) {
    if (!in_force(end.fence)) return next_end(uid);
    Stats& stats = job_stats_[uid];
    const WriteExecution& effect = end.write;
    const core::JobStats counted = count(stats.value, effect.next);
    store::SettleRequest request;
    request.txn = txns::end(end.fence, effect.next, effect.expected, counted, stats.revision);
    if (effect.silent)
        request.txn =
            txns::lost(std::move(request.txn), effect.silent->worker, effect.silent->heartbeat);
    request.probe = keys::execution(effect.next.id);
    request.is_mine = wrote(effect.next.nonce);
    request.persist = true;
    store::settle(store_, loop_, std::move(request),
                  [this, uid, counted, end = std::move(end)](store::WriteOutcome outcome) mutable {
                      if (stopped_) return;
                      if (!in_force(end.fence)) return next_end(uid);
                      if (const auto* applied = std::get_if<store::Applied>(&outcome)) {
                          end_written(uid, end, counted, applied->revision);
                      } else {
                          end_lost(uid, std::move(end), counted);
                      }
                  });
}

// Perhaps only the statistics were another's; then it is tried again with those as they are.
void Dispatcher::end_lost(JobUid uid, PendingEnd end, const core::JobStats& counted) {
    job_stats_[uid].loaded = false;
    std::string key = keys::execution(end.write.next.id);
    store_.get(std::move(key), [this, uid, counted, end = std::move(end)](auto result) mutable {
        if (stopped_) return;
        if (!in_force(end.fence)) return next_end(uid);
        if (!result) {
            loop_.call_after(std::chrono::milliseconds(200),
                             [this, uid, counted, end = std::move(end)]() mutable {
                                 if (!stopped_) end_lost(uid, std::move(end), counted);
                             });
            return;
        }
        // Only what has ended is ever forgotten, and it was ours to end.
        if (!result->kv) return end_written(uid, end, counted, result->revision);
        // Given up for a silence that was none: the wait begins anew.
        if (result->kv->mod_revision == end.write.expected && !end.write.silent) {
            job_stats_[uid].waiting.push_front(std::move(end));
        } else {
            reload(end.write.next.id);
        }
        next_end(uid);
    });
}

void Dispatcher::end_written(JobUid uid, const PendingEnd& end, const core::JobStats& counted,
                             Revision revision) {
    const WriteExecution& effect = end.write;
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
    trim_page(uid, std::max<std::uint32_t>(keep, 1), store::prefix_end(keys::executions_of(uid)),
              0);
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

}  // namespace khronos::dispatch

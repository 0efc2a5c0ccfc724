#include "store/txns.h"

#include "base/check.h"
#include "store/keys.h"

namespace khronos::store::txns {
namespace {

Compare unchanged(std::string key, Revision mod_revision) {
    return {std::move(key), Compare::Target::mod_revision, mod_revision};
}
Compare absent(std::string key) { return unchanged(std::move(key), Revision(0)); }
Compare mine(const Fence& fence) {
    CHECK(fence.owner_revision);
    return unchanged(keys::shard_owner(fence.shard), fence.owner_revision);
}
Put put(std::string key, std::string value) { return {std::move(key), std::move(value), {}}; }

// Its revision is the shard's job-set version.
Put touch_jobs(ShardId shard) { return put(keys::shard_jobs(shard), "1"); }

}  // namespace

Txn take(ShardId shard, Revision owner_as_read, const core::Owner& me,
         const std::optional<core::Cursor>& first_cursor) {
    Txn txn;
    txn.compares.push_back(unchanged(keys::shard_owner(shard), owner_as_read));
    txn.operations.push_back(put(keys::shard_owner(shard), encode(me)));
    if (first_cursor) {
        txn.compares.push_back(absent(keys::shard_cursor(shard)));
        txn.operations.push_back(put(keys::shard_cursor(shard), encode(*first_cursor)));
    }
    return txn;
}

Txn release(const Fence& fence, const core::Owner& nobody) {
    return {{mine(fence)}, {put(keys::shard_owner(fence.shard), encode(nobody))}};
}

Txn fire(const Fence& fence, const core::Batch& batch, const core::Cursor& after,
         const std::vector<core::Execution>& records) {
    CHECK(records.size() == batch.decisions.size());
    const ShardId shard = fence.shard;
    Txn txn;
    txn.compares.push_back(mine(fence));
    txn.compares.push_back(unchanged(keys::shard_cursor(shard), batch.cursor_revision));
    txn.compares.push_back(unchanged(keys::shard_jobs(shard), batch.jobs_version));
    txn.operations.push_back(put(keys::shard_cursor(shard), encode(after)));
    for (std::size_t i = 0; i < records.size(); ++i) {
        const core::Execution& record = records[i];
        const core::Decision& decision = batch.decisions[i];
        std::string key = keys::execution(record.id);
        if (decision.trigger) {
            txn.compares.push_back(absent(key));
            // Still asked for: its execution may have ended and been forgotten long ago.
            std::string asked = keys::trigger(shard, decision.trigger->id);
            if (decision.trigger->revision)
                txn.compares.push_back(unchanged(asked, decision.trigger->revision));
            txn.operations.push_back(Erase{std::move(asked)});
        }
        txn.operations.push_back(put(std::move(key), encode(record)));
        if (!core::is_open(record.state)) continue;
        txn.operations.push_back(put(keys::open(shard, record.id), ""));
        if (record.slot >= 0) {
            std::string slot = keys::slot(record.id.uid, record.slot);
            txn.compares.push_back(absent(slot));
            txn.operations.push_back(put(std::move(slot), core::to_text(record.id)));
        }
    }
    return txn;
}

Txn claim(const Fence& fence, const core::Execution& next, Revision as_read, bool takes_slot) {
    Txn txn = rewrite(fence, next, as_read);
    if (takes_slot) {
        std::string slot = keys::slot(next.id.uid, next.slot);
        txn.compares.push_back(absent(slot));
        txn.operations.push_back(put(std::move(slot), core::to_text(next.id)));
    }
    txn.compares.push_back(
        {keys::job(next.job_name), Compare::Target::create_revision, fence.job_created});
    return txn;
}

Txn rewrite(const Fence& fence, const core::Execution& next, Revision as_read) {
    std::string key = keys::execution(next.id);
    return {{mine(fence), unchanged(key, as_read)}, {put(key, encode(next))}};
}

Txn end(const Fence& fence, const core::Execution& next, Revision as_read,
        const core::JobStats& stats, Revision stats_as_read) {
    std::string key = keys::execution(next.id);
    Txn txn;
    txn.compares.push_back(mine(fence));
    txn.compares.push_back(unchanged(key, as_read));
    txn.compares.push_back(unchanged(keys::stats(next.id.uid), stats_as_read));
    txn.operations.push_back(put(std::move(key), encode(next)));
    txn.operations.push_back(Erase{keys::open(fence.shard, next.id)});
    if (next.slot >= 0) txn.operations.push_back(Erase{keys::slot(next.id.uid, next.slot)});
    txn.operations.push_back(put(keys::stats(next.id.uid), encode(stats)));
    return txn;
}

Txn put_job(const PutJob& request) {
    const core::Job& next = request.next;
    const ShardId shard = shard_of(next.spec.name);
    Txn txn;
    txn.compares.push_back(unchanged(keys::job(next.spec.name), request.job_as_read));
    txn.compares.push_back(unchanged(keys::shard_cursor(shard), request.cursor_as_read));
    txn.operations.push_back(put(keys::job(next.spec.name), encode(next)));
    txn.operations.push_back(touch_jobs(shard));
    if (request.previous) {
        const JobVersion version{*request.previous, next.updated_at, false};
        txn.operations.push_back(
            put(keys::version(next.uid, request.previous->generation), encode(version)));
    } else {
        // Sent again after it was made and deleted it must not come back.
        txn.compares.push_back(absent(keys::version(next.uid, next.generation)));
    }
    for (const core::Trigger& trigger : request.triggers)
        txn.operations.push_back(put(keys::trigger(shard, trigger.id), encode(trigger)));
    if (request.stats) {
        txn.compares.push_back(unchanged(keys::stats(next.uid), request.stats_as_read));
        txn.operations.push_back(put(keys::stats(next.uid), encode(*request.stats)));
    }
    return txn;
}

Txn delete_job(const core::Job& job, Revision job_as_read, Revision cursor_as_read,
               WallTime ended_at) {
    const ShardId shard = shard_of(job.spec.name);
    Txn txn;
    txn.compares.push_back(unchanged(keys::job(job.spec.name), job_as_read));
    txn.compares.push_back(unchanged(keys::shard_cursor(shard), cursor_as_read));
    txn.operations.push_back(Erase{keys::job(job.spec.name)});
    txn.operations.push_back(touch_jobs(shard));
    const JobVersion version{job, ended_at, true};
    txn.operations.push_back(put(keys::version(job.uid, job.generation), encode(version)));
    return txn;
}

Txn trigger(const core::Trigger& trigger, Revision job_created,
            std::string_view idempotency_key) {
    const ShardId shard = shard_of(trigger.job_name);
    Txn txn;
    txn.compares.push_back(
        {keys::job(trigger.job_name), Compare::Target::create_revision, job_created});
    // Sent again after it was consumed it must not ask for another run.
    txn.compares.push_back(absent(keys::execution(trigger.id)));
    txn.operations.push_back(put(keys::trigger(shard, trigger.id), encode(trigger)));
    if (!idempotency_key.empty()) {
        std::string key = keys::idempotency(trigger.id.uid, idempotency_key);
        txn.compares.push_back(absent(key));
        txn.operations.push_back(put(std::move(key), core::to_text(trigger.id)));
    }
    return txn;
}

Txn drop_trigger(const Fence& fence, const core::ExecutionId& id) {
    return {{mine(fence)}, {Erase{keys::trigger(fence.shard, id)}}};
}

Txn ask_to_cancel(ShardId shard, const core::ExecutionId& id, std::string_view by) {
    return {{}, {put(keys::cancel(shard, id), std::string(by))}};
}

Txn lost(Txn giving_up, std::string_view worker, Revision heartbeat_as_seen) {
    giving_up.compares.push_back(unchanged(keys::heartbeat(worker), heartbeat_as_seen));
    return giving_up;
}

Txn heartbeats(const std::vector<std::pair<std::string, WorkerHeartbeat>>& beats) {
    Txn txn;
    for (const auto& [worker, beat] : beats)
        txn.operations.push_back(put(keys::heartbeat(worker), encode(beat)));
    return txn;
}

Txn forget_heartbeat(std::string_view worker, Revision as_read) {
    return {{unchanged(keys::heartbeat(worker), as_read)}, {Erase{keys::heartbeat(worker)}}};
}

Txn forget(const std::vector<core::ExecutionId>& ended) {
    Txn txn;
    for (const core::ExecutionId& id : ended)
        txn.operations.push_back(Erase{keys::execution(id)});
    return txn;
}

}  // namespace khronos::store::txns

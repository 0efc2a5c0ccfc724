// Every transaction that Khronos makes, one pure function each, so that one person can read them
// in one sitting. 3-line rule of each: what it compares is its safety, what it writes is its
// meaning, and the caller reads an unknown outcome back by the nonce in what was written.
#pragma once

#include <optional>
#include <vector>

#include "core/model/execution.h"
#include "core/model/job.h"
#include "core/model/shard.h"
#include "core/schedule/shard_engine.h"
#include "store/codec.h"
#include "store/store.h"

namespace khronos::store::txns {

// What an owner compares in every transaction: shards/<nnn>/owner, unchanged since it took it.
struct Fence {
    ShardId shard;
    Revision owner_revision;
    // Of the execution's job, for its claim: the create revision of jobs/<name>. 0: it is gone.
    Revision job_created{};
    bool operator==(const Fence&) const = default;
};

// take: IF owner = as read [AND the cursor is absent] THEN owner := me [and the cursor begins].
Txn take(ShardId shard, Revision owner_as_read, const core::Owner& me,
         const std::optional<core::Cursor>& first_cursor);

// release: IF owner = mine THEN nobody owns it.
Txn release(const Fence& fence, const core::Owner& nobody);

// fire: IF owner = mine AND cursor = as read AND the shard's jobs = the version the batch was
// decided by AND each slot is free AND each triggered execution is absent and its trigger still
// there THEN the cursor moves,
// the decisions are recorded, executions open, slots taken, triggers consumed.
// `records` are the batch's decisions in its order, as executions.
Txn fire(const Fence& fence, const core::Batch& batch, const core::Cursor& after,
         const std::vector<core::Execution>& records);

// claim: IF owner = mine AND execution = as read AND its job is still there THEN execution := next.
// With `takes_slot`: AND next.slot of its job is free THEN also takes it.
Txn claim(const Fence& fence, const core::Execution& next, Revision as_read,
          bool takes_slot = false);

// retry: IF owner = mine AND execution = as read THEN execution := next.
Txn rewrite(const Fence& fence, const core::Execution& next, Revision as_read);

// end: IF owner = mine AND execution = as read AND stats = as read THEN execution := next, it is
// not open any more, its slot is free, the job's statistics say how it went.
Txn end(const Fence& fence, const core::Execution& next, Revision as_read,
        const core::JobStats& stats, Revision stats_as_read);

// put job: IF job = as read AND cursor = as read THEN job := next, the shard's jobs are touched,
// the version before is kept, and what saving triggers is asked for.
struct PutJob {
    core::Job next;
    std::optional<core::Job> previous;
    Revision job_as_read;  // 0: absent
    Revision cursor_as_read;
    std::vector<core::Trigger> triggers;
    std::optional<core::JobStats> stats;  // written only where a restore brings them
    Revision stats_as_read;
};
Txn put_job(const PutJob& put);

// delete job: IF job = as read AND cursor = as read THEN it is gone, the shard's jobs are touched,
// and its last version is kept with the time it ended.
Txn delete_job(const core::Job& job, Revision job_as_read, Revision cursor_as_read,
               WallTime ended_at);

// run: IF the job is still the one read AND the execution is absent [AND the idempotency key is new] THEN a trigger.
Txn trigger(const core::Trigger& trigger, Revision job_created, std::string_view idempotency_key);

// IF owner = mine THEN a trigger is gone whose execution was decided already.
Txn drop_trigger(const Fence& fence, const core::ExecutionId& id);

// cancel: THEN a wish that the owner carries out. Nothing is compared: asked for again it is the
// same, and one for what has ended means nothing.
Txn ask_to_cancel(ShardId shard, const core::ExecutionId& id, std::string_view by);

// lost: what gives an attempt up (a retry or an end) AND no heartbeat of its worker was committed
// after the one that the owner has looked at for longer than guard + margin (0: there was none).
Txn lost(Txn giving_up, std::string_view worker, Revision heartbeat_as_seen);

// heartbeat: the keys of up to limits::kHeartbeatsInTxn workers. Compares nothing: whoever heard
// one may write it, and a newer one is only better.
Txn heartbeats(const std::vector<std::pair<std::string, WorkerHeartbeat>>& beats);

// IF the heartbeat is the one read THEN it is gone: its worker has been silent for so long.
Txn forget_heartbeat(std::string_view worker, Revision as_read);

// Erases history that nobody needs any more: only deletes.
Txn forget(const std::vector<core::ExecutionId>& ended);

}  // namespace khronos::store::txns

// The store's history as the checker reads it: every transaction that changed something, decoded,
// and what all of them together amount to. Read from the store itself, not from any client.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/model/execution.h"
#include "core/model/job.h"
#include "core/model/shard.h"
#include "store/store.h"

namespace khronos::sim {

struct SlotSeen {
    JobUid uid;
    std::int32_t number = 0;
    auto operator<=>(const SlotSeen&) const = default;
};

// Before all executions of the job, in the order of ExecutionId.
inline core::ExecutionId first_of(JobUid uid) {
    return {uid, {static_cast<core::TriggerKind>(0), {}, 0}, 0};
}

// One transaction, or what is left of it after decoding.
struct TxnSeen {
    Revision revision;
    MonoTime at;
    std::optional<ShardId> shard;  // whose cursor moved
    core::Cursor cursor;
    std::vector<core::Execution> records;  // in the order in which they were written
    std::vector<core::ExecutionId> forgotten;
    std::vector<core::Job> jobs;
    std::vector<std::string> deleted_jobs;  // names
    std::vector<core::Trigger> triggers;
    std::vector<core::ExecutionId> consumed;  // triggers
    std::vector<core::ExecutionId> opened, closed;
    std::vector<std::pair<SlotSeen, std::string>> slots_taken;
    std::vector<SlotSeen> slots_freed;
    std::vector<std::pair<std::string, std::string>> idempotency;
    std::vector<std::pair<JobUid, core::JobStats>> stats;
    std::vector<std::pair<ShardId, core::Owner>> owners;
    std::vector<std::string> unreadable;  // keys
};

// The events of one revision.
TxnSeen read_txn(const std::vector<store::WatchEvent>& events, MonoTime at);
// One line for people; empty when it says nothing (a job's version kept, a stretch of heartbeats).
std::string describe(const TxnSeen& txn);

struct VersionSeen {
    core::Job job;
    Revision revision;
    MonoTime at;
};
struct JobSeen {
    JobUid uid;
    std::string name;
    std::vector<VersionSeen> versions;
    Revision deleted;  // 0: not
    MonoTime deleted_at;
};
struct ExecutionSeen {
    core::Execution decided;  // as it was first written
    core::Execution now;
    Revision decided_revision;
    MonoTime decided_at;
    Revision revision;
    std::uint32_t limit = 0;  // of concurrent runs, when it was decided; 0: none
    std::map<AttemptNo, FenceToken> claims;
    bool forgotten = false;
};

// What the store says after the transactions so far. History that the system itself has
// forgotten is kept.
struct Seen {
    Revision revision;
    std::map<ShardId, core::Cursor> cursors;
    std::map<JobUid, JobSeen> jobs;
    std::map<std::string, JobUid, std::less<>> names;  // of the jobs there are
    std::map<ShardId, std::vector<JobUid>> by_shard;   // of all jobs there ever were
    std::map<core::ExecutionId, ExecutionSeen> executions;
    std::map<JobUid, std::set<core::ExecutionId>> open_of;
    std::map<core::ExecutionId, core::Trigger> triggers;
    std::set<core::ExecutionId> triggers_ever;
    std::set<core::ExecutionId> open;
    std::map<SlotSeen, std::string> slots;
    std::map<std::string, std::string> idempotency;
    std::map<JobUid, core::JobStats> stats;

    void apply(const TxnSeen& txn);
    // The version that is saved now; nullptr: the job is gone.
    const core::Job* present(JobUid uid) const;
    std::uint32_t limit_of(JobUid uid) const;
};

}  // namespace khronos::sim

// Decides the ticks and triggers of one shard. Pure: it is told facts and the time, and answers
// with batches of decisions; the driver (scheduler/) makes a transaction of each and says how it
// ended.
//
// Invariants: at most one batch is under way. A batch is a function of the facts, the cursor and
// `now`; after a conflict the same ticks are decided again from what the store says. Jobs are
// decided in the order of their uids, each job's ticks in the order of time, and the cursor says
// exactly how far.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/limits.h"
#include "base/shared_bytes.h"
#include "core/model/shard.h"
#include "core/schedule/decide.h"
#include "core/schedule/due_heap.h"

namespace khronos::core {

struct ShardRules {
    Duration misfire_threshold = std::chrono::seconds(60);
    // A fired tick is recorded as late from this age on.
    Duration late_after = std::chrono::seconds(2);
    // Of a batch: what its records cost in operations of one transaction. The cursor is one more.
    std::size_t max_operations = limits::kTxnOperations - 2;
};

// One record to be written.
struct Decision {
    ExecutionId id;
    Generation generation;
    TickDecision tick;
    std::optional<ExecutionId> blocked_by;
    std::int32_t slot = -1;           // taken by a fire of a job with limited concurrency
    SharedBytes job;                  // the job's present record; empty: the job is gone
    std::optional<Trigger> trigger;   // consumed by this decision
};

struct Batch {
    ShardId shard;
    Cursor before;
    Revision cursor_revision;  // to be compared
    Revision jobs_version;     // to be compared
    Cursor after;
    std::vector<Decision> decisions;
};

class ShardEngine {
  public:
    ShardEngine(ShardId shard, ShardRules rules) : shard_(shard), rules_(rules) {}

    // ---- facts: what the store said

    void set_cursor(Cursor cursor, Revision revision);
    // shards/<nnn>/jobs: the version that the jobs given so far are complete for.
    void set_jobs_version(Revision revision) { jobs_version_ = revision; }
    // `created` is the create revision of its key. False when its schedule does not parse (a newer
    // build's syntax): it has no ticks then.
    bool save_job(const Job& job, SharedBytes record, Revision created);
    void remove_job(JobUid uid);
    // A list of all jobs begins and ends: what was not saved in between is gone. The removed ones.
    void list_begins();
    std::vector<JobUid> list_ends();
    // The records of the jobs that may have that name: their hash is the name's.
    std::vector<const SharedBytes*> perhaps_named(std::string_view name) const;
    void add_trigger(const Trigger& trigger);
    void remove_trigger(const ExecutionId& id);
    // An execution that holds its job's concurrency, from its decision to its end.
    void add_open(const ExecutionId& id, std::int32_t slot);
    void remove_open(const ExecutionId& id);
    // A run that waited for its place has taken it.
    void took_slot(const ExecutionId& id, std::int32_t slot);
    void clear_open() { open_.clear(); }
    // The wall clock was stepped forward to `to`: undecided ticks before it are missed ones,
    // however young, so that a step never makes a burst. Unset: it was taken back.
    void clock_stepped(WallTime to) { missed_floor_ = to; }

    // ---- decisions

    // The next batch; nothing when none is due or one is under way. `now` is the wall clock's.
    std::optional<Batch> decide(WallTime now);
    // How the batch ended. Applied: its decisions are facts now (the executions are open).
    void applied(Revision revision);
    void not_applied();

    // When decide() may have something; WallTime::max(): not before a new fact.
    WallTime next_due() const;

    bool busy() const { return under_way_.has_value(); }
    const Cursor& cursor() const { return cursor_; }
    Revision cursor_revision() const { return cursor_revision_; }
    Revision jobs_version() const { return jobs_version_; }
    std::size_t job_count() const { return jobs_.size(); }
    std::size_t open_count(JobUid uid) const;
    const SharedBytes* job_record(JobUid uid) const;
    Revision job_created(JobUid uid) const;  // 0: there is no such job

  private:
    // What a rare job has besides the usual.
    struct Extra {
        std::vector<Era> past;
        WallTime starts_at;
        WallTime expires_at;
    };
    // A million of these are in memory: nothing here that is not needed for every job.
    struct Entry {
        JobUid uid;
        cron::Schedule schedule;
        WallTime effective_from;
        SharedBytes record;
        Revision created;
        std::unique_ptr<Extra> extra;
        std::uint32_t anchor_s = 0;   // seconds since 1970: until 2106
        std::uint32_t name_hash = 0;  // the stable hash's lower half
        Generation generation;
        std::uint32_t heap_place = UINT32_MAX;
        std::uint16_t misfire_limit = 100;
        std::uint16_t concurrency = 0;  // 0: no limit
        std::uint16_t queue_limit = 0;
        Misfire misfire = Misfire::once;
        std::uint8_t policy : 4 = 0;  // a Concurrency
        bool disabled : 1 = false;
        bool seen : 1 = true;  // by the list under way
        Concurrency concurrency_policy() const { return static_cast<Concurrency>(policy); }
    };
    static_assert(sizeof(Entry) <= 128);
    struct OpenRun {
        ExecutionId id;
        std::int32_t slot;
    };
    struct UnderWay {
        Cursor after;
        std::size_t operations = 0;
        std::vector<ExecutionId> opened;
        std::vector<JobUid> jobs;
        std::vector<ExecutionId> triggers;
    };

    // Operations that a record may cost: itself, the open execution, the slot, the trigger.
    static std::size_t cost(const Entry* entry) { return entry && entry->concurrency != 0 ? 3 : 2; }
    Entry* find(JobUid uid) const;
    bool is_open(const ExecutionId& id) const;
    Era present_era(const Entry& entry) const;
    WallTime first_due(const Entry& entry) const;
    void reschedule(Entry& entry);  // nothing while the cursor is not known
    bool grant(const Entry& entry, Decision& decision, UnderWay& run);
    void decide_triggers(Batch& batch, UnderWay& run);
    void decide_ticks(WallTime now, Batch& batch, UnderWay& run);
    bool decide_job(Entry& entry, WallTime now, WallTime pass_end, Batch& batch, UnderWay& run,
                    WallTime& up_to);
    void append(const Entry& entry, Generation generation, const TickDecision& tick, Batch& batch,
                UnderWay& run);

    ShardId shard_;
    ShardRules rules_;
    Cursor cursor_;
    Revision cursor_revision_;
    Revision jobs_version_;
    WallTime missed_floor_;
    std::vector<std::unique_ptr<Entry>> jobs_;  // by uid
    DueHeap<Entry> due_;
    std::vector<Trigger> triggers_;  // in the order in which they came
    std::unordered_map<JobUid, std::vector<OpenRun>> open_;
    std::optional<UnderWay> under_way_;
};

}  // namespace khronos::core

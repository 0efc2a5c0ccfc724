// Saves, deletes and triggers jobs: the write side of the API, one transaction each
// (store/txns.h), read back where the outcome was unknown, repeated where somebody else was
// faster. Lives on one loop; completions are posted to it.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "core/model/execution.h"
#include "core/model/job.h"
#include "core/model/shard.h"
#include "runtime/entropy.h"
#include "runtime/loop.h"
#include "store/store.h"

namespace khronos::cluster {

// Makes the entry of the audit log that goes into the transaction of a change. Empty: none does.
// `before` is null of what is made, `after` of what is deleted. Called once for each try.
using AuditNote = std::function<store::Put(const core::Job* before, const core::Job* after)>;

struct SavedJob {
    core::Job job;
    Revision revision;  // mod_revision of jobs/<name>: the ETag
    bool created = false;
    core::JobStats stats;
    bool replayed = false;  // of an idempotency key that was used: as the job is now
};

struct PutOptions {
    std::string updated_by;
    std::optional<Revision> if_match;  // Revision{0}: must not exist yet
    bool run_on_create = false;        // also write a trigger, in the same transaction
    // Counters and last results that a restore brings; larger counts and later times win.
    std::optional<core::JobStats> stats;
    // The same key with the same fingerprint of the request changes nothing a second time; with
    // another one it is an error.
    std::string idempotency_key;
    std::uint64_t fingerprint = 0;
    AuditNote audit = {};
};

struct RunOptions {
    std::string payload;          // JSON text; empty: the job's own
    std::string idempotency_key;  // empty: none
    std::string requested_by;
    core::TriggerKind kind = core::TriggerKind::manual;  // or `retry`
    AuditNote audit = {};
};

struct DeletedJob {
    core::Job job;
    core::JobStats stats;
    Revision revision;  // of the delete, or of a later moment
};

class JobWriter {
  public:
    template <class T>
    using Done = std::move_only_function<void(std::expected<T, Error>)>;

    struct Config {
        Duration misfire_threshold = std::chrono::seconds(60);
        int tries = 20;  // of a transaction that loses against the shard's owner
    };
    JobWriter(store::Store& store, runtime::Loop& loop, runtime::Entropy& entropy, Config config)
        : store_(store), loop_(loop), entropy_(entropy), config_(config) {}

    // `spec` must have passed core::validate(). Creates, or replaces the spec of the job of that
    // name; counters, uid, anchor (unless the schedule's text changes) stay.
    void put(core::JobSpec spec, PutOptions options, Done<SavedJob> done);
    // Reads, changes and saves under compare; `change` may run several times.
    void edit(std::string name, std::string updated_by,
              std::move_only_function<std::expected<void, Error>(core::JobSpec&)> change,
              Done<SavedJob> done, AuditNote audit = {});
    void remove(std::string name, std::optional<Revision> if_match, std::string removed_by,
                Done<DeletedJob> done, AuditNote audit = {});
    // Asks for a run, now. Returns when the trigger is durable; the id is the execution's.
    void run(std::string name, RunOptions options, Done<core::ExecutionId> done);
    // Linearizable.
    void get(std::string name, Done<std::optional<SavedJob>> done);

  private:
    // What a write of a job reads first: the job, its shard's cursor, its statistics.
    struct Before {
        std::optional<core::Job> job;
        Revision job_revision;
        Revision job_created;
        core::Cursor cursor;
        Revision cursor_revision;
        core::JobStats stats;
        Revision stats_revision;
    };
    struct Saving;
    void read(std::string name, Done<Before> done);
    void save(std::shared_ptr<Saving> saving);
    void save_keyed(std::shared_ptr<Saving> saving);
    void save_unkeyed(std::shared_ptr<Saving> saving);
    void save_read(std::shared_ptr<Saving> saving, Before before);
    void save_conflicted(std::shared_ptr<Saving> saving, core::JobStats stats, bool created,
                         core::Job next);
    void remove_try(std::string name, std::optional<Revision> if_match, int tries,
                    AuditNote audit, Done<DeletedJob> done);
    JobUid new_uid();

    store::Store& store_;
    runtime::Loop& loop_;
    runtime::Entropy& entropy_;
    Config config_;
    std::uint64_t last_uid_ = 0;
};

}  // namespace khronos::cluster

// A tick's or another trigger's decision, and the execution that follows from it. One record at
// executions/<uid>/<trigger>/<i> tells the whole story: why it was decided, when each step
// happened, how it ended.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace khronos::core {

// Stored as one letter in the key: never change.
enum class TriggerKind : char {
    tick = 't',
    manual = 'm',  // asked for through the API, `@oneway`, run on create
    child = 'c',   // the parent's execution ended
    backfill = 'b',
    retry = 'r',  // an operator's retry of an ended execution
};

// Identity of a trigger within its job. For a tick the nonce is 0: the tick is its time.
struct TriggerKey {
    TriggerKind kind = TriggerKind::tick;
    WallTime at;
    std::uint64_t nonce = 0;
    auto operator<=>(const TriggerKey&) const = default;
};

// `018f3c2a5b6c7d8e-01763928000000000t-0`: uid, microseconds in 17 digits with the kind's
// letter (and the nonce, for others than ticks), index in the group. Safe in a URL and in a key;
// ordered by time within a job.
struct ExecutionId {
    JobUid uid;
    TriggerKey trigger;
    std::uint16_t index = 0;
    auto operator<=>(const ExecutionId&) const = default;
};
std::string to_text(const TriggerKey& key);
std::string to_text(const ExecutionId& id);
std::expected<ExecutionId, std::string> execution_id_from_text(std::string_view text);

enum class ExecutionState : std::uint8_t {
    unknown = 0,
    // open
    waiting = 1,     // decided, no worker yet (reason says why)
    claimed = 2,     // a worker has the leave to start, or runs it
    retry_wait = 3,  // an attempt failed; the next not before `not_before`
    // ended
    succeeded = 10,
    failed = 11,
    timed_out = 12,
    cancelled = 13,
    lost = 14,
    // decided not to run
    skipped = 20,    // `reason` says why; may stand for a range
    coalesced = 21,  // into the tick `coalesced_into`; may stand for a range
};
std::string_view to_text(ExecutionState state);
std::expected<ExecutionState, std::string> execution_state_from_text(std::string_view text);
bool is_open(ExecutionState state);
bool is_ended(ExecutionState state);  // it ran, or was to run, and is over

// Why a tick did not run, or why an execution waits or ended as it did.
enum class Reason : std::uint8_t {
    none = 0,
    // skips
    concurrency = 1,    // `blocked_by` still runs
    misfire_skip = 2,   // older than the misfire threshold, policy `skip`
    misfire_limit = 3,  // beyond misfire_limit of policy `all`
    disabled = 4,
    paused = 5,
    misfire_once = 6,   // coalesced into a later one by policy `once`
    expired = 7,
    queue_full = 8,
    // late but run
    late = 20,
    caught_up = 21,     // run by the misfire policy
    // waits
    no_worker = 30,     // no live worker of the application, or none with a free slot
    // ends
    no_executor = 40,
    start_failed = 41,
    deadline = 42,      // start_deadline passed
    deleted = 43,       // the job was deleted before it could start
    user = 44,
    poison = 45,
    worker_lost = 46,
    replaced = 48,      // a later run of the job took its place
    guard = 47,         // its worker's heartbeats were not committed in time: it killed the run itself
};
std::string_view to_text(Reason reason);

struct AttemptRecord {
    AttemptNo attempt;
    FenceToken token;
    std::string worker;  // id
    std::string node;
    WallTime started_at;
    WallTime finished_at;
    ExecutionState outcome = ExecutionState::unknown;
    std::int32_t exit_code = 0;
    std::int32_t signal = 0;
    std::string message;
    Reason reason = Reason::none;
    bool operator==(const AttemptRecord&) const = default;
};

struct Execution {
    ExecutionId id;
    std::string job_name;
    Generation generation;  // the version of the job that was decided
    ExecutionState state = ExecutionState::waiting;
    Reason reason = Reason::none;
    std::string blocked_by;  // execution id
    WallTime scheduled_at;
    WallTime decided_at;
    std::string decided_by;  // node
    std::uint64_t nonce = 0;  // of the deciding transaction: an unknown outcome is read back by it

    // A range of ticks decided as one: from range_from to scheduled_at, both included.
    WallTime range_from;  // unset: this one tick
    std::uint32_t range_count = 1;
    bool range_count_is_floor = false;  // counting stopped at limits::kCountedRange
    WallTime coalesced_into;

    // The present attempt.
    AttemptNo attempt{1};
    FenceToken token;
    std::string worker;
    std::string node;
    WallTime not_before;  // of the next attempt, or of the first (spread)
    WallTime dispatched_at;
    WallTime started_at;
    WallTime finished_at;
    std::int32_t exit_code = 0;
    std::int32_t signal = 0;
    std::string message;
    std::string output_tail;  // at most limits::kOutputTailInRecord
    std::uint64_t output_bytes = 0;
    std::uint32_t lost_count = 0;
    std::int32_t slot = -1;          // slots/<uid>/<slot> that it holds; -1: none
    std::uint32_t failed_count = 0;  // attempts that count against `retries`
    std::string payload;             // of this run only; empty: the job's
    std::vector<AttemptRecord> attempts;  // the earlier ones
    std::string unknown_fields;

    bool operator==(const Execution&) const = default;
};

// The fire that all executions of a group share; Dkron's `group`: nanoseconds.
inline std::int64_t group_of(const Execution& e) { return e.id.trigger.at.us * 1000; }

}  // namespace khronos::core

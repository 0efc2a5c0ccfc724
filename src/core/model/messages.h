// What an agent and a worker say to each other, as plain values. The gRPC protocol (wire) maps
// onto these; the agent's built-in worker exchanges them in memory. A worker has a link to every
// agent; only the owner of an execution's shard has anything to say about it.
//
//   worker                                agent (the execution's owner)
//     Hello ------------------------------->        who I am, what I still hold
//     <------------------------------- Welcome      (or Rejected: two live boots of one id)
//     <--------------------------------- Offer      changes nothing
//     Accepted | Refused ------------------>
//                                                   claim transaction commits: token
//     <--------------------------------- Start      the leave to start, or to go on
//     Started ----------------------------->
//     Finished ---------------------------->        repeated to all until acknowledged
//                                                   end transaction commits
//     <--------------------------- Acknowledge      the worker may forget the attempt
//     <-------------------------------- Cancel      at any time; idempotent
//     <----------------------------------- Ask      a new owner: what became of these?
//     Answer ------------------------------>        one for each
//     Heartbeat ---------------------------> ... HeartbeatAck after the commit (one agent at a
//     time) Load -------------------------------->        on every link, about once a second
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "core/model/execution.h"
#include "core/model/job.h"

namespace khronos::core {

// Random, kept in the worker's data directory; one for each directory.
using WorkerId = std::string;

// One try of one execution.
struct AttemptId {
    ExecutionId execution;
    AttemptNo attempt;
    auto operator<=>(const AttemptId&) const = default;
};

// The snapshot of what an attempt runs; complete, so that a worker needs no store.
struct RunSpec {
    AttemptId id;
    std::string job_name;
    WallTime scheduled_at;
    std::string application;
    ShardId shard{};   // of the job: repeated in what is said of the attempt
    std::string type;  // the job's tags.type, for quotas; empty: none
    std::string executor;
    StringMap executor_config;
    std::string payload;
    std::string run_as;
    Duration timeout{0};     // 0: none
    Duration kill_grace{0};  // from SIGTERM to SIGKILL
    Duration guard{0};       // 0: none
    bool linger = false;     // daemons that the run leaves behind may live on
    bool operator==(const RunSpec&) const = default;
};

// ---- from a worker

enum class HeldState : std::uint8_t {
    accepted = 1,  // journalled, no leave to start yet
    running = 2,
    ended = 3,  // the result is journalled and not yet acknowledged
};

struct RunResult {
    ExecutionState outcome = ExecutionState::unknown;  // succeeded failed timed_out cancelled lost
    Reason reason = Reason::none;
    std::int32_t exit_code = 0;
    std::int32_t signal = 0;  // that ended it; 0: none
    WallTime started_at;      // unset: never started
    WallTime finished_at;
    std::string message;      // for people: `exit status 3`, `killed by SIGKILL after 10s`
    std::string output_tail;  // at most limits::kOutputTailInRecord
    std::uint64_t output_bytes = 0;
    bool operator==(const RunResult&) const = default;
};

struct HeldAttempt {
    AttemptId id;
    FenceToken token;
    HeldState state = HeldState::accepted;
    RunResult result;  // when ended
    ShardId shard{};
    bool operator==(const HeldAttempt&) const = default;
};

struct Hello {
    WorkerId worker;
    std::string boot_id;  // of this incarnation of the worker process
    std::string node;
    std::vector<std::string> applications;
    StringMap tags;
    std::uint32_t slots = 1;                           // max_execution_limit
    std::map<std::string, std::uint32_t> type_quotas;  // by the job's tags.type
    std::vector<std::string> handlers;                 // that executor `rpc` may ask for here
    std::vector<HeldAttempt> held;                     // all, when it was said; it may arrive late
    bool operator==(const Hello&) const = default;
};
struct Accepted {
    AttemptId id;
    ShardId shard{};
    bool operator==(const Accepted&) const = default;
};
// Certainly not started, and never will be.
struct Refused {
    AttemptId id;
    Reason reason = Reason::none;
    std::string message;
    bool retry_elsewhere = true;  // false: no worker could do it
    ShardId shard{};
    bool operator==(const Refused&) const = default;
};
struct Started {
    AttemptId id;
    FenceToken token;
    WallTime at;
    bool operator==(const Started&) const = default;
};
struct Finished {
    AttemptId id;
    FenceToken token;
    RunResult result;
    ShardId shard{};
    bool operator==(const Finished&) const = default;
};
// What this worker says of an attempt that it was asked about.
enum class AnswerState : std::uint8_t {
    accepted = 1,  // no leave to start came yet
    running = 2,
    ended = 3,
    // Not started, and never will be under the token it was asked with, or an older one: said
    // only when that is journalled.
    never = 4,
};
struct Answer {
    AttemptId id;
    FenceToken token;  // of the attempt; of `never`: the one that is refused
    AnswerState state = AnswerState::never;
    RunResult result;  // when ended
    ShardId shard{};
    bool operator==(const Answer&) const = default;
};
// To be committed to the store before it is acknowledged; said to one agent at a time, and to the
// next one when no acknowledgement comes.
struct Heartbeat {
    std::uint64_t sequence = 0;  // grows over all agents
    MonoTime sent_at;            // the worker's own clock
    std::vector<AttemptId> running;
    bool operator==(const Heartbeat&) const = default;
};
// How full the worker is, by all agents together; also the sign of life on a link.
struct Load {
    std::uint32_t used = 0;  // slots
    std::map<std::string, std::uint32_t> used_by_type;
    bool draining = false;  // accepts nothing
    bool operator==(const Load&) const = default;
};
using FromWorker =
    std::variant<Hello, Accepted, Refused, Started, Finished, Heartbeat, Answer, Load>;

// ---- to a worker

struct Welcome {
    std::string agent;
    std::vector<std::string> agents{};  // addresses of all, to connect to; empty: as before
    bool operator==(const Welcome&) const = default;
};
// The worker is not served: its id is another's too. It gives up, and says why.
struct Rejected {
    std::string message;
    bool operator==(const Rejected&) const = default;
};
struct Offer {
    RunSpec spec;
    bool operator==(const Offer&) const = default;
};
// Of an attempt that runs already: the claim still names this worker, its guard may be extended.
struct Start {
    AttemptId id;
    FenceToken token;
    bool operator==(const Start&) const = default;
};
struct Cancel {
    AttemptId id;
    Reason reason = Reason::user;
    FenceToken token{UINT64_MAX};  // an attempt that has a newer one is not meant
    bool operator==(const Cancel&) const = default;
};
// The end is durable (or the attempt is nobody's any more): forget it.
struct Acknowledge {
    AttemptId id;
    bool operator==(const Acknowledge&) const = default;
};
struct HeartbeatAck {
    std::uint64_t sequence = 0;
    bool operator==(const HeartbeatAck&) const = default;
};
struct Claimed {
    AttemptId id;
    FenceToken token;
    bool operator==(const Claimed&) const = default;
};
struct Ask {
    std::vector<Claimed> attempts;  // one Answer each
    std::vector<ShardId> shards;    // and one for everything else of these that is held
    bool operator==(const Ask&) const = default;
};
using ToWorker =
    std::variant<Welcome, Offer, Start, Cancel, Acknowledge, HeartbeatAck, Ask, Rejected>;

}  // namespace khronos::core

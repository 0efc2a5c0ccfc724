// What an agent and a worker say to each other, as plain values. The gRPC protocol (wire) maps
// onto these; the agent's built-in worker exchanges them in memory.
//
//   worker                                agent (the execution's owner)
//     Hello ------------------------------->        who I am, what I still hold
//     <------------------------------- Welcome
//     <--------------------------------- Offer      changes nothing
//     Accepted | Refused ------------------>
//                                                   claim transaction commits: token
//     <--------------------------------- Start      the leave to start
//     Started ----------------------------->
//     Finished ---------------------------->        repeated until acknowledged
//                                                   end transaction commits
//     <--------------------------- Acknowledge      the worker may forget the attempt
//     <-------------------------------- Cancel      at any time; idempotent
//     Heartbeat ---------------------------> ... HeartbeatAck after the commit
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
    ended = 3,     // the result is journalled and not yet acknowledged
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
    bool operator==(const HeldAttempt&) const = default;
};

struct Hello {
    WorkerId worker;
    std::string boot_id;  // of this incarnation of the worker process
    std::string node;
    std::vector<std::string> applications;
    StringMap tags;
    std::uint32_t slots = 1;                             // max_execution_limit
    std::map<std::string, std::uint32_t> type_quotas;    // by the job's tags.type
    std::vector<HeldAttempt> held;  // all: an attempt that is not here is not and will not be run
    bool operator==(const Hello&) const = default;
};
struct Accepted {
    AttemptId id;
    bool operator==(const Accepted&) const = default;
};
// Certainly not started, and never will be.
struct Refused {
    AttemptId id;
    Reason reason = Reason::none;
    std::string message;
    bool retry_elsewhere = true;  // false: no worker could do it
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
    bool operator==(const Finished&) const = default;
};
struct Heartbeat {
    std::uint64_t sequence = 0;
    MonoTime sent_at;  // the worker's own clock
    std::vector<AttemptId> running;
    bool operator==(const Heartbeat&) const = default;
};
using FromWorker = std::variant<Hello, Accepted, Refused, Started, Finished, Heartbeat>;

// ---- to a worker

struct Welcome {
    std::string agent;
    bool operator==(const Welcome&) const = default;
};
struct Offer {
    RunSpec spec;
    bool operator==(const Offer&) const = default;
};
struct Start {
    AttemptId id;
    FenceToken token;
    bool operator==(const Start&) const = default;
};
struct Cancel {
    AttemptId id;
    Reason reason = Reason::user;
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
using ToWorker = std::variant<Welcome, Offer, Start, Cancel, Acknowledge, HeartbeatAck>;

}  // namespace khronos::core

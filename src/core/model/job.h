// A job: the document a user writes (JobSpec) and what the system keeps around it (Job).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "core/model/policy.h"

namespace khronos::core {

using StringMap = std::map<std::string, std::string, std::less<>>;

// What a user saves. Every default is the behaviour without the field. Durations of 0 mean
// "none" unless said otherwise.
struct JobSpec {
    std::string name;
    std::string display_name;
    std::string description;
    std::string timezone;  // IANA name; empty: UTC... or the schedule's own TZ= prefix
    std::string schedule;  // empty: only by hand or by a parent
    std::string owner;
    std::string owner_email;
    bool disabled = false;
    bool ephemeral = false;  // delete after the first success
    StringMap tags;          // where to run: `k` -> `v` or `v:N`
    StringMap metadata;
    std::string parent_job;
    std::string executor;  // shell, http, rpc, noop; empty: every run fails and says so
    StringMap executor_config;
    std::map<std::string, StringMap, std::less<>> processors;
    std::string payload;  // JSON text; empty: none
    std::string application;  // empty: `default`
    std::string run_as;
    std::string calendar;
    std::string notify_json;  // JSON text; empty: none

    Concurrency concurrency = Concurrency::allow;
    std::uint32_t max_concurrency = 0;  // 0: 1 for forbid, unlimited for allow
    std::uint32_t queue_limit = 10;
    Balance balance = Balance::random;
    OnFailure on_failure = OnFailure::failover;
    OnLost on_lost = OnLost::retry;
    std::uint32_t lost_retries = 2;
    Misfire misfire = Misfire::once;
    std::uint32_t misfire_limit = 100;
    DstGap dst_gap = DstGap::by_rule;
    DstOverlap dst_overlap = DstOverlap::by_rule;

    std::uint32_t retries = 0;
    Duration retry_delay{0};
    double retry_backoff = 2.0;  // factor from one delay to the next; >= 1
    Duration retry_max_delay{0};  // 0: one hour
    Duration timeout{0};
    Duration kill_grace = std::chrono::seconds(10);
    Duration guard = std::chrono::seconds(60);
    Duration spread{0};
    Duration start_deadline{0};
    Duration expect{0};
    bool linger = false;
    std::uint32_t history_limit = 100;

    WallTime starts_at;   // no tick before; unset: none
    WallTime expires_at;  // no tick at or after; unset: none

    std::string unknown_fields;  // of a newer build; carried along unread

    bool operator==(const JobSpec&) const = default;
};

// A stretch of a job's past in which other rules held; kept in the record until the shard's
// cursor has passed `until`, so that each tick is decided by the version in force at its time.
// Ticks t with from < t <= until belong to it.
struct PastEra {
    Generation generation;  // versions/<uid>/<generation> has the whole document
    WallTime from;
    WallTime until;
    std::string schedule;
    std::string timezone;
    DstGap dst_gap = DstGap::by_rule;
    DstOverlap dst_overlap = DstOverlap::by_rule;
    WallTime anchor;
    WallTime starts_at;
    WallTime expires_at;
    bool disabled = false;
    bool operator==(const PastEra&) const = default;
};

// The record at jobs/<name>.
struct Job {
    JobUid uid;
    Generation generation{1};
    JobSpec spec;
    WallTime created_at;
    WallTime updated_at;
    std::string updated_by;
    // T_k of `@every P` is anchor + k*P. Whole seconds. Set at creation and by a change of the
    // schedule's text; kept by every other edit.
    WallTime anchor;
    // Ticks t > effective_from are this version's.
    WallTime effective_from;
    std::vector<PastEra> past;
    // Fields that a newer build wrote; carried along unread.
    std::string unknown_fields;
    bool operator==(const Job&) const = default;
};

// stats/<uid>: apart from the job, so that the end of a run never disturbs an edit.
struct JobStats {
    std::uint64_t success_count = 0;
    std::uint64_t error_count = 0;
    WallTime last_success;  // unset: never
    WallTime last_error;
    std::string last_status;  // `success`, `failed`; empty: never ran
    bool operator==(const JobStats&) const = default;
};

// Decided at once, and started when the run before it is over: its place is taken by the claim.
inline bool takes_slot_when_claimed(Concurrency policy) {
    return policy == Concurrency::replace || policy == Concurrency::queue;
}

// The concurrency limit a job's policy amounts to; 0: none.
inline std::uint32_t concurrency_limit(Concurrency policy, std::uint32_t max_concurrency) {
    if (max_concurrency != 0) return max_concurrency;
    return policy == Concurrency::allow || policy == Concurrency::unknown ? 0 : 1;
}

}  // namespace khronos::core

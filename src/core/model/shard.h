// What a shard's owner keeps in the store besides jobs and executions.
#pragma once

#include <algorithm>
#include <string>

#include "base/ids.h"
#include "base/time.h"
#include "core/model/execution.h"

namespace khronos::core {

// shards/<nnn>/cursor. Everything up to `t` is decided. While a pass that does not fit in one
// transaction is under way (pass_end set), jobs with a uid below `uid` are decided up to
// `pass_end`, and job `uid` up to `uid_t`.
struct Cursor {
    WallTime t;
    WallTime pass_end;  // unset: no pass under way; fixed by a pass's first transaction
    JobUid uid;
    WallTime uid_t;
    std::uint64_t nonce = 0;  // of the transaction that wrote it: tells whether mine was applied
    std::string unknown_fields;
    bool operator==(const Cursor&) const = default;

    WallTime decided_up_to(JobUid job) const {
        if (!pass_end.is_set()) return t;
        if (job < uid) return pass_end;
        return job == uid ? std::max(t, uid_t) : t;
    }
};

// shards/<nnn>/owner: the fence.
struct Owner {
    std::string agent;  // agent id; empty: nobody
    Epoch epoch;
    std::string node;
    std::string unknown_fields;
    bool operator==(const Owner&) const = default;
};

// triggers/<nnn>/<execution id>: asked for and not decided yet.
struct Trigger {
    ExecutionId id;
    std::string job_name;
    std::string payload;  // JSON text; empty: the job's
    std::string requested_by;
    Revision revision{};  // of its key, where it was read; not part of the record
    bool operator==(const Trigger&) const = default;
};

}  // namespace khronos::core

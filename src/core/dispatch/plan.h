// What the dispatcher needs of a job's version to run one execution of it.
#pragma once

#include <cstdint>

#include "core/model/execution.h"
#include "core/model/job.h"
#include "core/model/messages.h"

namespace khronos::core {

struct RetryRules {
    std::uint32_t retries = 0;
    Duration delay{0};
    double backoff = 2.0;
    Duration max_delay{0};
    OnFailure on_failure = OnFailure::failover;
    OnLost on_lost = OnLost::retry;
    std::uint32_t lost_retries = 2;
};

struct RunPlan {
    RunSpec run;  // id.attempt is filled in by the engine
    Balance balance = Balance::random;
    StringMap tags;            // that a worker must have
    std::uint32_t copies = 1;  // of `v:N` in the tags: so many workers run it
    RetryRules retry;
    Duration start_deadline{0};
    // Silence of the worker after which the attempt may be given up, the margin not counted; 0:
    // never.
    Duration lost_after{0};
    Concurrency concurrency = Concurrency::allow;
    std::uint32_t limit = 0;  // of concurrent runs; 0: none
    bool ephemeral = false;
};

RunPlan plan_of(const JobSpec& spec, const Execution& execution);

// The wait before retry number `n` (from 1), with full jitter: uniform in [0, d] where
// d = min(delay * backoff^(n-1), max_delay). `random` is uniform over all 64 bits.
Duration retry_wait(const RetryRules& rules, std::uint32_t n, std::uint64_t random);

// The attempt that its worker knows of: of a retry that is being written, the one before.
AttemptNo attempt_at_worker(const Execution& execution);

}  // namespace khronos::core

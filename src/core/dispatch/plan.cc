#include "core/dispatch/plan.h"

#include <algorithm>
#include <cmath>

namespace khronos::core {

RunPlan plan_of(const JobSpec& spec, const Execution& execution) {
    RunPlan plan;
    plan.run.id.execution = execution.id;
    plan.run.job_name = spec.name;
    plan.run.shard = shard_of(spec.name);
    if (const auto type = spec.tags.find("type"); type != spec.tags.end()) plan.run.type = type->second;
    plan.run.scheduled_at = execution.scheduled_at;
    plan.run.application = spec.application.empty() ? "default" : spec.application;
    plan.run.executor = spec.executor;
    plan.run.executor_config = spec.executor_config;
    plan.run.payload = execution.payload.empty() ? spec.payload : execution.payload;
    plan.run.run_as = spec.run_as;
    plan.run.timeout = spec.timeout;
    plan.run.kill_grace = spec.kill_grace;
    plan.run.guard = spec.guard;
    plan.run.linger = spec.linger;
    plan.balance = spec.balance;
    plan.tags = spec.tags;
    plan.retry = {spec.retries,   spec.retry_delay, spec.retry_backoff, spec.retry_max_delay,
                  spec.on_failure, spec.on_lost,     spec.lost_retries};
    plan.start_deadline = spec.start_deadline;
    plan.ephemeral = spec.ephemeral;
    return plan;
}

Duration retry_wait(const RetryRules& rules, std::uint32_t n, std::uint64_t random) {
    if (rules.delay <= Duration(0)) return Duration(0);
    const Duration most = rules.max_delay > Duration(0) ? rules.max_delay
                                                        : Duration(std::chrono::hours(1));
    const double grown = static_cast<double>(rules.delay.count()) *
                         std::pow(std::max(1.0, rules.backoff), static_cast<double>(n) - 1);
    const double bounded = std::min(grown, static_cast<double>(most.count()));
    const double fraction = static_cast<double>(random >> 11) / 9007199254740992.0;  // [0, 1)
    return Duration(static_cast<std::int64_t>(bounded * fraction));
}

AttemptNo attempt_at_worker(const Execution& execution) {
    return execution.state == ExecutionState::retry_wait && !execution.attempts.empty()
               ? execution.attempts.back().attempt
               : execution.attempt;
}

}  // namespace khronos::core

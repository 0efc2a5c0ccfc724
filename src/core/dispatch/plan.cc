#include "core/dispatch/plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace khronos::core {
namespace {

// `v:N` into v and N. Validated when it was saved; what is no number belongs to the value.
std::pair<std::string, std::uint32_t> value_and_copies(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos) return {text, 0};
    std::uint32_t copies = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + colon + 1, end, copies);
    if (error != std::errc{} || at != end || copies == 0) return {text, 0};
    return {text.substr(0, colon), copies};
}

// Where no successor may ever start nothing has to be dead before it.
bool needs_guard(const JobSpec& spec) {
    switch (spec.on_lost) {
        case OnLost::wait:
            return false;
        case OnLost::fail:
            return concurrency_limit(spec.concurrency, spec.max_concurrency) != 0;
        case OnLost::retry:
        case OnLost::unknown:
            return true;
    }
    return true;
}

}  // namespace

RunPlan plan_of(const JobSpec& spec, const Execution& execution) {
    RunPlan plan;
    plan.run.id.execution = execution.id;
    plan.run.job_name = spec.name;
    plan.run.shard = shard_of(spec.name);
    if (const auto type = spec.tags.find("type"); type != spec.tags.end())
        plan.run.type = type->second;
    plan.run.scheduled_at = execution.scheduled_at;
    plan.run.application = spec.application.empty() ? "default" : spec.application;
    plan.run.executor = spec.executor;
    plan.run.executor_config = spec.executor_config;
    plan.run.payload = execution.payload.empty() ? spec.payload : execution.payload;
    plan.run.run_as = spec.run_as;
    plan.run.timeout = spec.timeout;
    plan.run.kill_grace = spec.kill_grace;
    plan.run.guard = needs_guard(spec) ? spec.guard : Duration(0);
    plan.lost_after = spec.on_lost == OnLost::wait ? Duration(0) : spec.guard;
    plan.run.linger = spec.linger;
    plan.balance = spec.balance;
    std::uint32_t copies = 0;
    for (const auto& [key, text] : spec.tags) {
        if (key == "type") continue;  // names a quota, not a place
        auto [value, number] = value_and_copies(text);
        plan.tags.emplace(key, std::move(value));
        if (number != 0) copies = copies == 0 ? number : std::min(copies, number);
    }
    plan.copies = std::max<std::uint32_t>(copies, 1);
    plan.retry = {spec.retries,    spec.retry_delay, spec.retry_backoff, spec.retry_max_delay,
                  spec.on_failure, spec.on_lost,     spec.lost_retries};
    plan.start_deadline = spec.start_deadline;
    plan.ephemeral = spec.ephemeral;
    plan.concurrency = spec.concurrency;
    plan.limit = concurrency_limit(spec.concurrency, spec.max_concurrency);
    return plan;
}

Duration retry_wait(const RetryRules& rules, std::uint32_t n, std::uint64_t random) {
    if (rules.delay <= Duration(0)) return Duration(0);
    const Duration most =
        rules.max_delay > Duration(0) ? rules.max_delay : Duration(std::chrono::hours(1));
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

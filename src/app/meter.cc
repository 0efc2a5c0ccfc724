#include "app/meter.h"

#include <algorithm>
#include <chrono>

namespace khronos::app {
namespace {

using runtime::kLatencyBounds;
using runtime::kRunBounds;

double seconds(Duration d) { return std::chrono::duration<double>(std::max(d, Duration(0))).count(); }

constexpr const char* kTicks = "khronos_ticks_total";
constexpr const char* kTicksHelp = "Due times decided, by decision.";
constexpr const char* kLateness = "khronos_tick_lateness_seconds";
constexpr const char* kLatenessHelp =
    "From a tick's due time to its decision, its claim by a worker and the start of its run. "
    "First attempts only; `spread` is not lateness.";

}  // namespace

Meter::Meter(runtime::Metrics& metrics)
    : metrics_(metrics),
      fired_(metrics.counter(kTicks, kTicksHelp, {{"decision", "fire"}})),
      skipped_(metrics.counter(kTicks, kTicksHelp, {{"decision", "skip"}})),
      coalesced_(metrics.counter(kTicks, kTicksHelp, {{"decision", "coalesce"}})),
      late_decided_(
          metrics.histogram(kLateness, kLatenessHelp, kLatencyBounds, {{"stage", "decided"}})),
      late_dispatched_(
          metrics.histogram(kLateness, kLatenessHelp, kLatencyBounds, {{"stage", "dispatched"}})),
      late_started_(
          metrics.histogram(kLateness, kLatenessHelp, kLatencyBounds, {{"stage", "started"}})),
      duration_(metrics.histogram("khronos_execution_duration_seconds",
                                  "From the start of a run to its end.", kRunBounds)) {}

void Meter::decided(const core::Execution& e) {
    const bool tick = e.id.trigger.kind == core::TriggerKind::tick;
    switch (e.state) {
        case core::ExecutionState::skipped:
            if (tick) skipped_.add(e.range_count);
            metrics_
                .counter("khronos_skips_total", "Triggers that did not run, by reason.",
                         {{"reason", std::string(core::to_text(e.reason))}})
                .add(e.range_count);
            break;
        case core::ExecutionState::coalesced:
            coalesced_.add(e.range_count);
            break;
        default:
            if (!tick) return;
            fired_.add();
            late_decided_.observe(seconds(e.decided_at - e.scheduled_at));
            break;
    }
    std::string_view policy;
    if (e.reason == core::Reason::misfire_once || e.reason == core::Reason::caught_up)
        policy = "run";
    if (e.reason == core::Reason::misfire_skip || e.reason == core::Reason::misfire_limit)
        policy = "skip";
    if (!policy.empty())
        metrics_
            .counter("khronos_misfires_total",
                     "Ticks older than the misfire threshold, by what became of them.",
                     {{"policy", std::string(policy)}})
            .add(e.range_count);
}

void Meter::dispatched(const core::Execution& e) {
    if (e.id.trigger.kind != core::TriggerKind::tick || e.attempt != AttemptNo(1)) return;
    late_dispatched_.observe(seconds(e.dispatched_at - std::max(e.scheduled_at, e.not_before)));
}

void Meter::started(const core::Execution& e, WallTime at) {
    if (e.id.trigger.kind != core::TriggerKind::tick || e.attempt != AttemptNo(1)) return;
    late_started_.observe(seconds(at - std::max(e.scheduled_at, e.not_before)));
}

void Meter::ended(const core::Execution& e) {
    metrics_
        .counter("khronos_executions_total", "Executions that ended, by status.",
                 {{"status", std::string(core::to_text(e.state))}})
        .add();
    if (e.started_at.is_set()) duration_.observe(seconds(e.finished_at - e.started_at));
}

}  // namespace khronos::app

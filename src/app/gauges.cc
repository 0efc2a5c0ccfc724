#include "app/gauges.h"

#include <algorithm>

#include "app/version.h"
#include "core/schedule/era.h"
#include "store/codec.h"

namespace khronos::app {

Gauges::Gauges(runtime::Metrics& metrics)
    : jobs_(metrics.gauge("khronos_jobs", "Jobs in the catalog.")),
      shards_(metrics.gauge("khronos_shards_owned", "Shards that this agent decides for.")),
      running_(metrics.gauge("khronos_executions_running",
                             "Executions of this agent's shards that a worker has.")),
      waiting_(metrics.gauge("khronos_executions_waiting",
                             "Executions of this agent's shards that wait for a worker.")),
      retries_(metrics.gauge("khronos_executions_retry_wait",
                             "Executions of this agent's shards that wait for their next attempt.")),
      workers_up_(metrics.gauge("khronos_workers", "Workers known to this agent, by state.",
                                {{"state", "connected"}})),
      workers_gone_(metrics.gauge("khronos_workers", "Workers known to this agent, by state.",
                                  {{"state", "gone"}})) {
    metrics
        .gauge("khronos_build_info", "Always 1; the labels say which build this is.",
               {{"version", std::string(kVersion)}})
        .set(1);
}

void Gauges::set(const scheduler::SchedulerStats& scheduler, const core::DispatchStats& dispatch,
                 const std::vector<core::WorkerView>& workers) {
    jobs_.set(static_cast<double>(scheduler.jobs));
    shards_.set(static_cast<double>(scheduler.shards_owned));
    running_.set(static_cast<double>(dispatch.running));
    waiting_.set(static_cast<double>(dispatch.waiting));
    retries_.set(static_cast<double>(dispatch.retry_wait));
    const auto up = std::count_if(workers.begin(), workers.end(),
                                  [](const core::WorkerView& worker) { return worker.connected; });
    workers_up_.set(static_cast<double>(up));
    workers_gone_.set(static_cast<double>(static_cast<std::ptrdiff_t>(workers.size()) - up));
}

void append_job_series(std::vector<runtime::MetricFamily>& families,
                       const cluster::Catalog& catalog, WallTime now) {
    runtime::MetricFamily next;
    next.name = "khronos_job_next_timestamp_seconds";
    next.help = "When the job is due next; no series where it is not.";
    runtime::MetricFamily success;
    success.name = "khronos_job_last_success_timestamp_seconds";
    success.help = "When the job last succeeded; no series where it never did.";
    catalog.visit({}, catalog.size(), [&](const cluster::CatalogEntry& entry) {
        const auto job = store::decode<core::Job>(entry.record.view());
        if (!job) return;
        const runtime::Labels labels{{"job", job->spec.name}};
        const auto schedule = core::compile(job->spec);
        if (schedule && !job->spec.disabled)
            if (const auto tick = core::era_of(*job, *schedule).next(now))
                next.samples.push_back({labels, static_cast<double>(tick->us) / 1e6, {}});
        const core::JobStats stats = catalog.stats(job->uid);
        if (stats.last_success.is_set())
            success.samples.push_back({labels, static_cast<double>(stats.last_success.us) / 1e6, {}});
    });
    families.push_back(std::move(next));
    families.push_back(std::move(success));
}

}  // namespace khronos::app

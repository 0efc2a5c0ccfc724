// The metrics that say how things stand, as against what has happened (meter.h).
#pragma once

#include <vector>

#include "cluster/catalog.h"
#include "core/dispatch/dispatch_engine.h"
#include "runtime/metrics.h"
#include "scheduler/scheduler.h"

namespace khronos::app {

// With more jobs there are no series of single jobs: they would be the larger part of a scrape.
inline constexpr std::size_t kJobSeriesMax = 1000;

class Gauges {
  public:
    explicit Gauges(runtime::Metrics& metrics);
    void set(const scheduler::SchedulerStats& scheduler, const core::DispatchStats& dispatch,
             const std::vector<core::WorkerView>& workers);

  private:
    runtime::Gauge& jobs_;
    runtime::Gauge& shards_;
    runtime::Gauge& running_;
    runtime::Gauge& waiting_;
    runtime::Gauge& retries_;
    runtime::Gauge& workers_up_;
    runtime::Gauge& workers_gone_;
};

// Next tick and last success of each job. On the catalog's loop.
void append_job_series(std::vector<runtime::MetricFamily>& families,
                       const cluster::Catalog& catalog, WallTime now);

}  // namespace khronos::app

// Turns what happens into the metrics of the user's documentation. Any thread.
#pragma once

#include "core/model/execution.h"
#include "runtime/metrics.h"

namespace khronos::app {

class Meter {
  public:
    explicit Meter(runtime::Metrics& metrics);

    void decided(const core::Execution& execution);
    void dispatched(const core::Execution& execution);  // its claim is durable
    void started(const core::Execution& execution, WallTime at);
    void ended(const core::Execution& execution);

  private:
    runtime::Metrics& metrics_;
    runtime::Counter& fired_;
    runtime::Counter& skipped_;
    runtime::Counter& coalesced_;
    runtime::Histogram& late_decided_;
    runtime::Histogram& late_dispatched_;
    runtime::Histogram& late_started_;
    runtime::Histogram& duration_;
};

}  // namespace khronos::app

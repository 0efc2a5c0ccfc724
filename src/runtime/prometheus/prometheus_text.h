// A snapshot of metrics in Prometheus' text format, version 0.0.4.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "runtime/metrics.h"

namespace khronos::runtime {

inline constexpr std::string_view kPrometheusContentType =
    "text/plain; version=0.0.4; charset=utf-8";

std::string to_prometheus_text(std::span<const MetricFamily> families);

}  // namespace khronos::runtime

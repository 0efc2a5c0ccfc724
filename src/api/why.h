// What became of one tick, in a sentence for people.
#pragma once

#include <string>

#include "core/model/execution.h"
#include "core/model/job.h"

namespace khronos::api {

// Of a record: "It ran on node1 from ... to ... and succeeded".
std::string explain(const core::Execution& execution);

// Of a time of which there is no record. `decided`: how far the job's shard is decided.
struct NoRecord {
    const core::Job& job;
    WallTime at;
    WallTime now;
    WallTime decided;
};
std::string explain(const NoRecord& tick);

}  // namespace khronos::api

// Everything that the records of one job can say against the promises, when it is looked at
// afterwards: its versions, what is decided and the executions that are still kept.
//
// Old history is forgotten: by the job's history_limit, or erased by a user. What may have been
// forgotten is counted as not known and is no finding. A tick without a record is lost for sure
// where something that was over before it is still kept and fewer than history_limit records
// came after it.
//
// Times are of several machines' clocks, which differ by less than Clocks::skew: what depends on
// their order is a finding only beyond that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/model/execution.h"
#include "core/model/job.h"
#include "core/verify/finding.h"
#include "core/verify/versions.h"

namespace khronos::verify {

struct Clocks {
    Duration skew = std::chrono::seconds(2);
    Duration early = std::chrono::milliseconds(200);  // beyond the skew
    Duration ahead = std::chrono::seconds(60);        // that a cursor may be of the present time
};

struct JobHistory {
    JobUid uid;
    std::string name;
    std::vector<core::Job> versions;       // by generation
    std::optional<WallTime> deleted_at;    // nothing after it is decided
    WallTime decided;                      // all ticks up to here are
    std::vector<core::Execution> records;  // by id
};

struct JobVerdict {
    std::vector<Finding> findings;
    std::uint64_t ticks = 0;          // that were derived and looked for
    std::uint64_t ticks_unknown = 0;  // of these: without a record, perhaps forgotten
    std::string unknown;              // why nothing, or not all, can be told; empty: all was
};

JobVerdict check_job(const JobHistory& job, Ticks& ticks, const Clocks& clocks);

}  // namespace khronos::verify

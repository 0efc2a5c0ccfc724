// Single fields of an encoded job, read in place: a list of a hundred thousand jobs is filtered
// without decoding one. Agrees with store::decode<core::Job> on everything the codec writes.
#pragma once

#include <optional>
#include <string_view>

#include "base/ids.h"

namespace khronos::cluster {

// Views into the record.
struct JobPeek {
    JobUid uid;
    std::string_view name;
    std::string_view display_name;
    std::string_view schedule;
    std::string_view parent_job;
    bool disabled = false;
    std::string_view spec;  // the encoded JobSpec, for the questions below
};

// nullopt where the bytes are no encoded job. Reads no further than it must: what stands behind
// the fields above may be anything.
std::optional<JobPeek> peek_job(std::string_view record);
// Whether all of the record and of its document hangs together.
bool is_job_record(std::string_view record);
// Only the name, which stands near the front; empty where the bytes are no encoded job.
std::string_view peek_job_name(std::string_view record);
bool metadata_has(const JobPeek& job, std::string_view key, std::string_view value);
bool tags_have(const JobPeek& job, std::string_view key, std::string_view value);
std::string_view application_of(const JobPeek& job);  // empty: `default`

}  // namespace khronos::cluster

// A job as JSON, in Dkron v4's shape: every key of theirs is always written, in their order; ours
// beyond that only where they differ from the default, because some clients of theirs are strict.
#pragma once

#include <boost/json/object.hpp>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/model/job.h"

namespace khronos::api {

// A key that means nothing here.
struct UnknownKey {
    std::string path;     // `retrys`, `dst.gab`
    std::string nearest;  // the key it is most likely meant to be; may be empty
    bool operator==(const UnknownKey&) const = default;
};
// `unknown key retrys; did you mean retries?`
std::string to_string(const UnknownKey& key);

// What a client sent.
struct JobDocument {
    core::JobSpec spec;
    // Counters and last results, if any was given: a restore brings them.
    std::optional<core::JobStats> stats;
    std::vector<UnknownKey> unknown;
};

// All problems at once, in the order of the document's keys, each with its path. `null` stands for
// the default everywhere; keys that only the server writes (`id`, `status`, `next`,
// `dependent_jobs`) are read over. Keys are found without regard to case where nothing else fits,
// as Go's decoder does.
std::expected<JobDocument, std::vector<Error>> job_from_json(const boost::json::value& value);

struct JobView {
    const core::JobSpec& spec;
    core::JobStats stats;
    std::string status;  // `success`, `failed`, `partially_failed`, `running` or empty
    WallTime next;       // unset: never
    std::vector<std::string> dependents = {};
};
boost::json::object to_json(const JobView& view);

}  // namespace khronos::api

// The audit log: who changed what, append-only, at audit/<time>-<random>. An entry goes into the
// transaction of the change it tells of, wherever the change is one of the store.
//
// Invariant: no entry has a secret: of a job's executor_config and payload, values that may hold
// one are named, not shown.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "api/http_types.h"
#include "api/services.h"
#include "cluster/job_writer.h"
#include "core/model/job.h"
#include "store/store.h"

namespace khronos::api {

// Who asked.
struct Actor {
    std::string name;     // of the token, or `local`
    std::string address;  // where from
    bool operator==(const Actor&) const = default;
};

// `action`: `job.update`, `token.create`, ... `object`: its name. `before` and `after`: only what
// is different, null where there is nothing to tell.
store::Put audit_entry(Services& services, const Actor& actor, std::string_view action,
                       std::string_view object, const boost::json::value& before = nullptr,
                       const boost::json::value& after = nullptr);

// Behind a change that is not the store's: nobody waits for it.
void write_audit(Services& services, const Actor& actor, std::string_view action,
                 std::string_view object);

// For JobWriter. The action is `job.create`, `job.update` or `job.delete` by what changes, unless
// one is given.
cluster::AuditNote job_audit(Services& services, Actor actor, std::string_view action = "");

// The fields in which two specs differ, as in JSON, with what may be secret left out.
struct JobDifference {
    boost::json::value before;
    boost::json::value after;
};
JobDifference job_difference(const core::JobSpec* before, const core::JobSpec* after);

// Deletes what is too old, or too much. Now and then, by any agent.
void trim_audit(Services& services);
inline constexpr std::size_t kAuditEntries = 100'000;
inline constexpr Duration kAuditAge = std::chrono::hours(24 * 90);

}  // namespace khronos::api

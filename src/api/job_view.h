// Jobs as answers: the document with its computed fields, and its ETag.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "api/http_types.h"
#include "api/services.h"
#include "base/ids.h"
#include "cluster/catalog.h"
#include "cluster/job_writer.h"

namespace khronos::api {

boost::json::object job_answer(const Services& services, const core::Job& job,
                               const core::JobStats& stats);
// An empty object where the record cannot be read.
boost::json::object job_answer(const Services& services, const cluster::CatalogEntry& entry,
                               const core::JobStats& stats);

std::string etag_of(Revision revision);           // `"17"`
std::string job_location(std::string_view name);  // `/v1/jobs/<name>`

// What If-Match and If-None-Match ask of the revision that is there; 0 stands for "none".
class Precondition {
  public:
    explicit Precondition(const Headers& headers);
    bool any() const { return !if_match_.empty() || !if_none_match_.empty(); }
    bool holds(Revision present) const;

  private:
    std::vector<std::string> if_match_;
    std::vector<std::string> if_none_match_;
};

}  // namespace khronos::api

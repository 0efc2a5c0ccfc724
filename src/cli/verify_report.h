// What `khronos verify` prints: a line for each job as it is looked at, its violations under it,
// and a last line that says it all. As JSON one object, at the end.
#pragma once

#include <boost/json/array.hpp>
#include <iosfwd>

#include "cluster/verify.h"

namespace khronos::cli {

class VerifyReport {
  public:
    // `quiet`: of the jobs only those that break a promise.
    VerifyReport(std::ostream& out, bool as_json, bool quiet)
        : out_(out), as_json_(as_json), quiet_(quiet) {}

    void add(const cluster::VerifiedJob& job);
    // The exit status: 0, or 1 where there is a violation.
    int end(const cluster::Verified& verified);

  private:
    std::ostream& out_;
    const bool as_json_;
    const bool quiet_;
    boost::json::array jobs_;
};

}  // namespace khronos::cli

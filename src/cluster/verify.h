// Reads a whole store and holds its records against the promises: every tick of every job is
// derived again, and what the records of one moment can decide is decided (core/verify has the
// rules). Reads only; the store may be at rest or in use.
//
// In a store in use, what is read one after the other need not fit: a job with a finding is looked
// at again, and only what is found each time counts.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "core/verify/job_check.h"
#include "runtime/loop.h"
#include "store/store.h"

namespace khronos::cluster {

struct VerifyOptions {
    verify::Clocks clocks;
    std::string only_job;             // its name; empty: all
    std::size_t jobs_at_a_time = 64;  // that are being read
    int looks = 3;                    // at what has a finding
};

struct VerifiedJob {
    std::string name;
    JobUid uid;
    bool deleted = false;
    std::uint64_t records = 0;
    verify::JobVerdict verdict;
};

struct Verified {
    std::uint64_t jobs = 0;
    std::uint64_t jobs_unknown = 0;  // of which not everything could be told
    std::uint64_t records = 0;
    std::uint64_t ticks = 0;
    std::uint64_t ticks_unknown = 0;
    std::uint64_t findings = 0;  // in all
    // Of no single job.
    std::vector<verify::Finding> others;
};

struct VerifyProgress {
    std::uint64_t done = 0;
    std::uint64_t of = 0;  // jobs
};

// `on_job` is told of every job, `on_progress` may be empty. The error: the store does not answer,
// is none of ours, or has no such job.
void verify_store(store::Store& store, runtime::Loop& loop, VerifyOptions options,
                  std::function<void(const VerifiedJob&)> on_job,
                  std::function<void(const VerifyProgress&)> on_progress,
                  std::move_only_function<void(std::expected<Verified, Error>)> done);

}  // namespace khronos::cluster

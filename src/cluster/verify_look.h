// One look at one job: reads all that the store has of it, in an order in which a store that is in
// use mostly fits, and checks it.
#pragma once

#include <expected>
#include <functional>
#include <string>

#include "base/ids.h"
#include "core/verify/job_check.h"
#include "runtime/loop.h"
#include "store/store.h"

namespace khronos::cluster {

struct LookedAt {
    std::string name;  // empty: no version of it is kept
    bool deleted = false;
    std::uint64_t records = 0;
    verify::JobVerdict verdict;
};

// `name`: of the job that has this uid now; empty: it was deleted, or never was. `ticks` is shared
// by all looks. The error is the store's.
void look_at_job(store::Store& store, JobUid uid, std::string name, std::uint64_t token_base,
                 verify::Ticks& ticks, const verify::Clocks& clocks,
                 std::move_only_function<void(std::expected<LookedAt, std::string>)> done);

}  // namespace khronos::cluster

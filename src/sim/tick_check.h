// I1, I9, I12, I21 and the decisions' side of I5: every transaction that moves a cursor decides
// exactly the ticks that it moves past, each as the job's version in force, the clock and the
// policies want it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/verify/versions.h"
#include "sim/report.h"
#include "sim/seen.h"

namespace khronos::sim {

class TickCheck {
  public:
    TickCheck(Report& report, const World& world, const Fleet& fleet, Duration misfire_threshold)
        : report_(report), world_(world), fleet_(fleet), threshold_(misfire_threshold) {}

    // `seen` is what was before the transaction.
    void check(const Seen& seen, const TxnSeen& txn);
    // Ticks of the job after what is decided and up to `until`; for liveness.
    std::vector<WallTime> undecided(const Seen& seen, const JobSeen& job, WallTime until);

  private:
    enum class Missed : std::uint8_t { no, yes, either };
    enum class Want : std::uint8_t { run, coalesce, skip, limit, disabled, any };
    struct Due {
        WallTime at;
        Want want = Want::run;
        bool missed = false;
        bool sure = true;
        WallTime into;
        bool covered = false;
    };
    static std::vector<verify::Force> in_force(const JobSeen& job);
    std::vector<WallTime> ticks(const core::Job& job, WallTime from, WallTime until);
    Missed missed(const core::Execution& decision, WallTime tick) const;
    void check_cursor(const core::Cursor& before, const TxnSeen& txn);
    void check_job(const Seen& seen, const JobSeen& job, const core::Cursor& before,
                   const TxnSeen& txn, const std::vector<const core::Execution*>& records);
    std::vector<Due> wanted(const JobSeen& job, WallTime lower, WallTime upper, WallTime pass_end,
                            const core::Execution* decision);
    void judge(std::vector<Due>& due, const core::Execution& record);
    void check_concurrency(const Seen& seen, const TxnSeen& txn, JobUid uid);

    Report& report_;
    const World& world_;
    const Fleet& fleet_;
    Duration threshold_;
    verify::Ticks ticks_;
    std::map<core::ExecutionId, MonoTime> ended_;
};

}  // namespace khronos::sim

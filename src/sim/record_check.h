// I2, I7, I8, I11, I13, I16's online side: records are only made by decisions, follow their state
// machine, agree with what is open and who holds a slot, and say what the processes say.
#pragma once

#include <map>

#include "sim/ledger.h"
#include "sim/report.h"
#include "sim/seen.h"

namespace khronos::sim {

class RecordCheck {
  public:
    RecordCheck(Report& report, const Ledger& ledger, const Fleet& fleet)
        : report_(report), ledger_(ledger), fleet_(fleet) {}

    void before(const Seen& seen, const TxnSeen& txn);
    void after(const Seen& seen, const TxnSeen& txn);

  private:
    void check_new(const Seen& seen, const TxnSeen& txn, const core::Execution& next);
    void check_change(const Seen& seen, const core::Execution& last, const core::Execution& next);
    void check_result(const Seen& seen, const core::Execution& last, const core::Execution& next);
    void check_caps(const Seen& seen, const core::Execution& next);

    struct Ends {
        std::uint64_t succeeded = 0;
        std::uint64_t failed = 0;
    };
    Report& report_;
    const Ledger& ledger_;
    const Fleet& fleet_;
    std::map<JobUid, Ends> ends_;
};

}  // namespace khronos::sim

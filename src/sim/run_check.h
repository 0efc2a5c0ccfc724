// I3, I4, I5, I6, I8, I14, I15 at the moment a process starts: it has the leave to, and nobody is
// in its way.
#pragma once

#include "sim/ledger.h"
#include "sim/report.h"
#include "sim/seen.h"

namespace khronos::sim {

class RunCheck {
  public:
    RunCheck(Report& report, const Ledger& ledger) : report_(report), ledger_(ledger) {}

    void started(const Seen& seen, const LedgerEntry& run, std::optional<MonoTime> before);

  private:
    Report& report_;
    const Ledger& ledger_;
};

}  // namespace khronos::sim

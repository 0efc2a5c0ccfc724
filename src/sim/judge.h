// All that looks at the store's history, transaction by transaction.
#pragma once

#include "sim/clients.h"
#include "sim/ledger.h"
#include "sim/record_check.h"
#include "sim/report.h"
#include "sim/run_check.h"
#include "sim/seen.h"
#include "sim/tick_check.h"

namespace khronos::sim {

class Judge {
  public:
    // `clients`: nullptr where a history is judged without its clients.
    Judge(Report& report, const World& world, const WallClock& clock, const Fleet& fleet,
          const Ledger& ledger, Clients* clients)
        : report_(report),
          clock_(clock),
          world_(world),
          clients_(clients),
          ticks_(report, world, fleet, std::chrono::seconds(60)),
          records_(report, ledger, fleet),
          runs_(report, ledger) {}

    void read(const TxnSeen& txn);
    void started(const LedgerEntry& run, std::optional<MonoTime> before) {
        runs_.started(seen_, run, before);
    }
    const Seen& seen() const { return seen_; }

    // No tick of an enabled job that is older than `late` is undecided.
    void check_punctual(Duration late);
    // Nothing of the store's is left over.
    void check_at_rest();

  private:
    Report& report_;
    const WallClock& clock_;
    const World& world_;
    Clients* clients_;
    Seen seen_;
    TickCheck ticks_;
    RecordCheck records_;
    RunCheck runs_;
};

}  // namespace khronos::sim

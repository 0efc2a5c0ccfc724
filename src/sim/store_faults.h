// What a simulated store does to its clients: replies that are slow, lost, or of writes that are
// applied late; stretches in which nothing answers; watches that lag and break.
#pragma once

#include <map>
#include <string>

#include "sim/world.h"
#include "store/memory/fault_plan.h"

namespace khronos::sim {

class StoreFaults final : public store::FaultPlan {
  public:
    struct Rules {
        Duration shortest = std::chrono::microseconds(50);  // of a request's way, and of an answer's
        Duration longest = std::chrono::milliseconds(3);
        double slow = 0;  // of the requests take up to `slowest`
        Duration slowest = std::chrono::milliseconds(800);
        double unknown = 0;     // of the writes, whose answer is lost
        double read_fails = 0;  // of the reads
        Duration gives_up = std::chrono::milliseconds(1500);   // the client, on an answer
        Duration applied_late = std::chrono::seconds(8);       // a lost write, at the latest
        double watch_lost = 0;                                 // of the watch updates
        double watch_slow = 0;
        double watch_dropped = 0;  // and nobody is told
        double watch_twice = 0;
        Duration watch_slowest = std::chrono::seconds(5);
    };

    StoreFaults(World& world, Seeded random) : world_(world), random_(random) {}

    void set_rules(const Rules& rules) { rules_ = rules; }
    // Until then nothing answers; `known`: the client learns that nothing was sent.
    void out_until(MonoTime until, bool known) {
        out_until_ = until;
        out_known_ = known;
    }

    store::RequestFault on_request(const store::RequestInfo& info) override;
    store::WatchFault on_watch_batch(std::string_view client, const store::WatchBatch&) override;

  private:
    Duration way();

    World& world_;
    Seeded random_;
    Rules rules_;
    MonoTime out_until_;
    bool out_known_ = true;
    std::map<std::string, MonoTime, std::less<>> last_update_;
};

}  // namespace khronos::sim

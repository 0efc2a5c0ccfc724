// One worker's process: the production worker on simulated ports. Its journal and its processes
// lie on the machine and survive it; destroying it is a crash.
#pragma once

#include <memory>
#include <vector>

#include "sim/machine.h"
#include "sim/net.h"
#include "worker/worker.h"

namespace khronos::sim {

class SimWorker {
  public:
    struct Rules {
        std::uint32_t slots = 100;
        Duration disk = std::chrono::milliseconds(5);  // a note takes up to this long
        double refuses = 0;                            // an offer, for no reason
        std::vector<std::string> applications = {"default"};
        core::StringMap tags;
        std::map<std::string, std::uint32_t> type_quotas;
    };

    SimWorker(World& world, const WallClock& clock, Net& net, Machine& machine,
              std::vector<std::string> agents, Rules rules, Seeded random);
    ~SimWorker();

    // The process does nothing until then; its runner goes on.
    void freeze_until(MonoTime until) { loop_.freeze_until(until); }
    worker::Worker& worker() { return *worker_; }

  private:
    class Host;
    class Journal;
    class Link;

    SimLoop loop_;
    Seeded random_;
    std::unique_ptr<Host> host_;
    std::unique_ptr<Journal> journal_;
    std::vector<std::unique_ptr<Link>> links_;
    std::unique_ptr<worker::Worker> worker_;
};

}  // namespace khronos::sim

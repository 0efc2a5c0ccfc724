// A worker as the protocol of core/model/messages.h wants it, in its simplest form: the other
// side of the dispatcher under test. Its journal lies on the machine and survives it.
#pragma once

#include <memory>
#include <vector>

#include "sim/machine.h"
#include "sim/net.h"

namespace khronos::sim {

class ModelWorker {
  public:
    struct Rules {
        std::uint32_t slots = 100;
        Duration disk = std::chrono::milliseconds(5);  // a note takes up to this long
        double refuses = 0;                            // an offer, for no reason
        bool keeps_accepted = true;  // across a crash; or else they are dead
    };

    ModelWorker(World& world, const WallClock& clock, Net& net, Machine& machine,
                std::vector<std::string> agents, Rules rules, Seeded random);
    ~ModelWorker();

  private:
    void say(std::size_t link, core::FromWorker message) { ports_[link]->send(std::move(message)); }
    void hello(std::size_t link);
    void hear(std::size_t link, const core::Welcome&) { (void)link; }
    void hear(std::size_t link, const core::Offer& offer);
    void hear(std::size_t link, const core::Start& start);
    void hear(std::size_t link, const core::Cancel& cancel);
    void hear(std::size_t link, const core::Acknowledge& acknowledge);
    void hear(std::size_t link, const core::HeartbeatAck&) { (void)link; }
    void hear(std::size_t link, const core::Ask& ask);
    void hear(std::size_t link, const core::Rejected&) { (void)link; }
    void ended(const core::AttemptId& id);

    Machine& machine_;
    Rules rules_;
    Seeded random_;
    SimLoop loop_;
    std::string boot_id_;
    std::vector<std::unique_ptr<Net::WorkerPort>> ports_;
    std::map<core::AttemptId, core::RunSpec> writing_;  // offers that are being noted
    std::map<core::AttemptId, std::size_t> spoken_;     // on which link
};

}  // namespace khronos::sim

// Several ways to workers, such as the one in this process and those over the network, as one.
// A worker is spoken to on the way on which it said Hello last. Lives on the ends' loop.
#pragma once

#include <map>
#include <vector>

#include "runtime/loop.h"
#include "wire/worker_link.h"

namespace khronos::wire {

class AgentMux final : public AgentEnd, public OutputSource {
  public:
    struct Way {
        AgentEnd* end = nullptr;
        OutputSource* outputs = nullptr;
    };
    // The ways outlive this, and are silent once it is gone.
    AgentMux(runtime::Loop& loop, std::vector<Way> ways);
    AgentMux(const AgentMux&) = delete;
    AgentMux& operator=(const AgentMux&) = delete;

    void send(const core::WorkerId& worker, core::ToWorker message) override;
    void set_handler(Handler handler) override;
    void read_output(const core::WorkerId& worker, const OutputQuery& query,
                     OutputAnswer done) override;

  private:
    runtime::Loop& loop_;
    const std::vector<Way> ways_;
    Handler handler_;
    std::map<core::WorkerId, const Way*> routes_;
};

}  // namespace khronos::wire

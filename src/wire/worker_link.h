// The port between the dispatcher and the workers. Two ends: the agent's (AgentEnd) speaks to
// many workers, the worker's (WorkerEnd) to one agent. Messages may be lost only together with
// the connection, and are delivered in order on each end's loop, never inside a call.
#pragma once

#include <functional>

#include "core/model/messages.h"

namespace khronos::wire {

class AgentEnd {
  public:
    virtual ~AgentEnd() = default;
    // To a worker that said Hello; nothing happens if it is gone.
    virtual void send(const core::WorkerId& worker, core::ToWorker message) = 0;

    struct Handler {
        std::move_only_function<void(const core::WorkerId&, core::FromWorker)> on_message;
        std::move_only_function<void(const core::WorkerId&)> on_gone;
    };
    virtual void set_handler(Handler handler) = 0;
};

class WorkerEnd {
  public:
    virtual ~WorkerEnd() = default;
    virtual void send(core::FromWorker message) = 0;

    struct Handler {
        std::move_only_function<void()> on_connected;  // say Hello now
        std::move_only_function<void(core::ToWorker)> on_message;
        std::move_only_function<void()> on_gone;
    };
    virtual void set_handler(Handler handler) = 0;
};

}  // namespace khronos::wire

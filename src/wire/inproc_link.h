// The link between an agent and the worker in the same process: both ends in memory, joined by
// posting to each other's loop. Messages under way are lost together with the connection.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/loop.h"
#include "wire/worker_link.h"

namespace khronos::wire {

class InprocLink {
  public:
    // Both loops outlive the link, and nothing is posted to them by it after its destruction as
    // long as both have stopped running tasks by then.
    InprocLink(runtime::Loop& agent_loop, runtime::Loop& worker_loop);
    InprocLink(const InprocLink&) = delete;
    InprocLink& operator=(const InprocLink&) = delete;

    AgentEnd& agent() { return agent_; }
    OutputSource& outputs() { return agent_; }
    WorkerEnd& worker() { return worker_; }

    // After both handlers are set. Any thread.
    void connect();
    // Both ends are told; connect() may follow. Any thread.
    void disconnect();

  private:
    class Agent final : public AgentEnd, public OutputSource {
      public:
        explicit Agent(InprocLink& link) : link_(link) {}
        void send(const core::WorkerId& worker, core::ToWorker message) override;
        void set_handler(Handler handler) override { handler_ = std::move(handler); }
        void read_output(const core::WorkerId& worker, const OutputQuery& query,
                         OutputAnswer done) override;

        InprocLink& link_;
        Handler handler_;
        core::WorkerId worker_;        // of the present connection, once it said Hello
        std::uint64_t connected_ = 0;  // the connection that `worker_` is of
    };
    class Worker final : public WorkerEnd {
      public:
        explicit Worker(InprocLink& link) : link_(link) {}
        void send(core::FromWorker message) override;
        void set_handler(Handler handler) override { handler_ = std::move(handler); }

        InprocLink& link_;
        Handler handler_;
        std::uint64_t connected_ = 0;
    };

    bool is_present(std::uint64_t connection) const {
        return connection != 0 && connection == connection_.load(std::memory_order_acquire);
    }

    runtime::Loop& agent_loop_;
    runtime::Loop& worker_loop_;
    Agent agent_{*this};
    Worker worker_{*this};
    std::atomic<std::uint64_t> counter_{0};
    std::atomic<std::uint64_t> connection_{0};  // 0: none
};

}  // namespace khronos::wire

// A worker's end of its stream to one agent, over gRPC: it connects by itself and comes back
// whenever it is cut, after a wait that grows and has jitter. Lives on one loop; gRPC's threads
// only hand over to it.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "runtime/entropy.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "wire/grpc/grpc_setup.h"
#include "wire/worker_link.h"

namespace khronos::wire {

struct AgentLinkConfig {
    std::string address;         // HOST:PORT, an IPv6 host in brackets
    std::string join_token;      // empty: none
    std::optional<LinkTls> tls;  // without: in clear text
    Duration retry_least = std::chrono::milliseconds(100);
    Duration retry_most = std::chrono::seconds(5);
    Duration connect_patience = std::chrono::seconds(10);

    std::expected<void, Error> validate() const;
};

class AgentLink final : public WorkerEnd {
  public:
    using OnAgents = std::move_only_function<void(std::vector<std::string> addresses)>;

    // `on_agents`: the agent has said where all agents are. It may destroy other links, not this.
    AgentLink(AgentLinkConfig config, runtime::Loop& loop, runtime::Entropy& entropy,
              runtime::Log& log, OnAgents on_agents);
    // On the loop. The handler hears nothing more. Blocks for gRPC's threads, for a moment.
    ~AgentLink() override;
    AgentLink(const AgentLink&) = delete;
    AgentLink& operator=(const AgentLink&) = delete;

    // After set_handler().
    void start();
    void send(core::FromWorker message) override;
    void set_handler(Handler handler) override;

    const std::string& address() const;
    bool connected() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace khronos::wire

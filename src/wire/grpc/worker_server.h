// The agent's door for workers: a gRPC server, and the AgentEnd of all workers that have a stream
// to it. Everything of ours happens on the loop; gRPC's threads only hand over to it.
//
// A worker has one stream to an agent. A second one under the same id
//  - of the same process, dialled by another address: is turned away, the first one stays;
//  - of the same process, by the same address: takes the place of the first, which has broken;
//  - of another process: takes the place of the first one when that is silent; when it is not, two
//    processes believe to be the same worker, and both are cut off.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "wire/grpc/grpc_setup.h"
#include "wire/worker_link.h"

namespace khronos::wire {

struct WorkerServerConfig {
    std::string ip;              // a literal
    std::uint16_t port = 0;      // 0: any free one
    std::optional<LinkTls> tls;  // with cert and key; a ca: workers may show a certificate of it
    std::string join_token;      // empty: none is asked for
    Duration hello_patience = std::chrono::seconds(10);
    Duration answer_patience = std::chrono::seconds(10);  // of a question for an output

    std::expected<void, Error> validate() const;
};

class WorkerServer final : public AgentEnd, public OutputSource {
  public:
    WorkerServer(WorkerServerConfig config, runtime::Loop& loop, runtime::Log& log);
    // On the loop, or when it does not run any more. Blocks for gRPC's threads, for a moment.
    ~WorkerServer() override;
    WorkerServer(const WorkerServer&) = delete;
    WorkerServer& operator=(const WorkerServer&) = delete;

    // Listens. Streams are let in from set_handler() on; until then they wait.
    std::expected<void, Error> start();
    std::uint16_t port() const;  // after start()

    // ---- on the loop

    // HOST:PORT of all live agents, this one included. Every worker is told now, and every later
    // one with its Welcome.
    void set_agents(std::vector<std::string> addresses);
    void send(const core::WorkerId& worker, core::ToWorker message) override;
    void set_handler(Handler handler) override;
    void read_output(const core::WorkerId& worker, const OutputQuery& query,
                     OutputAnswer done) override;

    struct Stats {
        std::size_t streams = 0;  // with a hello
        std::size_t waiting = 0;  // without
        std::uint64_t refused = 0;
        std::uint64_t cut = 0;  // for being malformed or too slow
    };
    Stats stats() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace khronos::wire

// The agent's side of all its workers: the one in this process and those that connect over gRPC,
// as one AgentEnd. Made and used on the core loop.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/services.h"
#include "app/config.h"
#include "base/error.h"
#include "core/model/agent.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "wire/agent_mux.h"
#include "wire/grpc/worker_server.h"
#include "wire/inproc_link.h"

namespace khronos::app {

class WorkerPort {
  public:
    // Listens, unless the settings say that nobody may come in: see may_listen().
    static std::expected<std::unique_ptr<WorkerPort>, Error> open(const AgentConfig& config,
                                                                  runtime::Loop& loop,
                                                                  wire::InprocLink& inside,
                                                                  runtime::Log& log);
    WorkerPort(const WorkerPort&) = delete;
    WorkerPort& operator=(const WorkerPort&) = delete;

    wire::AgentEnd& workers() { return *mux_; }
    // Where workers reach it, HOST:PORT; empty: nowhere.
    const std::string& address() const { return address_; }
    // Whoever is there, this agent included. Returns the others' addresses.
    std::set<std::string> set_agents(const std::vector<core::AgentSession>& members);

    // Of a run of any worker that is connected here. Any thread; `done` is posted to `answer_on`.
    void read_output(const core::Execution& execution, const api::OutputRange& range,
                     runtime::Loop& answer_on, api::Done<api::OutputPart> done);

  private:
    explicit WorkerPort(runtime::Loop& loop) : loop_(loop) {}

    runtime::Loop& loop_;
    std::unique_ptr<wire::WorkerServer> server_;  // nullptr: nobody may come in
    std::unique_ptr<wire::AgentMux> mux_;
    std::string address_;
};

// Another address than loopback is for who has a join token or a certificate, over TLS: without
// these only this process's own worker is served.
bool may_listen(const AgentConfig& config);

// What a link to an agent with these settings needs.
std::expected<std::optional<wire::LinkTls>, Error> link_tls(const std::string& ca,
                                                            const std::string& cert,
                                                            const std::string& key);

}  // namespace khronos::app

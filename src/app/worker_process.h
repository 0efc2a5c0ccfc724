// A worker with all its parts: the machine's process host, executors, journal, and the links to
// the agents. The worker inside an agent and `khronos worker` are this.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "app/agent_links.h"
#include "app/loop_thread.h"
#include "base/error.h"
#include "runtime/entropy.h"
#include "runtime/log.h"
#include "wire/worker_link.h"

namespace khronos::app {

class WorkerProcess {
  public:
    struct Config {
        std::string data_dir;  // made where it is missing
        std::string node;
        std::map<std::string, std::string> tags;
        std::uint32_t slots = 1;
        std::string secrets_dir;  // its files are what ${secret:NAME} stands for
        bool any_address = false;  // http jobs may reach private networks and this machine
        std::vector<std::string> applications = {"default"};
        std::map<std::string, std::uint32_t> type_quotas = {};
        AgentLinks::Config agents = {};
        std::function<void(const std::string&)> on_rejected = {};  // on the worker's loop
    };
    // Blocks until it is set up. `link`: to the agent in this process; may be nullptr.
    static std::expected<std::unique_ptr<WorkerProcess>, Error> start(Config config,
                                                                      LoopThread& thread,
                                                                      wire::WorkerEnd* link,
                                                                      runtime::Entropy& entropy,
                                                                      runtime::Log& log);
    // Processes live on in their runner; the next start takes them up again.
    ~WorkerProcess();

    // ---- any thread

    // The other agents of the cluster.
    void set_agents(std::set<std::string> addresses);
    // Takes no more runs. `done`, on the worker's loop: with what is still held then.
    void drain(Duration at_most, std::function<void(std::uint64_t left)> done);

  private:
    struct Parts;
    explicit WorkerProcess(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace khronos::app

// A worker's links to all agents of its cluster: begins with the addresses it was given, then
// follows what the agents say about who is there. Lives on the worker's loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/entropy.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "wire/grpc/agent_link.h"
#include "worker/worker.h"

namespace khronos::app {

class AgentLinks {
  public:
    struct Config {
        std::set<std::string> seeds;  // HOST:PORT
        std::string join_token;
        std::optional<wire::LinkTls> tls;
        Duration look_every = std::chrono::seconds(5);
    };
    AgentLinks(Config config, runtime::Loop& loop, runtime::Entropy& entropy, runtime::Log& log,
               worker::Worker& worker);
    ~AgentLinks();  // takes its links from the worker
    AgentLinks(const AgentLinks&) = delete;
    AgentLinks& operator=(const AgentLinks&) = delete;

    void start();
    // Where the agents are now. Given by an agent, or by who starts a worker inside of one.
    void set_agents(const std::set<std::string>& addresses);

    std::size_t connected() const;
    std::vector<std::string> addresses() const;

  private:
    struct One {
        std::unique_ptr<wire::AgentLink> link;
        core::attempt::LinkId id;
    };
    void told_by(const std::string& address, std::vector<std::string> agents);
    void look();
    void settle();

    const Config config_;
    runtime::Loop& loop_;
    runtime::Entropy& entropy_;
    runtime::Log& log_;
    worker::Worker& worker_;
    std::map<std::string, One> links_;
    std::set<std::string> agents_;  // as last told
    // What the agents say of themselves has once led nowhere from here: the seeds stay.
    bool keep_seeds_ = false;
    std::optional<runtime::TimerId> timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace khronos::app

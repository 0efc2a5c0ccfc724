// The network between agents and workers. A connection delivers in order and after a delay, and
// loses what is under way when it breaks; it is made anew as long as both ends are there.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "sim/world.h"
#include "wire/worker_link.h"

namespace khronos::sim {

class Net {
  public:
    struct Rules {
        Duration shortest = std::chrono::microseconds(20);
        Duration longest = std::chrono::milliseconds(2);
        Duration reconnect = std::chrono::milliseconds(300);  // at most
    };
    class AgentPort;
    class WorkerPort;

    Net(World& world, Seeded random);

    // Told of each message that arrives, for people.
    std::function<void(const std::string&)> on_story;

    void set_rules(Rules rules) { rules_ = rules; }
    // Breaks what is connected; it comes back by itself.
    void break_all();
    // Nothing gets through between the worker and its agents for so long. Each end of a connection
    // notices only after a while.
    void cut_off(const std::string& worker, Duration time);

  private:
    using Pair = std::pair<std::string, std::string>;  // agent, worker
    struct Connection {
        std::uint64_t number = 0;  // 0: not connected
        bool connecting = false;
        bool dead = false;  // loses everything, and nobody has noticed yet
        MonoTime cut_until;
        MonoTime to_agent;  // the last delivery
        MonoTime to_worker;
    };

    void meet(const std::string& agent, const std::string& worker);
    void connect(const Pair& pair);
    void drop(const Pair& pair);
    Duration delay() { return random_.between(rules_.shortest, rules_.longest); }
    void to_agent(const Pair& pair, std::uint64_t connection, core::FromWorker message);
    void to_worker(const Pair& pair, std::uint64_t connection, core::ToWorker message);

    World& world_;
    WallClock clock_;
    SimLoop loop_;
    Seeded random_;
    Rules rules_;
    std::map<std::string, AgentPort*> agents_;
    std::map<Pair, WorkerPort*> workers_;
    std::map<Pair, Connection> connections_;
    std::uint64_t numbers_ = 0;
};

// An agent's process: dies with it, and its connections with it.
class Net::AgentPort final : public wire::AgentEnd {
  public:
    AgentPort(Net& net, std::string agent, SimLoop& loop);
    ~AgentPort() override;
    void send(const core::WorkerId& worker, core::ToWorker message) override;
    void set_handler(Handler handler) override;

  private:
    friend class Net;
    Net& net_;
    std::string name_;
    SimLoop& loop_;
    Handler handler_;
    bool ready_ = false;
    std::map<std::string, std::uint64_t> known_;  // connections, as this process has seen them
};

// A worker's end towards one agent.
class Net::WorkerPort final : public wire::WorkerEnd {
  public:
    WorkerPort(Net& net, std::string worker, std::string agent, SimLoop& loop);
    ~WorkerPort() override;
    void send(core::FromWorker message) override;
    void set_handler(Handler handler) override;

  private:
    friend class Net;
    Net& net_;
    Net::Pair pair_;
    SimLoop& loop_;
    Handler handler_;
    bool ready_ = false;
    std::uint64_t known_ = 0;
};

}  // namespace khronos::sim

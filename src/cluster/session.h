// An agent's session: its record under agents/ on a lease that is kept alive, and what it sees of
// the others' records. Only a hint of who is there (2-semantics: leases err in both directions);
// what an agent may decide is a matter of the shards' owner keys. Lives on one loop.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/model/agent.h"
#include "runtime/loop.h"
#include "store/mirror.h"
#include "store/store.h"

namespace khronos::cluster {

class Session {
  public:
    struct Config {
        core::AgentSession self;  // `clock`, `leaving` and `clock_off` are set here
        Duration ttl = std::chrono::seconds(3);
        // Between two looks of the others at our clock.
        Duration refresh = std::chrono::seconds(5);
        Duration relist_every = std::chrono::seconds(30);
        // The id of a process that is certainly dead, a former one of this agent: its session
        // need not run out.
        std::string predecessor;
    };
    struct Events {
        // Somebody came, went or changed. `members` has ourselves only while our record is there.
        std::move_only_function<void()> on_change;
        std::move_only_function<void(std::string)> on_warning;
    };

    Session(store::Store& store, runtime::Loop& loop, Config config, Events events);
    ~Session();

    void start();
    // Our record says it from now on.
    void set_addresses(std::string http, std::string rpc);
    void say_leaving();
    // Ends the lease, so that nobody waits for it to run out. `done` in any case, and soon.
    void end(std::move_only_function<void()> done);

    // By id.
    const std::map<std::string, core::AgentSession>& members() const { return members_; }
    // The one that came first: it does what one has to do for all.
    const core::AgentSession* eldest() const;
    const core::AgentSession& self() const { return config_.self; }
    bool clock_off() const { return config_.self.clock_off; }
    // How far our clock is ahead of an agent's; nullopt: not known yet.
    std::optional<Duration> ahead_of(const std::string& id) const;

  private:
    struct Samples {
        std::optional<Duration> listed;  // roughly, until there are events
        std::deque<Duration> ahead;      // by the last events
    };
    void join();
    void put_record();
    void keep_alive();
    void rejoin();
    void on_put(const store::KeyValue& kv);
    void sample(const std::string& id, Duration ahead);
    void look_at_own_clock();
    void look_at_clocks();
    store::Mirror::Listener listener();

    store::Store& store_;
    runtime::Loop& loop_;
    Config config_;
    Events events_;
    store::Mirror mirror_;
    std::map<std::string, core::AgentSession> members_;
    std::map<std::string, Revision> came_;
    std::map<std::string, Samples> samples_;
    std::vector<std::string> before_list_;  // ids that a list under way has not told yet
    bool listing_ = false;
    bool changed_ = false;
    LeaseId lease_;
    bool joining_ = false;
    bool joined_ = false;   // once
    bool stepped_ = false;  // our clock was, and has not been found right since
    Now last_look_;
    bool ended_ = false;
    std::uint64_t round_ = 0;  // of joining
    runtime::TimerId keep_timer_;
    runtime::TimerId refresh_timer_;
    runtime::TimerId join_timer_;
    runtime::TimerId clock_timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace khronos::cluster

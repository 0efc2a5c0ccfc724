// The hands of core/ownership: watches sessions and owner keys, and has the scheduler take and
// hand over shards. Lives on the scheduler's loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/session.h"
#include "core/ownership/ownership_engine.h"
#include "runtime/loop.h"
#include "store/mirror.h"
#include "store/store.h"

namespace khronos::cluster {

// One shard, as this agent sees it.
struct ShardView {
    ShardId shard;
    std::string agent;  // its owner's id; empty: nobody
    Epoch epoch;
    WallTime cursor;    // everything up to it is decided, as last heard; unset: unknown
    bool operator==(const ShardView&) const = default;
};

class Ownership {
  public:
    struct Config {
        Session::Config session;
        // Nobody else can be there: no session is kept, and every other owner is a dead process.
        bool alone = false;
        Duration relist_every = std::chrono::seconds(60);
        core::OwnershipRules rules;
        // How long leave() waits for others to take over what was handed to them.
        Duration leave_patience = std::chrono::seconds(5);
    };
    // What the scheduler is to do; it answers by took() and so on.
    struct Actions {
        std::move_only_function<void(const core::TakeShard&)> take;
        std::move_only_function<void(ShardId)> hand_over;
        std::move_only_function<void(ShardId)> lose;
        // Agents came, went or changed.
        std::move_only_function<void()> on_members = [] {};
        // A shard's owner changed, or its epoch.
        std::move_only_function<void(ShardId)> on_owner = [](ShardId) {};
        std::move_only_function<void(std::string)> on_warning = [](std::string) {};
    };

    Ownership(store::Store& store, runtime::Loop& loop, Config config, Actions actions);
    ~Ownership();

    // `settled` once: every shard that nobody else has is this agent's, or somebody has it.
    void start(std::move_only_function<void()> settled);
    // Where others reach this agent; empty: nowhere. Told to them with the session.
    void set_addresses(std::string http, std::string rpc);
    // Hands everything over and ends the session; `done` when no shard waits for a new owner, or
    // nobody is there to have it, or the patience is over.
    void leave(std::move_only_function<void()> done);

    // ---- the scheduler's answers

    void took(ShardId shard, Epoch epoch, Revision revision);
    void not_taken(ShardId shard);
    void handed_over(ShardId shard, Revision revision);
    void lost(ShardId shard);

    // ---- views

    // Everybody with a session, by id; when alone only ourselves.
    std::vector<core::AgentSession> members() const;
    // Who does what one has to do for all; nullptr: nobody is known yet.
    const core::AgentSession* eldest() const;
    std::vector<ShardView> shards() const;
    std::size_t owned() const { return engine_.owned(); }
    std::size_t orphans() const { return engine_.orphans(); }
    bool clock_off() const { return session_ && session_->clock_off(); }
    bool alone() const { return !session_; }
    const std::string& owner_of(ShardId shard) const { return engine_.owner_of(shard); }

  private:
    store::Mirror::Listener listener();
    void on_put(const store::KeyValue& kv);
    void set_members();
    void step();
    void wake();
    void read_owner(ShardId shard);
    void check_settled();
    void check_left();
    void finish_leaving();

    store::Store& store_;
    runtime::Loop& loop_;
    Config config_;
    Actions actions_;
    core::OwnershipEngine engine_;
    std::unique_ptr<Session> session_;
    store::Mirror mirror_;
    std::array<WallTime, kShardCount> cursors_;
    std::move_only_function<void()> settled_;
    std::move_only_function<void()> left_;
    bool listed_ = false;
    bool leaving_ = false;
    bool wake_posted_ = false;
    std::size_t taking_ = 0;
    runtime::TimerId timer_;
    runtime::TimerId leave_timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace khronos::cluster

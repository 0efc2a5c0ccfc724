// Which shards this agent takes and which it hands over. Pure: it is told who is there, what the
// owner keys say and what became of its effects, and says what to do.
//
// Safety is none of its business: taking a shard is allowed to anyone at any time, and an owner
// that was taken from can do nothing but fail its compares. It only keeps shards owned, spread
// evenly, and handed over without a gap.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "core/ownership/assignment.h"

namespace khronos::core {

// Write the owner key: IF it is as read THEN it is mine, with that epoch.
struct TakeShard {
    ShardId shard;
    Revision owner_as_read;  // 0: there is no key
    Epoch epoch;
    bool has_cursor = false;
    bool operator==(const TakeShard&) const = default;
};
// Decide nothing more there, then write: IF it is mine THEN nobody's.
struct HandOverShard {
    ShardId shard;
    bool operator==(const HandOverShard&) const = default;
};
using OwnershipEffect = std::variant<TakeShard, HandOverShard>;

struct OwnershipMember {
    std::string id;
    bool eligible = true;  // not leaving, and its clock is right
    bool operator==(const OwnershipMember&) const = default;
};

struct OwnershipRules {
    // A live agent that ought to hand a shard over and does not is taken from after this long.
    Duration patience = std::chrono::seconds(10);
    // Shards between two owners at a time: each of them decides nothing for a moment.
    std::size_t hand_overs_at_once = 16;
};

class OwnershipEngine {
  public:
    OwnershipEngine(std::string me, OwnershipRules rules) : me_(std::move(me)), rules_(rules) {}

    // ---- facts

    // Everybody with a session. Without this agent nothing is taken.
    void set_members(std::vector<OwnershipMember> members);
    // shards/<nnn>/owner; `agent` empty: nobody's. An older revision than the known one is
    // ignored: it was under way.
    void set_owner(ShardId shard, std::string agent, Epoch epoch, Revision revision);
    void set_has_cursor(ShardId shard) { shards_[shard.value].has_cursor = true; }

    // ---- what became of the effects

    void took(ShardId shard, Epoch epoch, Revision revision);
    // A compare failed, or the store refused: the owner key is to be read again.
    void not_taken(ShardId shard);
    void handed_over(ShardId shard, Revision revision);
    // A compare of ours failed there: it is another's now.
    void lost(ShardId shard);

    // Nothing is taken any more, and everything is handed over, at whatever pace: to nobody where
    // nobody is there.
    void give_up_all() { giving_up_ = true; }

    // ---- what to do now

    std::vector<OwnershipEffect> step(MonoTime now);

    bool mine(ShardId shard) const { return shards_[shard.value].state == State::mine; }
    std::size_t owned() const;
    // Shards that nobody owns, or that are owned by an agent that is gone.
    std::size_t orphans() const;
    // After give_up_all(): nothing is ours, and what others can have, they have.
    bool all_handed_over() const;
    const Assignment& wanted() const { return wanted_; }
    // The known owner's agent id; empty: nobody.
    const std::string& owner_of(ShardId shard) const { return shards_[shard.value].owner; }
    Epoch epoch_of(ShardId shard) const { return shards_[shard.value].epoch; }

  private:
    enum class State : std::uint8_t { others, taking, mine, handing_over };
    struct Shard {
        State state = State::others;
        std::string owner;
        Epoch epoch;
        Revision revision;
        bool has_cursor = false;
        bool in_transit = false;              // handed over by us and taken by nobody yet
        bool stale = false;                   // a take failed: wait for a newer owner key
        std::optional<MonoTime> waits_since;  // a live owner ought to hand it over to us
    };

    bool alive(const std::string& agent) const;
    bool wanted_by_me(std::size_t shard) const;

    std::string me_;
    OwnershipRules rules_;
    std::vector<OwnershipMember> members_;
    std::vector<std::string> eligible_;
    bool giving_up_ = false;
    Assignment wanted_ = assign_shards({});
    std::array<Shard, kShardCount> shards_;
};

}  // namespace khronos::core

#include "core/ownership/ownership_engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>

namespace khronos::core {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kNow{1'000'000};

std::size_t takes(const std::vector<OwnershipEffect>& effects) {
    return static_cast<std::size_t>(std::ranges::count_if(
        effects, [](const auto& e) { return std::holds_alternative<TakeShard>(e); }));
}
std::size_t hand_overs(const std::vector<OwnershipEffect>& effects) {
    return effects.size() - takes(effects);
}

// All owner keys at once, and several engines on them: a store without the store.
class Cluster {
  public:
    void join(const std::string& id) {
        engines_.emplace(id, std::make_unique<OwnershipEngine>(id, OwnershipRules{}));
        members_.push_back({id, true});
        tell();
    }
    void die(const std::string& id) {
        engines_.erase(id);
        std::erase_if(members_, [&](const auto& m) { return m.id == id; });
        tell();
    }
    void set_eligible(const std::string& id, bool eligible) {
        for (auto& member : members_)
            if (member.id == id) member.eligible = eligible;
        tell();
    }
    OwnershipEngine& engine(const std::string& id) { return *engines_.at(id); }

    // One round of everybody, effects carried out at once. Whether anything happened.
    bool round() {
        now_ = now_ + 100ms;
        bool any = false;
        for (auto& [id, engine] : engines_)
            for (const OwnershipEffect& effect : engine->step(now_)) {
                any = true;
                carry_out(id, *engine, effect);
            }
        return any;
    }
    void settle() {
        for (int i = 0; i < 200 && round(); ++i) {
        }
        EXPECT_FALSE(round());
    }
    std::map<std::string, int> shares() const {
        std::map<std::string, int> shares;
        for (const auto& owner : owners_) ++shares[owner.agent];
        return shares;
    }
    std::size_t transfers = 0;

  private:
    struct Owner {
        std::string agent;
        Epoch epoch;
        Revision revision;
    };
    void tell() {
        for (auto& [id, engine] : engines_) {
            engine->set_members(members_);
            for (std::uint16_t i = 0; i < kShardCount; ++i)
                if (owners_[i].revision)
                    engine->set_owner(ShardId(i), owners_[i].agent, owners_[i].epoch,
                                      owners_[i].revision);
        }
    }
    void carry_out(const std::string& id, OwnershipEngine& engine, const OwnershipEffect& effect) {
        if (const auto* take = std::get_if<TakeShard>(&effect)) {
            Owner& owner = owners_[take->shard.value];
            if (owner.revision != take->owner_as_read) {
                engine.not_taken(take->shard);
                engine.set_owner(take->shard, owner.agent, owner.epoch, owner.revision);
                return;
            }
            EXPECT_EQ(take->epoch, owner.epoch.next());
            owner = {id, take->epoch, Revision(++revision_)};
            ++transfers;
            engine.took(take->shard, take->epoch, owner.revision);
        } else {
            const ShardId shard = std::get<HandOverShard>(effect).shard;
            Owner& owner = owners_[shard.value];
            EXPECT_EQ(owner.agent, id);
            owner = {"", owner.epoch, Revision(++revision_)};
            engine.handed_over(shard, owner.revision);
        }
        tell();
    }

    std::map<std::string, std::unique_ptr<OwnershipEngine>> engines_;
    std::vector<OwnershipMember> members_;
    std::array<Owner, kShardCount> owners_;
    std::uint64_t revision_ = 0;
    MonoTime now_ = kNow;
};

TEST(Ownership, TheFirstAgentTakesEverything) {
    OwnershipEngine engine("a", {});
    EXPECT_TRUE(engine.step(kNow).empty());  // it does not see its own session yet
    engine.set_members({{"a", true}});
    const auto effects = engine.step(kNow);
    EXPECT_EQ(takes(effects), kShardCount);
    EXPECT_FALSE(std::get<TakeShard>(effects.front()).has_cursor);
    EXPECT_TRUE(engine.step(kNow).empty());  // they are under way
}

TEST(Ownership, SharesAreEvenAfterEachComingAndGoing) {
    Cluster cluster;
    const auto expect_even = [&](std::size_t agents) {
        cluster.settle();
        const auto shares = cluster.shares();
        ASSERT_EQ(shares.size(), agents);
        for (const auto& [id, share] : shares)
            EXPECT_NEAR(share, double(kShardCount) / double(agents), 1) << id;
    };
    cluster.join("a");
    expect_even(1);
    cluster.join("b");
    expect_even(2);
    cluster.join("c");
    expect_even(3);
    cluster.die("b");
    expect_even(2);
    cluster.set_eligible("a", false);
    expect_even(1);
    EXPECT_EQ(cluster.shares().begin()->first, "c");
    cluster.set_eligible("a", true);
    expect_even(2);
}

TEST(Ownership, OnlyAFewShardsAreBetweenTwoOwnersAtATime) {
    Cluster cluster;
    cluster.join("a");
    cluster.settle();
    OwnershipEngine& a = cluster.engine("a");
    a.set_members({{"a", true}, {"b", true}});
    EXPECT_EQ(hand_overs(a.step(kNow)), OwnershipRules{}.hand_overs_at_once);
    EXPECT_TRUE(a.step(kNow + 1h).empty());  // until b has some
}

TEST(Ownership, ALiveOwnerIsWaitedForAndADeadOneIsNot) {
    OwnershipEngine b("b", {});
    b.set_members({{"a", true}, {"b", true}});
    for (std::uint16_t i = 0; i < kShardCount; ++i)
        b.set_owner(ShardId(i), "a", Epoch(1), Revision(i + 1));
    EXPECT_TRUE(b.step(kNow).empty());
    b.set_members({{"b", true}});
    EXPECT_EQ(takes(b.step(kNow)), kShardCount);
}

TEST(Ownership, ALiveOwnerThatNeverHandsOverIsTakenFromInTheEnd) {
    OwnershipEngine b("b", {});
    b.set_members({{"a", true}, {"b", true}});
    for (std::uint16_t i = 0; i < kShardCount; ++i)
        b.set_owner(ShardId(i), "a", Epoch(1), Revision(i + 1));
    EXPECT_TRUE(b.step(kNow).empty());
    EXPECT_TRUE(b.step(kNow + 9s).empty());
    EXPECT_EQ(takes(b.step(kNow + 10s)), kShardCount / 2);
}

TEST(Ownership, AFailedTakeWaitsForANewerOwnerKey) {
    OwnershipEngine a("a", {});
    a.set_members({{"a", true}});
    for (const auto& effect : a.step(kNow)) a.not_taken(std::get<TakeShard>(effect).shard);
    EXPECT_TRUE(a.step(kNow + 1h).empty());
    a.set_owner(ShardId(3), "dead", Epoch(8), Revision(70));
    EXPECT_EQ(a.step(kNow + 1h),
              (std::vector<OwnershipEffect>{TakeShard{ShardId(3), Revision(70), Epoch(9), false}}));
}

TEST(Ownership, ATakeThatWasTakenFromBeforeItWasAnsweredIsNotOurs) {
    OwnershipEngine a("a", {});
    a.set_members({{"a", true}});
    const auto effects = a.step(kNow);
    a.set_owner(ShardId(0), "b", Epoch(2), Revision(12));
    a.took(ShardId(0), Epoch(1), Revision(11));
    EXPECT_FALSE(a.mine(ShardId(0)));
}

TEST(Ownership, WithoutAnybodyElseItKeepsItsShardsUntilItGivesUp) {
    Cluster cluster;
    cluster.join("a");
    cluster.settle();
    cluster.set_eligible("a", false);
    cluster.settle();
    EXPECT_EQ(cluster.shares()["a"], kShardCount);
    cluster.engine("a").give_up_all();
    EXPECT_FALSE(cluster.engine("a").all_handed_over());
    cluster.settle();
    EXPECT_EQ(cluster.shares()[""], kShardCount);
    EXPECT_TRUE(cluster.engine("a").all_handed_over());
}

TEST(Ownership, GivingUpIsDoneWhenTheOthersHaveTheShards) {
    Cluster cluster;
    cluster.join("a");
    cluster.join("b");
    cluster.settle();
    cluster.engine("a").give_up_all();
    cluster.set_eligible("a", false);
    cluster.settle();
    EXPECT_TRUE(cluster.engine("a").all_handed_over());
    EXPECT_EQ(cluster.shares()["b"], kShardCount);
}

// What must hold under any order of coming and going: it settles, evenly, and nothing is moved
// twice for one change.
TEST(Ownership, AnyHistorySettlesWithoutShardsGoingBackAndForth) {
    std::mt19937 random(7);
    for (int history = 0; history < 20; ++history) {
        Cluster cluster;
        std::vector<std::string> present;
        int next = 0;
        for (int change = 0; change < 8; ++change) {
            if (present.empty() || random() % 3 != 0) {
                present.push_back("agent-" + std::to_string(history) + "-" + std::to_string(next++));
                cluster.join(present.back());
            } else {
                const std::size_t who = random() % present.size();
                cluster.die(present[who]);
                present.erase(present.begin() + static_cast<std::ptrdiff_t>(who));
            }
            cluster.transfers = 0;
            cluster.settle();
            EXPECT_LE(cluster.transfers, kShardCount);
            if (present.empty()) continue;
            for (const auto& [id, share] : cluster.shares())
                EXPECT_NEAR(share, double(kShardCount) / double(present.size()), 1);
        }
    }
}

}  // namespace
}  // namespace khronos::core

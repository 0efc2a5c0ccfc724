#include "core/ownership/ownership_engine.h"

#include <algorithm>

#include "base/check.h"

namespace khronos::core {

// ---- facts

void OwnershipEngine::set_members(std::vector<OwnershipMember> members) {
    if (members == members_) return;
    members_ = std::move(members);
    eligible_.clear();
    for (const OwnershipMember& member : members_)
        if (member.eligible) eligible_.push_back(member.id);
    std::ranges::sort(eligible_);
    wanted_ = assign_shards(eligible_);
    for (Shard& shard : shards_) shard.waits_since.reset();
}

void OwnershipEngine::set_owner(ShardId id, std::string agent, Epoch epoch, Revision revision) {
    Shard& shard = shards_[id.value];
    if (revision < shard.revision) return;
    shard.stale = false;
    if (revision == shard.revision) return;
    shard.revision = revision;
    shard.epoch = epoch;
    shard.owner = std::move(agent);
    shard.waits_since.reset();
    if (!shard.owner.empty()) shard.in_transit = false;
}

// ---- outcomes

void OwnershipEngine::took(ShardId id, Epoch epoch, Revision revision) {
    Shard& shard = shards_[id.value];
    CHECK(shard.state == State::taking);
    // The watch may have told already that somebody took it from us.
    if (revision < shard.revision && shard.owner != me_) {
        shard.state = State::others;
        return;
    }
    shard.state = State::mine;
    shard.has_cursor = true;
    set_owner(id, me_, epoch, revision);
}

void OwnershipEngine::not_taken(ShardId id) {
    Shard& shard = shards_[id.value];
    CHECK(shard.state == State::taking);
    shard.state = State::others;
    shard.stale = true;
}

void OwnershipEngine::handed_over(ShardId id, Revision revision) {
    Shard& shard = shards_[id.value];
    CHECK(shard.state == State::handing_over);
    shard.state = State::others;
    if (revision > shard.revision) {
        shard.in_transit = true;
        set_owner(id, {}, shard.epoch, revision);
    }
}

void OwnershipEngine::lost(ShardId id) {
    Shard& shard = shards_[id.value];
    if (shard.state != State::mine && shard.state != State::handing_over) return;
    shard.state = State::others;
    // Whoever has it now is told by the watch; what we know is too old to act on.
    if (shard.owner == me_) shard.stale = true;
}

// ---- what to do

bool OwnershipEngine::alive(const std::string& agent) const {
    return std::ranges::any_of(members_,
                               [&](const OwnershipMember& member) { return member.id == agent; });
}

bool OwnershipEngine::wanted_by_me(std::size_t shard) const {
    return wanted_[shard] != kNoAgent && eligible_[wanted_[shard]] == me_;
}

std::vector<OwnershipEffect> OwnershipEngine::step(MonoTime now) {
    std::vector<OwnershipEffect> effects;
    std::size_t between = 0;
    for (const Shard& shard : shards_)
        if (shard.state == State::handing_over || shard.in_transit) ++between;

    for (std::uint16_t i = 0; i < kShardCount; ++i) {
        Shard& shard = shards_[i];
        switch (shard.state) {
            case State::taking:
            case State::handing_over: continue;
            case State::mine:
                // Without anybody to have it, it stays: somebody has to decide.
                if (!giving_up_ && (wanted_[i] == kNoAgent || wanted_by_me(i))) continue;
                if (between >= rules_.hand_overs_at_once && wanted_[i] != kNoAgent) continue;
                ++between;
                shard.state = State::handing_over;
                effects.push_back(HandOverShard{ShardId(i)});
                continue;
            case State::others: break;
        }
        if (giving_up_ || !wanted_by_me(i) || shard.stale) continue;
        if (!shard.owner.empty() && shard.owner != me_ && alive(shard.owner)) {
            if (!shard.waits_since) shard.waits_since = now;
            if (now - *shard.waits_since < rules_.patience) continue;
        }
        shard.state = State::taking;
        shard.waits_since.reset();
        effects.push_back(
            TakeShard{ShardId(i), shard.revision, shard.epoch.next(), shard.has_cursor});
    }
    return effects;
}

std::size_t OwnershipEngine::owned() const {
    return static_cast<std::size_t>(
        std::ranges::count(shards_, State::mine, &Shard::state));
}

std::size_t OwnershipEngine::orphans() const {
    return static_cast<std::size_t>(std::ranges::count_if(shards_, [this](const Shard& shard) {
        return shard.owner.empty() || !alive(shard.owner);
    }));
}

bool OwnershipEngine::all_handed_over() const {
    for (std::uint16_t i = 0; i < kShardCount; ++i) {
        const Shard& shard = shards_[i];
        if (shard.state != State::others) return false;
        if (shard.in_transit && wanted_[i] != kNoAgent) return false;
    }
    return true;
}

}  // namespace khronos::core

// Which agent should own which shard: the same answer for everybody who sees the same agents, so
// that nobody has to be asked.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "base/ids.h"

namespace khronos::core {

inline constexpr std::uint16_t kNoAgent = UINT16_MAX;
// For each shard the index of an agent, or kNoAgent where there is none.
using Assignment = std::array<std::uint16_t, kShardCount>;

// Rendezvous hashing with equal shares: shards prefer agents, and agents shards, by a hash of
// both, and are matched stably, so that no agent has more than one shard more than another and an
// agent that comes or goes moves little more than its own share. The order of `agents` does not
// matter; their ids are different.
Assignment assign_shards(std::span<const std::string> agents);

}  // namespace khronos::core

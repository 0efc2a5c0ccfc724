#include "core/ownership/assignment.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "base/check.h"

namespace khronos::core {
namespace {

// FNV spreads short texts badly over its upper bits; this mixes them (the finalizer of
// MurmurHash3, in the public domain).
std::uint64_t mix(std::uint64_t x) {
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdULL;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ULL;
    return x ^ (x >> 33);
}

}  // namespace

Assignment assign_shards(std::span<const std::string> agents) {
    Assignment assignment;
    assignment.fill(kNoAgent);
    const std::size_t count = std::min<std::size_t>(agents.size(), kNoAgent);
    if (count == 0) return assignment;

    std::vector<std::uint64_t> hashes;
    for (std::size_t i = 0; i < count; ++i) hashes.push_back(mix(stable_hash(agents[i])));
    const auto score = [&](std::uint16_t shard, std::size_t agent) {
        return mix(hashes[agent] ^ (0x9e3779b97f4a7c15ULL * (shard + 1u)));
    };

    // Equal shares; which agents have one more is a matter of their hashes, not of their order.
    std::vector<std::size_t> by_hash(count);
    std::iota(by_hash.begin(), by_hash.end(), std::size_t{0});
    std::ranges::sort(by_hash, {}, [&](std::size_t i) { return std::pair(hashes[i], agents[i]); });
    std::vector<std::size_t> share(count, kShardCount / count);
    for (std::size_t i = 0; i < kShardCount % count; ++i) ++share[by_hash[i]];

    // Stable matching: each shard asks the agents in the order of its preference, an agent keeps
    // the best that asked it, up to its share.
    std::vector<std::vector<std::uint16_t>> wishes(kShardCount);
    for (std::uint16_t shard = 0; shard < kShardCount; ++shard) {
        auto& wish = wishes[shard];
        for (std::size_t i = 0; i < count; ++i) wish.push_back(static_cast<std::uint16_t>(i));
        std::ranges::sort(wish, {}, [&](std::uint16_t agent) {  // worst first: taken from the back
            return std::pair(score(shard, agent), agents[agent]);
        });
    }
    std::vector<std::set<std::pair<std::uint64_t, std::uint16_t>>> kept(count);  // worst first
    std::vector<std::uint16_t> asking(kShardCount);
    std::iota(asking.begin(), asking.end(), std::uint16_t{0});
    while (!asking.empty()) {
        const std::uint16_t shard = asking.back();
        CHECK(!wishes[shard].empty());  // there is room for all
        const std::uint16_t agent = wishes[shard].back();
        wishes[shard].pop_back();
        kept[agent].emplace(score(shard, agent), shard);
        if (kept[agent].size() <= share[agent]) {
            asking.pop_back();
            continue;
        }
        asking.back() = kept[agent].begin()->second;
        kept[agent].erase(kept[agent].begin());
    }
    for (std::size_t agent = 0; agent < count; ++agent)
        for (const auto& [value, shard] : kept[agent])
            assignment[shard] = static_cast<std::uint16_t>(agent);
    return assignment;
}

}  // namespace khronos::core

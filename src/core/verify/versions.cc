#include "core/verify/versions.h"

#include <algorithm>

namespace khronos::verify {
namespace {

// Many jobs have few schedules; a million of different ones are not to be kept.
constexpr std::size_t kOraclesKept = 10000;

}  // namespace

std::vector<Force> in_force(const std::vector<const core::Job*>& versions) {
    std::vector<Force> stretches;
    WallTime until = WallTime::max();
    for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
        if ((*version)->effective_from >= until) continue;
        stretches.push_back({(*version)->effective_from, until, *version});
        until = (*version)->effective_from;
    }
    std::reverse(stretches.begin(), stretches.end());
    return stretches;
}

const std::expected<TickOracle, std::string>& Ticks::oracle(const core::JobSpec& spec) {
    Key key{spec.schedule, spec.timezone, spec.dst_gap, spec.dst_overlap};
    auto at = oracles_.find(key);
    if (at == oracles_.end()) {
        if (oracles_.size() == kOraclesKept) oracles_.clear();
        at = oracles_
                 .emplace(std::move(key), TickOracle::parse(spec.schedule, spec.timezone,
                                                            spec.dst_gap, spec.dst_overlap))
                 .first;
    }
    return at->second;
}

std::expected<std::vector<WallTime>, std::string> Ticks::between(const core::Job& job,
                                                                 WallTime from, WallTime until,
                                                                 std::size_t most) {
    const core::JobSpec& spec = job.spec;
    const auto& known = oracle(spec);
    if (!known) return std::unexpected(known.error());
    if (spec.starts_at.is_set()) from = std::max(from, WallTime{spec.starts_at.us - 1});
    if (spec.expires_at.is_set()) until = std::min(until, WallTime{spec.expires_at.us - 1});
    return known->ticks(from, until, job.anchor, most);
}

std::optional<WallTime> Ticks::only_tick(const core::Job& job) {
    const auto& known = oracle(job.spec);
    if (!known) return std::nullopt;
    return known->only_tick();
}

}  // namespace khronos::verify

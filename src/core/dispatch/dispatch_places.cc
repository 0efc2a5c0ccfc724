// Jobs of which only so many may run: `queue` and `replace`. Their executions are decided at once
// and take a place of their job's when they are claimed; until one is free they are parked. The
// order is that of the decisions.
#include <algorithm>
#include <set>
#include <utility>

#include "core/dispatch/dispatch_engine.h"

namespace khronos::core {
namespace {

std::pair<WallTime, ExecutionId> order_of(const Execution& e) { return {e.decided_at, e.id}; }

}  // namespace

// Whether a place is its own, or free; then it is reserved.
bool DispatchEngine::may_go(Item& item) {
    if (item.plan.limit == 0 || item.record.slot >= 0 || item.place >= 0) return true;
    std::set<std::int32_t> taken;
    std::size_t before = 0;  // those that run, or go first
    for (const ExecutionId& id : of_job_.at(item.record.id.uid)) {
        const Item& other = *this->item(id);
        if (&other == &item) continue;
        const std::int32_t slot = std::max(other.record.slot, other.place);
        if (slot >= 0) taken.insert(slot);
        // One of a version without a limit runs in nobody's place, and counts all the same.
        const bool holds =
            slot >= 0 || other.phase != Phase::waiting || other.plan.limit == 0;
        if (holds || order_of(other.record) < order_of(item.record)) ++before;
    }
    if (before >= item.plan.limit) return false;
    std::int32_t place = 0;
    while (taken.contains(place)) ++place;
    item.place = place;
    return true;
}

// A run of the job is over.
void DispatchEngine::unpark(JobUid uid, Now now) {
    const auto at = of_job_.find(uid);
    if (at == of_job_.end()) return;
    std::vector<std::pair<std::pair<WallTime, ExecutionId>, Item*>> parked;
    for (const ExecutionId& id : at->second)
        if (Item* one = item(id); one->parked) parked.emplace_back(order_of(one->record), one);
    std::sort(parked.begin(), parked.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [order, one] : parked) {
        one->parked = false;
        if (one->phase == Phase::waiting) enqueue(*one, now);
    }
}

// The newest stay; what is older makes room. Its end is waited for: only that is the proof.
void DispatchEngine::replace_older(JobUid uid, Now now, DispatchEffects& effects) {
    const auto at = of_job_.find(uid);
    if (at == of_job_.end()) return;
    std::vector<std::pair<std::pair<WallTime, ExecutionId>, std::uint32_t>> open;
    for (const ExecutionId& id : at->second)
        if (const Item& one = *item(id); !one.cancel_asked)
            open.emplace_back(order_of(one.record), one.plan.limit);
    std::sort(open.begin(), open.end());
    const std::size_t limit = std::max<std::uint32_t>(open.back().second, 1);
    for (std::size_t i = 0; i + limit < open.size(); ++i)
        cancel(open[i].first.second, Reason::replaced, now, effects);
}

}  // namespace khronos::core

#include "sim/world.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace khronos::sim {

void World::step_clock(WallClock& clock, Duration by) {
    const WallTime from = wall(clock);
    clock.error_ += by;
    clock.steps_.push_back({now_, from, from + by});
}

runtime::TimerId World::add(SimLoop& loop, MonoTime when, runtime::Task task) {
    std::uint32_t at = 0;
    if (free_.empty()) {
        at = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
    } else {
        at = free_.back();
        free_.pop_back();
    }
    Slot& slot = slots_[at];
    slot.loop = &loop;
    slot.task = std::move(task);
    ++slot.incarnation;
    queue_.push({std::max(when, now_), ++sequence_, at});
    return runtime::TimerId(std::uint64_t{slot.incarnation} << 32 | at);
}

void World::cancel(runtime::TimerId id) {
    const auto at = static_cast<std::size_t>(id.value & 0xffffffff);
    if (!id || at >= slots_.size()) return;
    Slot& slot = slots_[at];
    if (slot.incarnation != id.value >> 32 || !slot.loop) return;
    slot.loop = nullptr;
    // The task may own what cancels further timers when it goes: destroy it last.
    runtime::Task gone = std::exchange(slot.task, nullptr);
}

void World::forget(SimLoop& loop) {
    std::vector<runtime::Task> gone;
    for (Slot& slot : slots_) {
        if (slot.loop != &loop) continue;
        slot.loop = nullptr;
        gone.push_back(std::exchange(slot.task, nullptr));
    }
}

bool World::run_one(MonoTime limit) {
    while (!queue_.empty() && queue_.top().when <= limit) {
        Place place = queue_.top();
        queue_.pop();
        Slot& slot = slots_[place.slot];
        if (!slot.loop) {
            free_.push_back(place.slot);
            continue;
        }
        if (slot.loop->frozen_until_ > place.when) {
            place.when = slot.loop->frozen_until_;
            queue_.push(place);
            continue;
        }
        now_ = std::max(now_, place.when);
        mix(static_cast<std::uint64_t>(now_.us));
        mix(slot.loop->number_ << 40 ^ place.sequence);
        ++events_;
        runtime::Task task = std::exchange(slot.task, nullptr);
        slot.loop = nullptr;
        free_.push_back(place.slot);
        task();
        return true;
    }
    now_ = std::max(now_, limit);
    return false;
}

void SimLoop::post(runtime::Task task) { world_.add(*this, world_.now(), std::move(task)); }

runtime::TimerId SimLoop::call_at(MonoTime when, runtime::Task task) {
    if (!punctual_ && world_.lateness_ > Duration(0) && when > world_.now())
        when = when + world_.random_.between(Duration(0), world_.lateness_);
    return world_.add(*this, when, std::move(task));
}

}  // namespace khronos::sim

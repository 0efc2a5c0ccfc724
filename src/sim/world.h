// The virtual world: one queue of events, ordered by time and then by the order in which they
// were made, and one clock that moves only between events. Every simulated process has a loop of
// its own in it; a process that dies takes its loop along, and whatever it still had to do.
//
// Invariants: nothing happens outside of an event; the same seed makes the same events.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <string>
#include <vector>

#include "runtime/loop.h"
#include "sim/seeded.h"

namespace khronos::sim {

class SimLoop;

// A machine's wall clock: true time plus an error that is stepped. Shared by all of the machine's
// processes; remembers its steps, for whoever judges what was jumped over.
class WallClock {
  public:
    struct Step {
        MonoTime at;
        WallTime from;
        WallTime to;
    };
    Duration error() const { return error_; }
    const std::vector<Step>& steps() const { return steps_; }

  private:
    friend class World;
    Duration error_{0};
    std::vector<Step> steps_;
};

class World {
  public:
    static constexpr MonoTime kStart = MonoTime{1'000'000'000};

    World(std::uint64_t seed, WallTime start) : start_(start), random_(seed, "world") {}
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    MonoTime now() const { return now_; }
    WallTime true_wall() const { return start_ + (now_ - kStart); }
    WallTime wall(const WallClock& clock) const { return true_wall() + clock.error(); }
    void step_clock(WallClock& clock, Duration by);

    // Runs the next event that is not after `limit`; false when there is none: it is `limit` then.
    bool run_one(MonoTime limit);

    // Timers of processes come up to this late.
    void set_timer_lateness(Duration most) { lateness_ = most; }

    std::uint64_t events() const { return events_; }
    // Of all events so far: two runs with the same hash did the same.
    std::uint64_t hash() const { return hash_; }
    void mix(std::uint64_t value) { hash_ = mixed(hash_ ^ value); }

  private:
    friend class SimLoop;
    struct Place {
        MonoTime when;
        std::uint64_t sequence;
        std::uint32_t slot;
        bool operator>(const Place& other) const {
            return when != other.when ? when > other.when : sequence > other.sequence;
        }
    };
    struct Slot {
        SimLoop* loop = nullptr;  // nullptr: free, or cancelled
        runtime::Task task;
        std::uint32_t incarnation = 0;
    };

    runtime::TimerId add(SimLoop& loop, MonoTime when, runtime::Task task);
    void cancel(runtime::TimerId id);
    void forget(SimLoop& loop);

    WallTime start_;
    MonoTime now_ = kStart;
    Seeded random_;
    Duration lateness_{0};
    std::priority_queue<Place, std::vector<Place>, std::greater<>> queue_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    std::uint64_t sequence_ = 0;
    std::uint64_t events_ = 0;
    std::uint64_t hash_ = 0;
    std::uint64_t loops_ = 0;
};

// One process's thread of control.
class SimLoop final : public runtime::Loop {
  public:
    // `punctual`: no process but a part of the world; its timers are never late.
    SimLoop(World& world, const WallClock& clock, bool punctual = false)
        : world_(world), clock_(clock), number_(++world.loops_), punctual_(punctual) {}
    ~SimLoop() override { world_.forget(*this); }
    SimLoop(const SimLoop&) = delete;
    SimLoop& operator=(const SimLoop&) = delete;

    WallTime wall_now() const override { return world_.wall(clock_); }
    MonoTime mono_now() const override { return world_.now(); }
    void post(runtime::Task task) override;
    runtime::TimerId call_at(MonoTime when, runtime::Task task) override;
    void cancel(runtime::TimerId id) override { world_.cancel(id); }

    // The process does nothing until then, as after SIGSTOP.
    void freeze_until(MonoTime until) { frozen_until_ = std::max(frozen_until_, until); }

  private:
    friend class World;
    World& world_;
    const WallClock& clock_;
    std::uint64_t number_;
    bool punctual_;
    MonoTime frozen_until_;
};

}  // namespace khronos::sim

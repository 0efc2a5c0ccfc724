// A loop that its owner turns by hand: virtual time, one thread of control, nothing happens by
// itself. For tests and for whatever replays the real code on a clock of its own.
//
// Time moves only in `advance` and `set_wall`. `post` may be called from other threads, so that
// a backend with threads of its own can be tested; all else is for the one thread that turns the
// loop. Tasks that are left when the loop is destroyed never run.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "runtime/loop.h"

namespace khronos::runtime {

class ManualLoop final : public Loop {
  public:
    // 2024-01-01T00:00:00Z; the monotonic clock is not 0, so that a forgotten one shows.
    static constexpr WallTime kDefaultWall = WallTime::from_seconds(1704067200);
    static constexpr MonoTime kDefaultMono = MonoTime{1'000'000'000};

    explicit ManualLoop(WallTime wall = kDefaultWall, MonoTime mono = kDefaultMono);
    ManualLoop(const ManualLoop&) = delete;
    ManualLoop& operator=(const ManualLoop&) = delete;

    WallTime wall_now() const override;
    MonoTime mono_now() const override;
    void post(Task task) override;
    TimerId call_at(MonoTime when, Task task) override;
    void cancel(TimerId id) override;

    // Runs one task: the oldest posted one, or else the first timer that is due. False if there
    // is none.
    bool run_one();
    // Runs posted tasks and due timers, and what they post, until there is none. Returns how many.
    // Tasks that post for ever make it run for ever.
    std::size_t run_until_idle();

    // Waits until there is something to run, and runs one task. Only a thread that posts can end
    // the wait: time stands still.
    void run_one_blocking();
    // Runs tasks, waiting for them where there are none, until `done()` holds.
    template <class Predicate>
    void run_until(Predicate done) {
        while (!done())
            run_one_blocking();
    }

    // Moves both clocks on by `d` >= 0. Every timer on the way runs with the clocks at its time;
    // what it posts runs before the clocks move on. Idle afterwards. Returns the tasks run.
    std::size_t advance(Duration d);
    std::size_t advance_to(MonoTime when);
    // Steps the wall clock, back or forth; no timer notices.
    void set_wall(WallTime wall);

    // The time of the first timer, due or not.
    std::optional<MonoTime> next_timer() const;
    // Posted tasks not yet run.
    std::size_t posted() const;
    std::size_t timers() const { return timers_.size(); }

  private:
    using TimerKey = std::pair<MonoTime, TimerId>;

    std::optional<Task> take_posted();
    std::optional<Task> take_due_timer();
    void run(Task task);

    std::atomic<std::int64_t> wall_us_;
    std::atomic<std::int64_t> mono_us_;

    mutable std::mutex mutex_;  // guards posted_
    std::condition_variable posted_something_;
    std::deque<Task> posted_;

    std::map<TimerKey, Task> timers_;
    std::unordered_map<TimerId, MonoTime> timer_times_;
    std::uint64_t last_timer_ = 0;
    bool running_ = false;
};

}  // namespace khronos::runtime

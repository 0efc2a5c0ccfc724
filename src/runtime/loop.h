// The port to time and to waiting: one loop is one thread of control. Production has Asio's
// (runtime/asio), the simulator a virtual one (sim).
#pragma once

#include <cstdint>
#include <functional>

#include "base/strong.h"
#include "base/time.h"

namespace khronos::runtime {

using Task = std::move_only_function<void()>;
using TimerId = Strong<struct TimerIdTag, std::uint64_t>;

class Loop {
  public:
    virtual ~Loop() = default;

    virtual WallTime wall_now() const = 0;  // any thread
    virtual MonoTime mono_now() const = 0;  // any thread
    Now now() const { return {wall_now(), mono_now()}; }

    // Runs `task` on the loop, after what is posted already; never inside the call. Any thread.
    virtual void post(Task task) = 0;

    // Runs `task` once, not before `when`. On the loop only. Timers with the same time run in
    // the order in which they were made.
    virtual TimerId call_at(MonoTime when, Task task) = 0;
    TimerId call_after(Duration delay, Task task) {
        return call_at(mono_now() + delay, std::move(task));
    }
    // After this the timer's task does not run; an unknown or past id is ignored. Loop only.
    virtual void cancel(TimerId id) = 0;
};

}  // namespace khronos::runtime

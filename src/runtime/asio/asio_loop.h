// The loop port over one Boost.Asio context: one thread runs it, any thread may post to it.
// Leaves that need the context itself (sockets, process handles) include asio_loop_context.h.
//
// Invariants:
// - Posted tasks run in the order in which they were posted, over all threads.
// - Time to wait on is CLOCK_BOOTTIME: a timer that came due while the machine was suspended runs
//   at once after it wakes.
#pragma once

#include <memory>

#include "runtime/loop.h"

namespace khronos::runtime {

class AsioLoop final : public Loop {
  public:
    AsioLoop();
    // The loop must not be running. Tasks that have not run are dropped, unrun.
    ~AsioLoop() override;
    AsioLoop(const AsioLoop&) = delete;
    AsioLoop& operator=(const AsioLoop&) = delete;

    // Runs tasks, timers and I/O on the calling thread until stop(). A loop runs once: after
    // stop(), even one that came first, it returns at once.
    void run();
    // Makes run() return when the task that runs now is done. Any thread, also the loop's.
    void stop();

    // True on the thread that is in run(), and on every thread while none is.
    bool on_loop() const;

    WallTime wall_now() const override;
    MonoTime mono_now() const override;
    void post(Task task) override;
    TimerId call_at(MonoTime when, Task task) override;
    void cancel(TimerId id) override;

    struct Impl;
    Impl& impl() { return *impl_; }  // for asio_loop_context.h

  private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace khronos::runtime

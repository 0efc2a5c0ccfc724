// A loop and the thread that runs it.
#pragma once

#include <future>
#include <string>
#include <thread>

#include "runtime/asio/asio_loop.h"

namespace khronos::app {

class LoopThread {
  public:
    // `name` is what tools such as top show; at most 15 characters.
    explicit LoopThread(std::string name);
    ~LoopThread();  // stop()
    LoopThread(const LoopThread&) = delete;
    LoopThread& operator=(const LoopThread&) = delete;

    runtime::AsioLoop& loop() { return loop_; }
    // The thread ends after its present task. Not from the loop itself.
    void stop();

    // Runs `task` on the loop and waits for its result. Not from a loop.
    template <class Task>
    auto call(Task task) -> decltype(task()) {
        std::packaged_task<decltype(task())()> packaged(std::move(task));
        auto result = packaged.get_future();
        loop_.post([&packaged] { packaged(); });
        return result.get();
    }

  private:
    runtime::AsioLoop loop_;
    std::thread thread_;
};

}  // namespace khronos::app

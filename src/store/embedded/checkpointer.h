// Moves the log's content into the main file, on a connection and a thread of its own, so that a
// commit does not wait for it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "store/embedded/health.h"
#include "store/embedded/sqlite.h"

namespace khronos::store::embedded {

class Checkpointer {
  public:
    // A checkpoint begins when the log has grown by `wake_frames`, and is finished between two
    // commits when it has `finish_frames`. A frame is a page of 4 KiB.
    struct Limits {
        int wake_frames = 1'000;
        int finish_frames = 16'000;
    };

    Checkpointer(Limits limits, const std::string& file, const Connection::Options& options,
                 Health& health);
    ~Checkpointer();

    // The writer's thread, after a commit that left `frames` in the log. Where a checkpoint beside
    // the commits never catches up, it is finished here, between two commits.
    void committed(Connection& writer);

  private:
    void run();

    const Limits limits_;
    Connection connection_;
    Health& health_;
    std::mutex checkpoint_mutex_;  // held during a checkpoint
    std::mutex mutex_;
    std::condition_variable wake_;
    bool wanted_ = false;
    bool stopping_ = false;
    int last_frames_ = 0;  // the writer's only
    std::jthread thread_;
};

}  // namespace khronos::store::embedded

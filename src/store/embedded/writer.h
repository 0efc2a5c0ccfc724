// The one thread that writes: takes all changes that have queued while the last commit was being
// synced, and makes the next commit of them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "store/embedded/checkpointer.h"
#include "store/embedded/committer.h"
#include "store/embedded/health.h"
#include "store/embedded/mailbox.h"
#include "store/embedded/watch_hub.h"

namespace khronos::store::embedded {

struct ChangeJob {
    std::shared_ptr<Mailbox> from;
    std::uint64_t request;
    Change change;
    std::size_t bytes;
};

class Writer {
  public:
    struct Limits {
        std::size_t waiting_changes = 20'000;
        std::size_t waiting_bytes = 128 << 20;
        // Of one commit; the rest waits for the next.
        std::size_t commit_changes = 2'000;
        std::size_t commit_bytes = 8 << 20;
    };

    // `connection` and `committer` become this thread's.
    Writer(Limits limits, std::unique_ptr<Connection> connection,
           std::unique_ptr<Committer> committer, WatchHub& hub, Checkpointer& checkpointer,
           Health& health);
    ~Writer();  // after everything that waits is carried out

    // Any thread. False: too much is waiting.
    bool enqueue(ChangeJob job);

    std::uint64_t transactions() const { return transactions_; }
    std::uint64_t commits() const { return commits_; }

  private:
    void run();
    std::vector<ChangeJob> take();  // empty: stop
    void carry_out(std::vector<ChangeJob> jobs);
    static void refuse(const std::vector<ChangeJob>& jobs, const std::string& why);

    const Limits limits_;
    std::unique_ptr<Connection> connection_;
    std::unique_ptr<Committer> committer_;
    WatchHub& hub_;
    Checkpointer& checkpointer_;
    Health& health_;
    std::atomic<std::uint64_t> transactions_ = 0;
    std::atomic<std::uint64_t> commits_ = 0;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<ChangeJob> waiting_;
    std::size_t waiting_bytes_ = 0;
    bool stopping_ = false;
    std::jthread thread_;
};

}  // namespace khronos::store::embedded

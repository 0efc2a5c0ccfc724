// Who watches what, and what has happened lately. The history is in memory and begins when the
// store is opened.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/embedded/mailbox.h"
#include "store/store.h"

namespace khronos::store::embedded {

class WatchHub {
  public:
    struct Limits {
        std::size_t history_events = 200'000;
        std::size_t history_bytes = 64 << 20;
        // Of events a handle has not read yet; its watches are lost beyond.
        std::size_t unread_bytes = 128 << 20;
    };

    // Nothing is known of what happened up to `start`.
    WatchHub(Limits limits, Revision start);

    // Any thread. Sends what happened after `after`, or that it is not known any more.
    void add(std::shared_ptr<Mailbox> to, WatchId id, std::string begin, std::string end,
             Revision after);
    void remove(const Mailbox& of, WatchId id);
    void remove_all(const Mailbox& of);

    // The writer's thread, once for each commit and in their order.
    void publish(std::vector<WatchEvent> events);
    // Forgets what happened up to `revision`, in whole commits.
    void compact(Revision revision);

  private:
    struct Watch {
        std::shared_ptr<Mailbox> to;
        WatchId id;
        std::string begin, end;
    };
    void forget_oldest();

    const Limits limits_;
    std::mutex mutex_;
    std::vector<Watch> watches_;
    std::deque<std::shared_ptr<const Chunk>> history_;
    Revision known_after_;  // all events after this are in the history
    std::size_t events_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace khronos::store::embedded

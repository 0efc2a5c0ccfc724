#include "store/embedded/watch_hub.h"

#include <algorithm>

namespace khronos::store::embedded {

WatchHub::WatchHub(Limits limits, Revision start) : limits_(limits), known_after_(start) {}

void WatchHub::add(std::shared_ptr<Mailbox> to, WatchId id, std::string begin, std::string end,
                   Revision after) {
    std::lock_guard lock(mutex_);
    if (after < known_after_) {
        to->send(WatchEnd{id, "what happened since that revision is not known any more"});
        return;
    }
    auto first = std::ranges::upper_bound(history_, after, {},
                                          [](const auto& chunk) { return chunk->last; });
    std::vector<Mail> past;
    for (; first != history_.end(); ++first)
        if ((*first)->touches(begin, end)) past.push_back(WatchNews{id, *first});
    if (!past.empty()) to->send(std::move(past));
    watches_.push_back({std::move(to), id, std::move(begin), std::move(end)});
}

void WatchHub::remove(const Mailbox& of, WatchId id) {
    std::lock_guard lock(mutex_);
    std::erase_if(watches_, [&](const Watch& w) { return w.to.get() == &of && w.id == id; });
}

void WatchHub::remove_all(const Mailbox& of) {
    std::lock_guard lock(mutex_);
    std::erase_if(watches_, [&](const Watch& w) { return w.to.get() == &of; });
}

void WatchHub::publish(std::vector<WatchEvent> events) {
    if (events.empty()) return;
    auto chunk = std::make_shared<const Chunk>(std::move(events));
    std::lock_guard lock(mutex_);
    std::erase_if(watches_, [&](const Watch& watch) {
        if (!chunk->touches(watch.begin, watch.end)) return false;
        if (watch.to->waiting_bytes() > limits_.unread_bytes) {
            watch.to->send(WatchEnd{watch.id, "the watcher does not keep up"});
            return true;
        }
        watch.to->send(WatchNews{watch.id, chunk});
        return false;
    });
    events_ += chunk->events.size();
    bytes_ += chunk->bytes;
    history_.push_back(std::move(chunk));
    while (!history_.empty() &&
           (events_ > limits_.history_events || bytes_ > limits_.history_bytes))
        forget_oldest();
}

void WatchHub::compact(Revision revision) {
    std::lock_guard lock(mutex_);
    while (!history_.empty() && history_.front()->last <= revision)
        forget_oldest();
    known_after_ = std::max(known_after_, revision);
}

void WatchHub::forget_oldest() {
    known_after_ = std::max(known_after_, history_.front()->last);
    events_ -= history_.front()->events.size();
    bytes_ -= history_.front()->bytes;
    history_.pop_front();
}

}  // namespace khronos::store::embedded

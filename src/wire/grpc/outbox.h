// Messages that wait to be sent on one stream: while a frame is under way the next ones gather,
// and go together. Bounded in bytes: who lets this much gather is cut off.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "base/limits.h"

namespace khronos::wire {

template <class Message, class Frame>
class Outbox {
  public:
    // False: there is no room for it.
    bool push(Message message) {
        const std::size_t size = message.ByteSizeLong();
        if (size > limits::kWireMessageBytes || bytes_ + size > limits::kWireQueueBytes)
            return false;
        bytes_ += size;
        waiting_.emplace_back(size, std::move(message));
        return true;
    }
    bool empty() const { return waiting_.empty(); }
    std::size_t bytes() const { return bytes_; }

    // What goes next: at least one message, and as many as fit. Not when empty.
    Frame take() {
        Frame frame;
        std::size_t taken = 0;
        do {
            auto& [size, message] = waiting_.front();
            taken += size;
            bytes_ -= size;
            *frame.add_messages() = std::move(message);
            waiting_.pop_front();
        } while (!waiting_.empty() && taken + waiting_.front().first <= limits::kWireFrameBytes);
        return frame;
    }

  private:
    std::deque<std::pair<std::size_t, Message>> waiting_;
    std::size_t bytes_ = 0;
};

}  // namespace khronos::wire

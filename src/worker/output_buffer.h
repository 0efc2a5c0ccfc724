// Head and tail of an output in memory; what lies between is counted and dropped.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "worker/process_host.h"

namespace khronos::worker {

class OutputBuffer {
  public:
    void append(std::string_view bytes) {
        output_.total += bytes.size();
        const std::size_t room = limits::kOutputHead - output_.head.size();
        output_.head += bytes.substr(0, room);
        bytes.remove_prefix(std::min(room, bytes.size()));
        output_.tail += bytes;
        // Twice as much before it is cut, so that cutting costs nothing on average.
        if (output_.tail.size() > 2 * limits::kOutputTail) cut();
    }
    std::uint64_t total() const { return output_.total; }
    Output take() {
        cut();
        return std::move(output_);
    }

  private:
    void cut() {
        if (output_.tail.size() > limits::kOutputTail)
            output_.tail.erase(0, output_.tail.size() - limits::kOutputTail);
    }
    Output output_;
};

// The last `limit` bytes of what was kept.
inline std::string last_of(const Output& output, std::size_t limit) {
    if (output.tail.size() >= limit) return output.tail.substr(output.tail.size() - limit);
    // What was left out lies between: nothing before it may look as if it came right before.
    if (output.total > output.head.size() + output.tail.size()) return output.tail;
    const std::size_t rest = std::min(limit - output.tail.size(), output.head.size());
    return output.head.substr(output.head.size() - rest) + output.tail;
}

}  // namespace khronos::worker

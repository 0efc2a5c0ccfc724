// The port between the dispatcher and the workers. Two ends: the agent's (AgentEnd) speaks to
// many workers, the worker's (WorkerEnd) to one agent. Messages may be lost only together with
// the connection, and are delivered in order on each end's loop, never inside a call.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>

#include "base/error.h"
#include "core/model/messages.h"

namespace khronos::wire {

// A piece of what an attempt has written so far, asked of the worker that runs it or has run it.
struct OutputQuery {
    core::AttemptId id;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    bool from_end = false;  // the last `length` bytes; `offset` counts for nothing
    // Offset and size count what was written, not what is kept, which may be less.
    bool as_written = false;
    bool operator==(const OutputQuery&) const = default;
};
struct OutputPart {
    std::string bytes;
    std::uint64_t offset = 0;  // of `bytes`
    std::uint64_t size = 0;    // of all that is kept, now
    bool operator==(const OutputPart&) const = default;
};
using OutputAnswer = std::move_only_function<void(std::expected<OutputPart, Error>)>;

class AgentEnd {
  public:
    virtual ~AgentEnd() = default;
    // To a worker that said Hello; nothing happens if it is gone.
    virtual void send(const core::WorkerId& worker, core::ToWorker message) = 0;

    struct Handler {
        std::move_only_function<void(const core::WorkerId&, core::FromWorker)> on_message;
        std::move_only_function<void(const core::WorkerId&)> on_gone;
    };
    virtual void set_handler(Handler handler) = 0;
};

// The agent's way to the outputs that its workers keep.
class OutputSource {
  public:
    virtual ~OutputSource() = default;
    // `done` is posted, once; `unavailable` when the worker is not connected or does not answer.
    virtual void read_output(const core::WorkerId& worker, const OutputQuery& query,
                             OutputAnswer done) = 0;
};

class WorkerEnd {
  public:
    virtual ~WorkerEnd() = default;
    virtual void send(core::FromWorker message) = 0;

    struct Handler {
        std::move_only_function<void()> on_connected;  // say Hello now
        std::move_only_function<void(core::ToWorker)> on_message;
        std::move_only_function<void()> on_gone;
        // The answer may be given later, on the same loop.
        std::move_only_function<void(const OutputQuery&, OutputAnswer)> on_read_output = {};
    };
    virtual void set_handler(Handler handler) = 0;
};

}  // namespace khronos::wire

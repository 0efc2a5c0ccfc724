// The port to the worker's notes about its attempts (core/attempt/attempt_notes.h).
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "core/attempt/attempt_notes.h"

namespace khronos::worker {

class AttemptJournal {
  public:
    virtual ~AttemptJournal() = default;

    struct Past {
        std::map<core::AttemptId, core::attempt::AttemptNote> notes;
        bool same_boot = true;  // false: the machine was started anew since
    };
    // Once, before anything else. An error names what cannot be read.
    virtual std::expected<Past, Error> load() = 0;
    // In order. When it returns, the note survives the death of this process.
    virtual void append(const core::attempt::AttemptNote& note) = 0;
    // `done` is posted on the loop when all that was appended so far survives the machine's death.
    virtual void sync(std::move_only_function<void()> done) = 0;
    // True when rewrite() is worth its cost.
    virtual bool is_long() const = 0;
    // Replaces everything by these notes.
    virtual void rewrite(const std::vector<core::attempt::AttemptNote>& notes) = 0;
};

}  // namespace khronos::worker

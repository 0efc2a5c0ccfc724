// What a worker writes down about its attempts, so that after its own death it can still say the
// truth about each: intended -> started -> ended -> forgotten, or dead (never started, and never
// will be under this token or an older one).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/model/messages.h"

namespace khronos::core::attempt {

enum class AttemptStep : std::uint8_t {
    intended = 1,
    started = 2,
    ended = 3,
    dead = 4,
    forgotten = 5
};

struct AttemptNote {
    AttemptStep step = AttemptStep::intended;
    AttemptId id;
    FenceToken token;         // not yet known when intended
    bool in_process = false;  // started: the run lives and dies with the worker's process
    RunResult result;         // ended
    ShardId shard{};          // whose owner is told
    std::string type;         // for the quotas
    bool operator==(const AttemptNote&) const = default;
};

std::string encode(const AttemptNote& note);
std::optional<AttemptNote> decode_attempt_note(std::string_view bytes);

// Folds notes into the state that matters: the last step of each attempt that is not forgotten.
class AttemptNotes {
  public:
    void add(const AttemptNote& note);
    const std::map<AttemptId, AttemptNote>& all() const { return all_; }

  private:
    std::map<AttemptId, AttemptNote> all_;
};

}  // namespace khronos::core::attempt

// What a worker that has just started holds: its notes, compared with what still runs.
#pragma once

#include <map>
#include <vector>

#include "core/attempt/attempt_notes.h"

namespace khronos::core::attempt {

// A run that the process host (the runner) knows.
struct HostedRun {
    AttemptId id;
    bool ended = false;
    RunResult result;  // when ended
    bool operator==(const HostedRun&) const = default;
};

struct Restored {
    std::vector<HeldAttempt> held;   // running or ended
    std::map<AttemptId, std::string> types;  // of the running ones that have one
    std::vector<AttemptNote> dead;   // with the highest token that is refused
    std::vector<AttemptNote> notes;  // to be written down
    std::vector<AttemptId> forget;   // the host may forget them
    std::vector<AttemptId> kill;     // nobody knows them: kill, then forget
    bool operator==(const Restored&) const = default;
};

// `same_boot`: the machine has not been started anew since the notes were written. If it has, what
// was only intended may have run: the note of the start need not have reached the disk.
Restored restore(const std::map<AttemptId, AttemptNote>& notes,
                 const std::vector<HostedRun>& hosted, bool same_boot, WallTime now);

}  // namespace khronos::core::attempt

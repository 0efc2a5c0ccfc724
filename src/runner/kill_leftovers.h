// What a dead runner may have left behind, should its supervisors have died with it.
#pragma once

#include <vector>

#include "runner/run_journal.h"

namespace khronos::runner {

// Kills every process of the journal's runs without an end and returns when none is left, or
// false when some could not be killed within `patience_us`. A process belongs to a run if it
// carries the run's mark in its environment, or is in the session of the run's command while
// that command still lives, or descends from such a one.
bool kill_leftovers(const std::vector<JournalRun>& runs, std::int64_t patience_us);

}  // namespace khronos::runner

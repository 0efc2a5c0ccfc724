#include "core/attempt/restore.h"

namespace khronos::core::attempt {
namespace {

RunResult lost(std::string message, WallTime now) {
    RunResult result;
    result.outcome = ExecutionState::lost;
    result.reason = Reason::worker_lost;
    result.finished_at = now;
    result.message = std::move(message);
    return result;
}

AttemptNote note_of(AttemptStep step, const AttemptNote& from) {
    AttemptNote note;
    note.step = step;
    note.id = from.id;
    note.token = from.token;
    note.shard = from.shard;
    note.type = from.type;
    return note;
}

}  // namespace

Restored restore(const std::map<AttemptId, AttemptNote>& notes,
                 const std::vector<HostedRun>& hosted, bool same_boot, WallTime now) {
    Restored out;
    std::map<AttemptId, const HostedRun*> runs;
    for (const HostedRun& run : hosted)
        runs.emplace(run.id, &run);

    const auto end = [&](const AttemptNote& from, const RunResult& result) {
        AttemptNote note = note_of(AttemptStep::ended, from);
        note.result = result;
        out.notes.push_back(note);
        out.held.push_back({from.id, from.token, HeldState::ended, result, from.shard});
    };
    for (const auto& [id, note] : notes) {
        const auto at = runs.find(id);
        const HostedRun* run = at == runs.end() ? nullptr : at->second;
        if (at != runs.end()) runs.erase(at);
        switch (note.step) {
            case AttemptStep::ended:
                out.held.push_back({id, note.token, HeldState::ended, note.result, note.shard});
                break;
            case AttemptStep::dead:
                out.dead.push_back(note);
                if (run) (run->ended ? out.forget : out.kill).push_back(id);
                break;
            case AttemptStep::intended:
            case AttemptStep::started:
                if (run && run->ended) {
                    end(note, run->result);
                } else if (run) {
                    out.held.push_back({id, note.token, HeldState::running, {}, note.shard});
                    if (!note.type.empty()) out.types.emplace(id, note.type);
                } else if (!same_boot) {
                    end(note, lost("the worker's machine was restarted", now));
                } else if (note.step == AttemptStep::started && note.in_process) {
                    end(note, lost("the worker's process ended during the run", now));
                } else {
                    // The host takes nothing from a dead worker that it has not listed.
                    out.notes.push_back(note_of(AttemptStep::dead, note));
                    out.dead.push_back(out.notes.back());
                }
                break;
            case AttemptStep::forgotten:
                break;
        }
    }
    for (const auto& [id, run] : runs)
        (run->ended ? out.forget : out.kill).push_back(id);
    return out;
}

}  // namespace khronos::core::attempt

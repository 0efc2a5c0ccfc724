// What really ran: written by the simulated processes themselves, not by the code under test.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/model/messages.h"

namespace khronos::sim {

struct LedgerEntry {
    core::AttemptId id;
    FenceToken token;
    std::string worker;
    MonoTime started;
    std::optional<MonoTime> ended;
    core::RunResult result;  // the true one, when ended
};

class Ledger {
  public:
    // Told at once; for the checker.
    // `before`: when the same attempt was started before, if it was.
    std::function<void(const LedgerEntry&, std::optional<MonoTime> before)> on_start;
    std::function<void(const LedgerEntry&)> on_end;

    void start(const core::AttemptId& id, FenceToken token, const std::string& worker,
               MonoTime now) {
        std::optional<MonoTime> before;
        if (const LedgerEntry* other = find(id)) before = other->started;
        LedgerEntry& entry = entries_[id];
        entry = {id, token, worker, now, std::nullopt, {}};
        running_[id] = &entry;
        if (on_start) on_start(entry, before);
    }
    void end(const core::AttemptId& id, const core::RunResult& result, MonoTime now) {
        LedgerEntry& entry = entries_.at(id);
        entry.ended = now;
        entry.result = result;
        running_.erase(id);
        if (on_end) on_end(entry);
    }

    const LedgerEntry* find(const core::AttemptId& id) const {
        const auto at = entries_.find(id);
        return at == entries_.end() ? nullptr : &at->second;
    }
    const std::map<core::AttemptId, LedgerEntry>& entries() const { return entries_; }
    const std::map<core::AttemptId, LedgerEntry*>& running() const { return running_; }

  private:
    std::map<core::AttemptId, LedgerEntry> entries_;
    std::map<core::AttemptId, LedgerEntry*> running_;
};

}  // namespace khronos::sim

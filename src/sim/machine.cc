#include "sim/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/check.h"

namespace khronos::sim {

using core::AttemptId;
using core::ExecutionState;

std::string work(Duration shortest, Duration longest, int fails_of_100) {
    return fmt::format("work {} {} {}", shortest.count(), longest.count(), fails_of_100);
}

Machine::Machine(World& world, const WallClock& clock, Ledger& ledger, std::string worker,
                 std::uint64_t seed)
    : world_(world), ledger_(ledger), worker_(std::move(worker)), seed_(seed), loop_(world, clock, true) {}

void Machine::run(const core::RunSpec& spec, FenceToken token) {
    CHECK(!processes_.contains(spec.id));
    std::int64_t shortest = 0;
    std::int64_t longest = 0;
    std::int64_t fails = 0;
    std::string word;
    if (const auto command = spec.executor_config.find("command");
        command != spec.executor_config.end())
        std::istringstream(command->second) >> word >> shortest >> longest >> fails;
    // The same attempt always does the same.
    Seeded random(seed_, core::to_text(spec.id.execution) + "." +
                             std::to_string(spec.id.attempt.value));
    const Duration length(random.between(shortest, std::max(shortest, longest)));
    const bool fails_now = random.between(0, 99) < fails;

    Process& process = processes_[spec.id];
    process.spec = spec;
    process.started_at = loop_.wall_now();
    process.result.outcome = fails_now ? ExecutionState::failed : ExecutionState::succeeded;
    process.result.exit_code = fails_now ? static_cast<int>(random.between(1, 100)) : 0;
    ledger_.start(spec.id, token, worker_, world_.now());
    process.end_timer = loop_.call_after(length, [this, id = spec.id] { end(id); });
    if (spec.timeout > Duration(0))
        process.timeout_timer = loop_.call_after(spec.timeout, [this, id = spec.id] {
            terminate(id, ExecutionState::timed_out, "killed at its timeout");
        });
}

void Machine::terminate(const AttemptId& id, ExecutionState outcome, std::string message) {
    const auto at = processes_.find(id);
    if (at == processes_.end() || at->second.killed) return;
    Process& process = at->second;
    process.killed = true;
    process.result.outcome = outcome;
    process.result.exit_code = 0;
    process.result.signal = 15;
    process.result.message = std::move(message);
    loop_.cancel(process.end_timer);
    // Some obey SIGTERM, some wait for SIGKILL.
    Seeded random(seed_, "kill" + core::to_text(id.execution));
    const Duration takes = random.between(Duration(0), process.spec.kill_grace);
    process.end_timer = loop_.call_after(takes, [this, id] { end(id); });
}

void Machine::kill(const AttemptId& id) {
    terminate(id, ExecutionState::cancelled, "cancelled");
}

void Machine::end(const AttemptId& id) {
    const auto at = processes_.find(id);
    CHECK(at != processes_.end());
    loop_.cancel(at->second.timeout_timer);
    core::RunResult result = at->second.result;
    result.started_at = at->second.started_at;
    result.finished_at = loop_.wall_now();
    processes_.erase(at);
    ledger_.end(id, result, world_.now());
    if (const auto note = notes.find(id); note != notes.end()) {
        note->second.state = core::HeldState::ended;
        note->second.result = std::move(result);
    }
    if (on_ended) on_ended(id);
}

}  // namespace khronos::sim

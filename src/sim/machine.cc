#include "sim/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/limits.h"

namespace khronos::sim {

using core::AttemptId;
using core::ExecutionState;
using worker::KilledBy;

namespace {

std::int64_t number(const std::vector<std::string>& words, std::size_t at) {
    std::int64_t value = 0;
    if (at < words.size())
        std::from_chars(words[at].data(), words[at].data() + words[at].size(), value);
    return value;
}

FenceToken token_of(const worker::ProcessSpec& spec) {
    for (const auto& [name, value] : spec.env) {
        if (name != "KHRONOS_TOKEN") continue;
        std::uint64_t token = 0;
        std::from_chars(value.data(), value.data() + value.size(), token);
        return FenceToken(token);
    }
    return {};
}

// What anybody who looked at the process would say of its end.
core::RunResult truth_of(const worker::ProcessEnd& end) {
    core::RunResult result;
    result.exit_code = end.exit_code;
    result.signal = end.signal;
    result.started_at = end.started_at;
    result.finished_at = end.finished_at;
    switch (end.killed_by) {
        case KilledBy::nobody:
            result.outcome =
                end.exit_code == 0 ? ExecutionState::succeeded : ExecutionState::failed;
            break;
        case KilledBy::timeout:
            result.outcome = ExecutionState::timed_out;
            break;
        case KilledBy::cancel:
            result.outcome = ExecutionState::cancelled;
            break;
        case KilledBy::guard:
        case KilledBy::memory:
        case KilledBy::supervisor:
        case KilledBy::host:
            result.outcome = ExecutionState::lost;
            break;
    }
    return result;
}

}  // namespace

std::string work(Duration shortest, Duration longest, int fails_of_100) {
    return fmt::format("work {} {} {}", shortest.count(), longest.count(), fails_of_100);
}

Machine::Machine(World& world, const WallClock& clock, Ledger& ledger, std::string worker,
                 std::uint64_t seed)
    : world_(world),
      ledger_(ledger),
      worker_(std::move(worker)),
      seed_(seed),
      loop_(world, clock, true) {}

// ---- the runner

void Machine::run(worker::ProcessSpec spec) {
    const AttemptId id = spec.id;
    if (spec.deadline.us != 0 && world_.now() >= spec.deadline) {
        if (listener_.on_refused)
            listener_.on_refused(id, "its guard ran out before it could start");
        return;
    }
    CHECK(!processes_.contains(id));
    const std::int64_t shortest = number(spec.argv, 1);
    const std::int64_t longest = number(spec.argv, 2);
    // The same attempt always does the same.
    Seeded random(seed_, core::to_text(id.execution) + "." + std::to_string(id.attempt.value));
    const Duration length(random.between(shortest, std::max(shortest, longest)));
    const bool fails = random.between(0, 99) < number(spec.argv, 3);

    Process& process = processes_[id];
    process.spec = std::move(spec);
    process.started_at = loop_.wall_now();
    process.end.exit_code = fails ? static_cast<int>(random.between(1, 100)) : 0;
    process.deadline = process.spec.deadline;
    ++running_;
    ledger_.start(id, token_of(process.spec), worker_, world_.now());
    process.end_timer = loop_.call_after(length, [this, id] { end(id); });
    if (process.spec.timeout > Duration(0))
        process.timeout_timer = loop_.call_after(
            process.spec.timeout, [this, id] { kill(id, KilledBy::timeout, false); });
    arm_guard(id, process);
    if (listener_.on_started) listener_.on_started(id, process.started_at);
}

void Machine::arm_guard(const AttemptId& id, Process& process) {
    loop_.cancel(process.guard_timer);
    if (process.deadline.us == 0) return;
    // The runner may be this late, and its kill takes time.
    Seeded random(seed_, "guard" + core::to_text(id.execution));
    const Duration lag = random.between(Duration(0), limits::kGuardKill / 2);
    process.guard_timer =
        loop_.call_at(process.deadline + lag, [this, id] { kill(id, KilledBy::guard, true); });
}

void Machine::kill(const AttemptId& id, KilledBy why, bool at_once) {
    const auto at = processes_.find(id);
    if (at == processes_.end() || at->second.ended) return;
    Process& process = at->second;
    if (process.killed_by != KilledBy::nobody && !at_once) return;
    if (process.killed_by == KilledBy::nobody) process.killed_by = why;
    process.end.exit_code = 0;
    process.end.signal = at_once ? 9 : 15;
    loop_.cancel(process.end_timer);
    // Some obey SIGTERM, some wait for SIGKILL.
    Seeded random(seed_, "kill" + core::to_text(id.execution));
    const Duration most = at_once ? limits::kGuardKill / 2 : process.spec.kill_grace;
    const Duration takes = random.between(Duration(0), most);
    process.end_timer = loop_.call_after(takes, [this, id] { end(id); });
}

void Machine::extend_guards(MonoTime base, const std::vector<AttemptId>& except) {
    for (auto& [id, process] : processes_) {
        if (process.ended || process.deadline.us == 0 || process.spec.guard <= Duration(0))
            continue;
        if (std::ranges::find(except, id) != except.end()) continue;
        if (world_.now() >= process.deadline) continue;  // passed: final
        process.deadline = std::max(process.deadline, base + process.spec.guard);
        arm_guard(id, process);
    }
}

void Machine::end(const AttemptId& id) {
    const auto at = processes_.find(id);
    CHECK(at != processes_.end() && !at->second.ended);
    Process& process = at->second;
    loop_.cancel(process.timeout_timer);
    loop_.cancel(process.guard_timer);
    loop_.cancel(process.end_timer);
    process.ended = true;
    process.end.killed_by = process.killed_by;
    process.end.started_at = process.started_at;
    process.end.finished_at = loop_.wall_now();
    --running_;
    ledger_.end(id, truth_of(process.end), world_.now());
    if (listener_.on_ended) listener_.on_ended(id, process.end);
}

void Machine::forget(const AttemptId& id) {
    const auto at = processes_.find(id);
    if (at != processes_.end() && at->second.ended) processes_.erase(at);
}

std::vector<worker::KnownProcess> Machine::known() const {
    std::vector<worker::KnownProcess> known;
    for (const auto& [id, process] : processes_)
        known.push_back({id, process.ended, process.end});
    return known;
}

// ---- the machine

bool Machine::take_reboot() {
    return std::exchange(rebooted_, false);
}

void Machine::reboot() {
    listener_ = {};
    for (auto& [id, process] : processes_) {
        if (process.ended) continue;
        process.killed_by = KilledBy::host;
        process.end.exit_code = 0;
        process.end.signal = 9;
        end(id);
    }
    processes_.clear();
    notes_ = durable_;
    rebooted_ = true;
}

std::vector<AttemptId> Machine::held() const {
    std::vector<AttemptId> held;
    for (const auto& [id, note] : notes_.all())
        if (note.step != core::attempt::AttemptStep::dead) held.push_back(id);
    return held;
}

}  // namespace khronos::sim

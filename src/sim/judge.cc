#include "sim/judge.h"

namespace khronos::sim {

void Judge::read(const TxnSeen& txn) {
    records_.before(seen_, txn);
    ticks_.check(seen_, txn);
    if (clients_) clients_->before(seen_, txn);
    seen_.apply(txn);
    records_.after(seen_, txn);
}

void Judge::check_punctual(Duration late) {
    const WallTime now = world_.wall(clock_);
    for (const auto& [uid, job] : seen_.jobs) {
        const auto left = ticks_.undecided(seen_, job, now - late);
        if (!left.empty())
            report_.violated("I10", "job {}: the tick {} and {} others are not decided at {}",
                             job.name, to_rfc3339(left.front()), left.size() - 1, to_rfc3339(now));
    }
}

void Judge::check_at_rest() {
    for (const core::ExecutionId& id : seen_.open) {
        const auto at = seen_.executions.find(id);
        report_.violated("I17", "{} never comes to an end: {}", core::to_text(id),
                         at == seen_.executions.end() ? "no record"
                                                      : core::to_text(at->second.now.state));
    }
    for (const auto& [id, trigger] : seen_.triggers)
        report_.violated("I17", "the trigger {} is never decided", core::to_text(id));
    for (const auto& [slot, who] : seen_.slots)
        report_.violated("I16", "{} still holds slot {} of {}", who, slot.number, to_hex(slot.uid));
    for (const auto& [id, execution] : seen_.executions)
        if (core::is_open(execution.now.state) && !seen_.open.contains(id))
            report_.violated("I16", "{} is {} and nobody knows", core::to_text(id),
                             core::to_text(execution.now.state));
}

}  // namespace khronos::sim

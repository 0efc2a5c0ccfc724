#include "sim/seen.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/codec.h"
#include "store/keys.h"

namespace khronos::sim {

namespace keys = store::keys;
using store::decode;

namespace {

std::optional<core::ExecutionId> execution_of_key(std::string_view key) {
    // executions/<uid>/<trigger>/<index> is the id with slashes for dashes.
    constexpr std::string_view kPrefix = "executions/";
    if (!key.starts_with(kPrefix)) return std::nullopt;
    std::string text(key.substr(kPrefix.size()));
    std::replace(text.begin(), text.end(), '/', '-');
    const auto id = core::execution_id_from_text(text);
    if (!id) return std::nullopt;
    return *id;
}

void read_put(TxnSeen& txn, const store::KeyValue& kv) {
    const std::string_view value = kv.value.view();
    const auto unreadable = [&] { txn.unreadable.push_back(kv.key); };
    if (execution_of_key(kv.key)) {
        auto record = decode<core::Execution>(value);
        if (!record) return unreadable();
        txn.records.push_back(std::move(*record));
    } else if (keys::job_name_of(kv.key)) {
        auto job = decode<core::Job>(value);
        if (!job) return unreadable();
        txn.jobs.push_back(std::move(*job));
    } else if (const auto shard = keys::shard_key_of(kv.key)) {
        if (shard->part == keys::ShardPart::cursor) {
            auto cursor = decode<core::Cursor>(value);
            if (!cursor) return unreadable();
            txn.shard = shard->shard;
            txn.cursor = std::move(*cursor);
        } else if (shard->part == keys::ShardPart::owner) {
            auto owner = decode<core::Owner>(value);
            if (!owner) return unreadable();
            txn.owners.emplace_back(shard->shard, std::move(*owner));
        }
    } else if (const auto open = keys::open_of_key(kv.key)) {
        txn.opened.push_back(open->id);
    } else if (keys::trigger_of_key(kv.key)) {
        auto trigger = decode<core::Trigger>(value);
        if (!trigger) return unreadable();
        txn.triggers.push_back(std::move(*trigger));
    } else if (const auto slot = keys::slot_of_key(kv.key)) {
        txn.slots_taken.push_back({{slot->uid, slot->number}, std::string(value)});
    } else if (const auto uid = keys::stats_uid_of(kv.key)) {
        auto stats = decode<core::JobStats>(value);
        if (!stats) return unreadable();
        txn.stats.emplace_back(*uid, std::move(*stats));
    } else if (kv.key.starts_with("idempotency/")) {
        txn.idempotency.emplace_back(kv.key, std::string(value));
    }
}

void read_delete(TxnSeen& txn, const std::string& key) {
    if (const auto id = execution_of_key(key)) {
        txn.forgotten.push_back(*id);
    } else if (const auto name = keys::job_name_of(key)) {
        txn.deleted_jobs.push_back(*name);
    } else if (const auto open = keys::open_of_key(key)) {
        txn.closed.push_back(open->id);
    } else if (const auto trigger = keys::trigger_of_key(key)) {
        txn.consumed.push_back(trigger->id);
    } else if (const auto slot = keys::slot_of_key(key)) {
        txn.slots_freed.push_back({slot->uid, slot->number});
    }
}

}  // namespace

TxnSeen read_txn(const std::vector<store::WatchEvent>& events, MonoTime at) {
    TxnSeen txn;
    txn.at = at;
    for (const store::WatchEvent& event : events) {
        txn.revision = event.kv.mod_revision;
        if (event.deleted) {
            read_delete(txn, event.kv.key);
        } else {
            read_put(txn, event.kv);
        }
    }
    return txn;
}

std::string describe(const TxnSeen& txn) {
    std::string text;
    const auto say = [&](std::string part) {
        if (!text.empty()) text += "; ";
        text += part;
    };
    for (const core::Job& job : txn.jobs)
        say(fmt::format("job {} ({}) saved, generation {} from {}: '{}'{}{}", job.spec.name,
                        to_hex(job.uid), job.generation.value, to_rfc3339(job.effective_from),
                        job.spec.schedule, job.spec.disabled ? ", disabled" : "",
                        job.past.empty() ? "" : fmt::format(", {} past", job.past.size())));
    for (const std::string& name : txn.deleted_jobs) say(fmt::format("job {} deleted", name));
    for (const core::Trigger& trigger : txn.triggers)
        say(fmt::format("asked for: {}", core::to_text(trigger.id)));
    if (txn.shard)
        say(fmt::format("shard {} decided up to {}{}", txn.shard->value, to_rfc3339(txn.cursor.t),
                        txn.cursor.pass_end.is_set()
                            ? fmt::format(", on its way to {}: {} up to {}",
                                          to_rfc3339(txn.cursor.pass_end), to_hex(txn.cursor.uid),
                                          to_rfc3339(txn.cursor.uid_t))
                            : ""));
    for (const core::Execution& e : txn.records) {
        std::string how(core::to_text(e.state));
        if (e.reason != core::Reason::none) how += fmt::format(" ({})", core::to_text(e.reason));
        if (e.range_from.is_set())
            how += fmt::format(", {} ticks from {}", e.range_count, to_rfc3339(e.range_from));
        if (e.state == core::ExecutionState::claimed)
            how += fmt::format(", attempt {} on {}", e.attempt.value, e.worker);
        if (e.state == core::ExecutionState::retry_wait)
            how += fmt::format(", attempt {} not before {}", e.attempt.value,
                               to_rfc3339(e.not_before));
        if (!e.blocked_by.empty()) how += ", blocked by " + e.blocked_by;
        say(fmt::format("{} of {}: {}", core::to_text(e.id), e.job_name, how));
    }
    if (!txn.forgotten.empty()) say(fmt::format("{} records forgotten", txn.forgotten.size()));
    if (text.empty()) return text;
    return fmt::format("[{}] {}", txn.revision.value, text);
}

void Seen::apply(const TxnSeen& txn) {
    revision = txn.revision;
    if (txn.shard) cursors[*txn.shard] = txn.cursor;
    for (const std::string& name : txn.deleted_jobs) {
        const auto at = names.find(name);
        if (at == names.end()) continue;
        jobs[at->second].deleted = txn.revision;
        jobs[at->second].deleted_at = txn.at;
        names.erase(at);
    }
    for (const core::Job& job : txn.jobs) {
        JobSeen& seen = jobs[job.uid];
        if (seen.versions.empty()) by_shard[shard_of(job.spec.name)].push_back(job.uid);
        seen.uid = job.uid;
        seen.name = job.spec.name;
        seen.versions.push_back({job, txn.revision, txn.at});
        names[job.spec.name] = job.uid;
    }
    for (const core::Trigger& trigger : txn.triggers) {
        triggers[trigger.id] = trigger;
        triggers_ever.insert(trigger.id);
    }
    for (const core::ExecutionId& id : txn.consumed) triggers.erase(id);
    for (const core::Execution& e : txn.records) {
        ExecutionSeen& seen = executions[e.id];
        if (seen.forgotten) seen = {};
        if (!seen.decided_revision) {
            seen.decided = e;
            seen.decided_revision = txn.revision;
            seen.decided_at = txn.at;
            seen.limit = limit_of(e.id.uid);
        }
        seen.now = e;
        seen.revision = txn.revision;
        // The token is the claim's own revision.
        if (e.state == core::ExecutionState::claimed)
            seen.claims[e.attempt] = FenceToken(txn.revision.value);
        if (core::is_open(e.state)) {
            open_of[e.id.uid].insert(e.id);
        } else {
            open_of[e.id.uid].erase(e.id);
        }
    }
    for (const core::ExecutionId& id : txn.forgotten) executions[id].forgotten = true;
    for (const core::ExecutionId& id : txn.opened) open.insert(id);
    for (const core::ExecutionId& id : txn.closed) open.erase(id);
    for (const SlotSeen& slot : txn.slots_freed) slots.erase(slot);
    for (const auto& [slot, who] : txn.slots_taken) slots[slot] = who;
    for (const auto& [key, value] : txn.idempotency) idempotency[key] = value;
    for (const auto& [uid, value] : txn.stats) stats[uid] = value;
}

const core::Job* Seen::present(JobUid uid) const {
    const auto at = jobs.find(uid);
    if (at == jobs.end() || at->second.deleted) return nullptr;
    return &at->second.versions.back().job;
}

std::uint32_t Seen::limit_of(JobUid uid) const {
    const core::Job* job = present(uid);
    return job ? core::concurrency_limit(job->spec.concurrency, job->spec.max_concurrency) : 0;
}

}  // namespace khronos::sim

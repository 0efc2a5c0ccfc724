#include "core/schedule/shard_engine.h"

#include <algorithm>

#include "base/check.h"

namespace khronos::core {
namespace {

// The age from which a tick counts as missed; @after says its own.
Duration misfire_threshold(const Era& era, const ShardRules& rules) {
    const auto grace = era.schedule.grace();
    return grace ? std::max(*grace, rules.misfire_threshold) : rules.misfire_threshold;
}

}  // namespace

// ---- facts

void ShardEngine::set_cursor(Cursor cursor, Revision revision) {
    cursor_ = std::move(cursor);
    cursor_revision_ = revision;
    for (const auto& entry : jobs_) reschedule(*entry);
}

ShardEngine::Entry* ShardEngine::find(JobUid uid) const {
    if (jobs_.empty() || jobs_.back()->uid < uid) return nullptr;  // a new job, usually
    const auto at = std::lower_bound(
        jobs_.begin(), jobs_.end(), uid,
        [](const std::unique_ptr<Entry>& entry, JobUid wanted) { return entry->uid < wanted; });
    return at != jobs_.end() && (*at)->uid == uid ? at->get() : nullptr;
}

bool ShardEngine::save_job(const Job& job, SharedBytes record, Revision created) {
    Entry* entry = find(job.uid);
    if (!entry) {
        auto made = std::make_unique<Entry>();
        entry = made.get();
        entry->uid = job.uid;
        const auto at = std::lower_bound(
            jobs_.begin(), jobs_.end(), job.uid,
            [](const std::unique_ptr<Entry>& e, JobUid wanted) { return e->uid < wanted; });
        jobs_.insert(at, std::move(made));
    }
    const auto schedule = compile(job.spec);
    entry->schedule = schedule ? *schedule : cron::Schedule();
    entry->effective_from = job.effective_from;
    entry->anchor_s = static_cast<std::uint32_t>(std::max<std::int64_t>(0, job.anchor.seconds()));
    entry->record = std::move(record);
    entry->created = created;
    entry->generation = job.generation;
    entry->misfire = job.spec.misfire;
    entry->misfire_limit = static_cast<std::uint16_t>(
        std::min(job.spec.misfire_limit, limits::kMisfireLimitMax));
    entry->concurrency = static_cast<std::uint16_t>(
        std::min(concurrency_limit(job.spec.concurrency, job.spec.max_concurrency),
                 limits::kMaxConcurrencyMax));
    entry->policy = static_cast<std::uint8_t>(job.spec.concurrency) & 0xf;
    entry->queue_limit = static_cast<std::uint16_t>(
        std::min(job.spec.queue_limit, limits::kMaxConcurrencyMax));
    entry->disabled = job.spec.disabled;
    entry->seen = true;
    entry->name_hash = static_cast<std::uint32_t>(stable_hash(job.spec.name));
    auto past = past_eras(job, cursor_.decided_up_to(job.uid));
    if (past.empty() && !job.spec.starts_at.is_set() && !job.spec.expires_at.is_set()) {
        entry->extra.reset();
    } else {
        entry->extra = std::make_unique<Extra>(
            Extra{std::move(past), job.spec.starts_at, job.spec.expires_at});
    }
    reschedule(*entry);
    return schedule.has_value();
}

void ShardEngine::remove_job(JobUid uid) {
    const auto at = std::lower_bound(
        jobs_.begin(), jobs_.end(), uid,
        [](const std::unique_ptr<Entry>& entry, JobUid wanted) { return entry->uid < wanted; });
    if (at == jobs_.end() || (*at)->uid != uid) return;
    due_.remove(**at);
    jobs_.erase(at);
}

void ShardEngine::list_begins() {
    for (const auto& entry : jobs_) entry->seen = false;
}

std::vector<JobUid> ShardEngine::list_ends() {
    std::vector<JobUid> gone;
    for (const auto& entry : jobs_)
        if (!entry->seen) gone.push_back(entry->uid);
    for (const JobUid uid : gone) remove_job(uid);
    return gone;
}

std::vector<const SharedBytes*> ShardEngine::perhaps_named(std::string_view name) const {
    const auto hash = static_cast<std::uint32_t>(stable_hash(name));
    std::vector<const SharedBytes*> found;
    for (const auto& entry : jobs_)
        if (entry->name_hash == hash) found.push_back(&entry->record);
    return found;
}

void ShardEngine::remove_trigger(const ExecutionId& id) {
    std::erase_if(triggers_, [&](const Trigger& trigger) { return trigger.id == id; });
}

void ShardEngine::add_trigger(const Trigger& trigger) {
    for (Trigger& known : triggers_) {
        if (known.id != trigger.id) continue;
        known.revision = std::max(known.revision, trigger.revision);
        return;
    }
    triggers_.push_back(trigger);
}

void ShardEngine::add_open(const ExecutionId& id, std::int32_t slot) {
    auto& runs = open_[id.uid];
    for (const OpenRun& run : runs)
        if (run.id == id) return;
    runs.push_back({id, slot});
}

void ShardEngine::remove_open(const ExecutionId& id) {
    const auto at = open_.find(id.uid);
    if (at == open_.end()) return;
    std::erase_if(at->second, [&](const OpenRun& run) { return run.id == id; });
    if (at->second.empty()) open_.erase(at);
}

void ShardEngine::took_slot(const ExecutionId& id, std::int32_t slot) {
    const auto at = open_.find(id.uid);
    if (at == open_.end()) return;
    for (OpenRun& run : at->second)
        if (run.id == id) run.slot = slot;
}

bool ShardEngine::is_open(const ExecutionId& id) const {
    const auto at = open_.find(id.uid);
    return at != open_.end() && std::any_of(at->second.begin(), at->second.end(),
                                            [&](const OpenRun& run) { return run.id == id; });
}

std::size_t ShardEngine::open_count(JobUid uid) const {
    const auto at = open_.find(uid);
    return at == open_.end() ? 0 : at->second.size();
}

const SharedBytes* ShardEngine::job_record(JobUid uid) const {
    const Entry* entry = find(uid);
    return entry ? &entry->record : nullptr;
}

Revision ShardEngine::job_created(JobUid uid) const {
    const Entry* entry = find(uid);
    return entry ? entry->created : Revision{};
}

// ---- when

Era ShardEngine::present_era(const Entry& entry) const {
    Era era;
    era.generation = entry.generation;
    era.from = entry.effective_from;
    era.schedule = entry.schedule;
    era.anchor = WallTime::from_seconds(entry.anchor_s);
    era.disabled = entry.disabled;
    if (entry.extra) {
        era.starts_at = entry.extra->starts_at;
        era.expires_at = entry.extra->expires_at;
    }
    return era;
}

WallTime ShardEngine::first_due(const Entry& entry) const {
    const WallTime decided = cursor_.decided_up_to(entry.uid);
    if (entry.extra) {
        for (const Era& era : entry.extra->past) {
            if (era.until <= decided) continue;
            // A disabled stretch is recorded as a whole, when it is over.
            if (const auto tick = era.next(era.disabled ? era.from : decided))
                return era.disabled ? era.until : *tick;
        }
    }
    if (entry.disabled) return WallTime::max();
    return present_era(entry).next(decided).value_or(WallTime::max());
}

void ShardEngine::reschedule(Entry& entry) {
    if (!cursor_revision_) return;
    const WallTime due = first_due(entry);
    if (due == WallTime::max()) {
        due_.remove(entry);
    } else {
        due_.set(entry, due);
    }
}

WallTime ShardEngine::next_due() const {
    if (under_way_ || !cursor_revision_) return WallTime::max();
    if (!triggers_.empty() || cursor_.pass_end.is_set()) return WallTime{0};
    return due_.next_due();
}

// ---- decisions

std::optional<Batch> ShardEngine::decide(WallTime now) {
    if (under_way_ || !cursor_revision_) return std::nullopt;
    Batch batch{shard_, cursor_, cursor_revision_, jobs_version_, cursor_, {}};
    UnderWay run;
    decide_triggers(batch, run);
    decide_ticks(now, batch, run);
    if (batch.decisions.empty() && batch.after == cursor_) return std::nullopt;
    run.after = batch.after;
    under_way_ = std::move(run);
    return batch;
}

// Sets the decision's slot or turns it into a skip.
bool ShardEngine::grant(const Entry& entry, Decision& decision, UnderWay& run) {
    auto& runs = open_[entry.uid];
    const bool waits = takes_slot_when_claimed(entry.concurrency_policy());
    if (waits && runs.size() >= entry.concurrency) decision.blocked_by = runs.front().id;
    if (entry.concurrency_policy() == Concurrency::queue &&
        runs.size() >= std::size_t{entry.concurrency} + entry.queue_limit) {
        decision.tick.kind = TickDecision::Kind::skip;
        decision.tick.reason = Reason::queue_full;
        return false;
    }
    if (entry.concurrency != 0 && !waits) {
        if (runs.size() >= entry.concurrency) {
            decision.tick.kind = TickDecision::Kind::skip;
            decision.tick.reason = Reason::concurrency;
            decision.blocked_by = runs.front().id;
            return false;
        }
        std::int32_t slot = 0;
        while (std::any_of(runs.begin(), runs.end(),
                           [&](const OpenRun& open) { return open.slot == slot; }))
            ++slot;
        decision.slot = slot;
    }
    runs.push_back({decision.id, decision.slot});
    run.opened.push_back(decision.id);
    return true;
}

void ShardEngine::decide_triggers(Batch& batch, UnderWay& run) {
    // Decided by a former owner, and the watch has not told yet that it is consumed.
    std::erase_if(triggers_, [&](const Trigger& trigger) { return is_open(trigger.id); });
    for (const Trigger& trigger : triggers_) {
        const Entry* entry = find(trigger.id.uid);
        const std::size_t operations = cost(entry) + 1;
        if (run.operations + operations > rules_.max_operations) break;
        run.operations += operations;
        Decision decision;
        decision.id = trigger.id;
        decision.tick.at = trigger.id.trigger.at;
        decision.trigger = trigger;
        if (entry) {
            decision.generation = entry->generation;
            decision.job = entry->record;
            grant(*entry, decision, run);
        } else {
            decision.tick.kind = TickDecision::Kind::skip;
            decision.tick.reason = Reason::deleted;
        }
        batch.decisions.push_back(std::move(decision));
        run.triggers.push_back(trigger.id);
    }
}

void ShardEngine::decide_ticks(WallTime now, Batch& batch, UnderWay& run) {
    WallTime pass_end = cursor_.pass_end;
    if (!pass_end.is_set()) {
        if (due_.next_due() > now) return;
        pass_end = now.floor_second();
    }
    std::vector<Entry*> entries;
    while (due_.next_due() <= pass_end) entries.push_back(&due_.pop());
    std::sort(entries.begin(), entries.end(),
              [](const Entry* a, const Entry* b) { return a->uid < b->uid; });
    // All of them go back into the heap when the outcome is known, decided or not.
    for (const Entry* entry : entries) run.jobs.push_back(entry->uid);

    for (Entry* entry : entries) {
        WallTime up_to;
        if (!decide_job(*entry, now, pass_end, batch, run, up_to)) {
            batch.after.pass_end = pass_end;
            batch.after.uid = entry->uid;
            batch.after.uid_t = up_to;
            return;
        }
    }
    batch.after.t = pass_end;
    batch.after.pass_end = {};
    batch.after.uid = {};
    batch.after.uid_t = {};
}

// Whether all of the job's ticks up to pass_end found room; else `up_to` says how far.
bool ShardEngine::decide_job(Entry& entry, WallTime now, WallTime pass_end, Batch& batch,
                             UnderWay& run, WallTime& up_to) {
    up_to = cursor_.decided_up_to(entry.uid);
    std::vector<Era> eras;
    if (entry.extra) eras = entry.extra->past;
    eras.push_back(present_era(entry));
    for (const Era& era : eras) {
        if (era.until <= up_to) continue;
        if (era.from >= pass_end) break;
        // A disabled stretch is one record, made when it is over.
        if (era.disabled && era.until > pass_end) break;
        const std::size_t room = (rules_.max_operations - run.operations) / cost(&entry);
        // A range and the tick that it is coalesced into come in one batch.
        if (room < 2) return false;
        MisfireRules rules;
        rules.policy = entry.misfire;
        rules.limit = entry.misfire_limit;
        rules.missed_before = now - misfire_threshold(era, rules_);
        if (missed_floor_.is_set()) rules.missed_before = std::max(rules.missed_before, missed_floor_);
        rules.late_before = now - rules_.late_after;
        const Decided decided =
            core::decide(era, era.disabled ? era.from : up_to, pass_end, rules, room);
        for (const TickDecision& tick : decided.ticks)
            append(entry, era.generation, tick, batch, run);
        run.operations += decided.ticks.size() * cost(&entry);
        up_to = std::max(up_to, decided.up_to);
        if (decided.up_to < std::min(pass_end, era.until)) return false;
    }
    return true;
}

void ShardEngine::append(const Entry& entry, Generation generation, const TickDecision& tick,
                         Batch& batch, UnderWay& run) {
    Decision decision;
    decision.id = {entry.uid, {TriggerKind::tick, tick.at, 0}, 0};
    decision.generation = generation;
    decision.tick = tick;
    decision.job = entry.record;
    if (tick.kind == TickDecision::Kind::fire && !grant(entry, decision, run) &&
        !batch.decisions.empty()) {
        // Ticks that the same run keeps out, one after the other, are one record with a count.
        Decision& last = batch.decisions.back();
        if (last.id.uid == entry.uid && last.tick.kind == TickDecision::Kind::skip &&
            last.tick.reason == Reason::concurrency && last.blocked_by == decision.blocked_by &&
            last.generation == generation && !last.trigger) {
            if (!last.tick.range_from.is_set()) last.tick.range_from = last.tick.at;
            last.tick.at = tick.at;
            ++last.tick.count;
            last.id = decision.id;
            return;
        }
    }
    batch.decisions.push_back(std::move(decision));
}

void ShardEngine::applied(Revision revision) {
    CHECK(under_way_.has_value());
    const UnderWay run = std::move(*under_way_);
    under_way_.reset();
    cursor_ = run.after;
    cursor_revision_ = revision;
    for (const ExecutionId& id : run.triggers) remove_trigger(id);
    for (const JobUid uid : run.jobs) {
        Entry* entry = find(uid);
        if (!entry) continue;
        if (entry->extra) {
            const WallTime decided = cursor_.decided_up_to(uid);
            std::erase_if(entry->extra->past,
                          [&](const Era& era) { return era.until <= decided; });
        }
        reschedule(*entry);
    }
}

void ShardEngine::not_applied() {
    CHECK(under_way_.has_value());
    const UnderWay run = std::move(*under_way_);
    under_way_.reset();
    for (const ExecutionId& id : run.opened) remove_open(id);
    for (const JobUid uid : run.jobs)
        if (Entry* entry = find(uid)) reschedule(*entry);
}

}  // namespace khronos::core

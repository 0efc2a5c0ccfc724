#include "sim/clients.h"

#include <algorithm>

#include "core/schedule/versioning.h"

namespace khronos::sim {

std::size_t Clients::ask(const Agent& agent, Op op) {
    op.by = fmt::format("client-{}", ops_.size());
    op.asked = world_.now();
    op.clock = &agent.clock();
    op.asked_wall = world_.wall(*op.clock);
    by_[op.by] = ops_.size();
    static constexpr const char* kWords[] = {"put", "edit", "remove", "run"};
    if (on_story)
        on_story(fmt::format("{}: {} {} {}", op.by, kWords[static_cast<std::size_t>(op.kind)],
                             op.name, op.idempotency_key));
    ops_.push_back(std::move(op));
    return ops_.size() - 1;
}

template <class Result>
Op* Clients::answered(std::size_t number, const Result& result) {
    Op& op = ops_[number];
    if (op.answered) report_.violated("I19", "{} was answered twice", op.by);
    op.answered = world_.now();
    op.acknowledged = result.has_value();
    if (!result) op.error = result.error();
    if (on_story)
        on_story(fmt::format("{}: {}", op.by, result ? "done" : result.error().message));
    return result ? &op : nullptr;
}

void Clients::put(Agent& agent, core::JobSpec spec, bool run_on_create) {
    Op op;
    op.kind = Op::Kind::put;
    op.name = spec.name;
    op.specs = {spec};
    op.run_on_create = run_on_create;
    const std::size_t number = ask(agent, std::move(op));
    cluster::PutOptions options;
    options.updated_by = ops_[number].by;
    options.run_on_create = run_on_create;
    agent.jobs().put(std::move(spec), std::move(options),
                     [this, number](std::expected<cluster::SavedJob, Error> result) {
                         Op* done = answered(number, result);
                         if (!done) return;
                         done->uid = result->job.uid;
                         done->generation = result->job.generation;
                         done->revision = result->revision;
                     });
}

void Clients::edit(Agent& agent, const std::string& name, Change change) {
    Op op;
    op.kind = Op::Kind::edit;
    op.name = name;
    const std::size_t number = ask(agent, std::move(op));
    agent.jobs().edit(
        name, ops_[number].by,
        [this, number, change](core::JobSpec& spec) -> std::expected<void, Error> {
            change(spec);
            ops_[number].specs.push_back(spec);
            return {};
        },
        [this, number](std::expected<cluster::SavedJob, Error> result) {
            Op* done = answered(number, result);
            if (!done) return;
            done->uid = result->job.uid;
            done->generation = result->job.generation;
            done->revision = result->revision;
        });
}

void Clients::remove(Agent& agent, const std::string& name) {
    Op op;
    op.kind = Op::Kind::remove;
    op.name = name;
    const std::size_t number = ask(agent, std::move(op));
    agent.jobs().remove(name, std::nullopt, ops_[number].by,
                        [this, number](std::expected<cluster::DeletedJob, Error> result) {
                            Op* done = answered(number, result);
                            if (!done) return;
                            done->uid = result->job.uid;
                        });
}

void Clients::run(Agent& agent, const std::string& name, std::string idempotency_key) {
    Op op;
    op.kind = Op::Kind::run;
    op.name = name;
    op.idempotency_key = idempotency_key;
    const std::size_t number = ask(agent, std::move(op));
    cluster::RunOptions options;
    options.idempotency_key = std::move(idempotency_key);
    options.requested_by = ops_[number].by;
    agent.jobs().run(name, std::move(options),
                     [this, number](std::expected<core::ExecutionId, Error> result) {
                         Op* done = answered(number, result);
                         if (!done) return;
                         done->execution = *result;
                     });
}

std::size_t Clients::acknowledged() const {
    return static_cast<std::size_t>(
        std::count_if(ops_.begin(), ops_.end(), [](const Op& op) { return op.acknowledged; }));
}

// ---- the checks

namespace {

bool same_ticks(const core::JobSpec& a, const core::JobSpec& b) {
    return a.schedule == b.schedule && a.timezone == b.timezone && a.disabled == b.disabled &&
           a.dst_gap == b.dst_gap && a.dst_overlap == b.dst_overlap && a.starts_at == b.starts_at &&
           a.expires_at == b.expires_at;
}

}  // namespace

void Clients::check_version(const Seen& seen, const core::Job& job, Revision revision) {
    const auto op = by_.find(job.updated_by);
    if (op == by_.end() || ops_[op->second].name != job.spec.name) {
        report_.violated("I19", "revision {}: job {} was saved by nobody ('{}')", revision.value,
                         job.spec.name, job.updated_by);
        return;
    }
    const Op& asked = ops_[op->second];
    if (std::find(asked.specs.begin(), asked.specs.end(), job.spec) == asked.specs.end())
        report_.violated("I19", "revision {}: job {} is not what {} asked for", revision.value,
                         job.spec.name, asked.by);

    const auto known = seen.jobs.find(job.uid);
    const core::Job* last = known == seen.jobs.end() ? nullptr : &known->second.versions.back().job;
    const auto shard = seen.cursors.find(shard_of(job.spec.name));
    WallTime decided;
    WallTime bound;
    if (shard != seen.cursors.end()) {
        decided = shard->second.decided_up_to(job.uid);
        bound = shard->second.pass_end.is_set() ? shard->second.pass_end : shard->second.t;
    }
    const auto here = seen.names.find(job.spec.name);
    if (last && (here == seen.names.end() || here->second != job.uid)) {
        report_.violated("I19", "revision {}: job {} came back as {} after it was deleted",
                         revision.value, job.spec.name, to_hex(job.uid));
        return;
    }
    if (!last && here != seen.names.end())
        report_.violated("I19", "revision {}: job {} was made again without being deleted",
                         revision.value, job.spec.name);
    if (last && job.generation != last->generation.next())
        report_.violated("I19", "revision {}: job {} went from generation {} to {}", revision.value,
                         job.spec.name, last->generation.value, job.generation.value);
    if (last && same_ticks(last->spec, job.spec)) {
        if (job.effective_from != last->effective_from || job.anchor != last->anchor)
            report_.violated("I1", "an edit of another field moved job {}'s schedule from {} to {}",
                             job.spec.name, to_rfc3339(last->effective_from),
                             to_rfc3339(job.effective_from));
        return;
    }
    if (last && last->spec.schedule == job.spec.schedule && job.anchor != last->anchor)
        report_.violated("I1", "an edit that kept the schedule of job {} moved its anchor",
                         job.spec.name);
    if (job.effective_from < decided)
        report_.violated("I1", "job {} decides from {} on and {} is decided already", job.spec.name,
                         to_rfc3339(job.effective_from), to_rfc3339(decided));
    // Honoured from when it was acknowledged at the latest, by the clock of whom it was asked of.
    WallTime latest = std::max({bound, world_.wall(*asked.clock), asked.asked_wall});
    if (last) latest = std::max(latest, last->effective_from);  // it never goes back
    for (const auto& step : asked.clock->steps())
        if (step.at >= asked.asked) latest = std::max(latest, step.from);
    if (job.effective_from > latest)
        report_.violated("I19", "job {} was saved at {} and holds only from {}", job.spec.name,
                         to_rfc3339(latest), to_rfc3339(job.effective_from));
}

// An ephemeral job that has succeeded is deleted by the system.
bool Clients::ended_by_itself(const Seen& seen, JobUid uid) {
    const auto stats = seen.stats.find(uid);
    if (stats == seen.stats.end() || stats->second.success_count == 0) return false;
    const auto& versions = seen.jobs.at(uid).versions;
    return std::any_of(versions.begin(), versions.end(),
                       [](const VersionSeen& one) { return one.job.spec.ephemeral; });
}

void Clients::before(const Seen& seen, const TxnSeen& txn) {
    for (const core::Job& job : txn.jobs) {
        check_version(seen, job, txn.revision);
        auto& saved = saved_[job.updated_by];
        saved.emplace_back(job.uid, job.generation);
        if (saved.size() > 1)
            report_.violated("I19", "revision {}: what {} asked for was done {} times",
                             txn.revision.value, job.updated_by, saved.size());
        exists_[job.spec.name].emplace_back(txn.at, true);
    }
    for (const std::string& name : txn.deleted_jobs) {
        deleted_[name].push_back(txn.at);
        exists_[name].emplace_back(txn.at, false);
        const bool asked = std::any_of(ops_.begin(), ops_.end(), [&](const Op& op) {
            return op.kind == Op::Kind::remove && op.name == name;
        });
        const auto job = seen.names.find(name);
        const bool done = job != seen.names.end() && ended_by_itself(seen, job->second);
        if (!asked && !done) report_.violated("I19", "job {} was deleted and nobody had asked for it", name);
    }
    for (const core::Trigger& trigger : txn.triggers) {
        if (seen.triggers.contains(trigger.id)) continue;  // once more, and not decided yet
        const std::size_t times = ++asked_by_[trigger.requested_by];
        if (times > 1)
            report_.violated("I22", "{} asked for one run and {} triggers were written",
                             trigger.requested_by, times);
        if (seen.triggers_ever.contains(trigger.id) &&
            trigger.id.trigger.kind != core::TriggerKind::tick)
            report_.violated("I22", "the trigger {} was written again",
                             core::to_text(trigger.id));
    }
}

void Clients::check_end(const Seen& seen) {
    std::map<std::pair<JobUid, std::string>, core::ExecutionId> keyed;
    for (const Op& op : ops_) {
        if (!op.acknowledged) continue;
        switch (op.kind) {
            case Op::Kind::put:
            case Op::Kind::edit: {
                const auto saved = saved_.find(op.by);
                if (saved == saved_.end() ||
                    saved->second.front() != std::pair(op.uid, op.generation))
                    report_.violated("I19", "{} was told that job {} was saved at revision {}; it was not",
                                     op.by, op.name, op.revision.value);
                break;
            }
            case Op::Kind::remove: {
                const auto job = seen.jobs.find(op.uid);
                if (job == seen.jobs.end() || !job->second.deleted ||
                    job->second.deleted_at > *op.answered)
                    report_.violated("I19", "{} was told that job {} is deleted; it is not", op.by,
                                     op.name);
                break;
            }
            case Op::Kind::run: {
                if (!seen.triggers_ever.contains(op.execution))
                    report_.violated("I19", "{} was told of the run {}; there is no such", op.by,
                                     core::to_text(op.execution));
                else if (!seen.executions.contains(op.execution))
                    report_.violated("I19", "the run {} that {} asked for was never decided",
                                     core::to_text(op.execution), op.by);
                if (op.idempotency_key.empty()) break;
                const auto [first, made] =
                    keyed.try_emplace({op.execution.uid, op.idempotency_key}, op.execution);
                if (!made && first->second != op.execution)
                    report_.violated("I22", "the key {} got {} and then {}", op.idempotency_key,
                                     core::to_text(first->second), core::to_text(op.execution));
                break;
            }
        }
    }
    // Who was told that there is no such job was told so while there was none.
    for (const Op& op : ops_) {
        if (op.acknowledged || !op.answered || op.error.kind != ErrorKind::not_found) continue;
        const auto at = exists_.find(op.name);
        bool absent = at == exists_.end();
        if (!absent) {
            bool there = false;
            for (const auto& [when, now] : at->second) {
                if (when > op.asked && !there) absent = true;
                if (when > *op.answered) break;
                there = now;
                if (when > op.asked && !there) absent = true;
            }
            absent = absent || !there;
        }
        if (!absent)
            report_.violated("I19", "{} was told that there is no job {}; there was", op.by, op.name);
    }
}

}  // namespace khronos::sim

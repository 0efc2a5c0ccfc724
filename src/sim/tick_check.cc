#include "sim/tick_check.h"

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "core/verify/coverage.h"

namespace khronos::sim {

using core::Execution;
using core::ExecutionState;
using core::Reason;

namespace {

// An end that was recorded this short a time ago need not be known to who decides: its answer may
// be lost, and the store out of reach after that.
constexpr Duration kEndKnownAfter = std::chrono::seconds(90);
constexpr Duration kLateAfter = std::chrono::seconds(2);
// What is due before the agent has noticed a step may count either way: it looks at its clock each
// second, unless it is frozen.
constexpr Duration kStepNoticed = std::chrono::seconds(25);
constexpr Duration kStep = std::chrono::seconds(60);

}  // namespace

std::vector<verify::Force> TickCheck::in_force(const JobSeen& job) {
    std::vector<const core::Job*> versions;
    for (const VersionSeen& version : job.versions) versions.push_back(&version.job);
    return verify::in_force(versions);
}

std::vector<WallTime> TickCheck::ticks(const core::Job& job, WallTime from, WallTime until) {
    auto found = ticks_.between(job, from, until);
    if (found) return *std::move(found);
    report_.violated("unknown", "job {}: {}", job.spec.name, found.error());
    return {};
}

// Whether the decider had to take the tick for a missed one: older than the threshold, or jumped
// over by its clock.
TickCheck::Missed TickCheck::missed(const Execution& decision, WallTime tick) const {
    if (tick < decision.decided_at - threshold_) return Missed::yes;
    const auto agent = fleet_.agents.find(decision.decided_by);
    if (agent == fleet_.agents.end() || agent->second.born.empty()) return Missed::either;
    const auto& steps = agent->second.clock->steps();
    // Backwards through the stretches between two steps, from the one of the decision.
    MonoTime end = world_.now();
    WallTime end_wall = world_.wall(*agent->second.clock);
    bool begun = false;
    bool back = false;  // a part of the step was taken back
    MonoTime decided;
    for (std::size_t i = steps.size() + 1; i-- > 0;) {
        const bool first = i == 0;
        const MonoTime start = first ? World::kStart : steps[i - 1].at;
        const WallTime start_wall = first ? end_wall - (end - start) : steps[i - 1].to;
        if (!begun && start_wall <= decision.decided_at && decision.decided_at <= end_wall) {
            begun = true;
            decided = start + (decision.decided_at - start_wall);
        }
        if (begun) {
            if (tick > start_wall + kStepNoticed) return Missed::no;
            const auto born = std::upper_bound(agent->second.born.begin(),
                                               agent->second.born.end(), decided);
            const MonoTime since = born == agent->second.born.begin() ? World::kStart : born[-1];
            if (first || since >= start) return Missed::no;
            const bool large = steps[i - 1].to - steps[i - 1].from > kStep;
            if (tick > start_wall) return large ? Missed::either : Missed::no;
            if (tick > steps[i - 1].from) {
                if (!large) return Missed::no;
                // Of several steps within one look an agent sees only what they come to.
                if (i >= 2 && start - steps[i - 2].at < kStepNoticed) back = true;
                return back ? Missed::either : Missed::yes;
            }
        }
        if (first) break;
        if (begun) back |= steps[i - 1].to < steps[i - 1].from;
        end = steps[i - 1].at;
        end_wall = steps[i - 1].from;
    }
    return Missed::either;
}

void TickCheck::check_cursor(const core::Cursor& before, const TxnSeen& txn) {
    const core::Cursor& after = txn.cursor;
    const auto broken = [&](const char* why) {
        report_.violated("I12", "the cursor of shard {} moved from {} to {}: {}",
                         txn.shard->value, to_rfc3339(before.t), to_rfc3339(after.t), why);
    };
    if (after.t < before.t) broken("back");
    if (before.pass_end.is_set()) {
        if (after.pass_end.is_set()) {
            if (after.pass_end != before.pass_end) broken("a pass that has begun changed its end");
            if (after.t != before.t) broken("in the middle of a pass");
            if (after.uid < before.uid ||
                (after.uid == before.uid && after.uid_t < before.uid_t))
                broken("a pass went back");
        } else if (after.t != before.pass_end) {
            broken("a pass ended elsewhere than where it was to end");
        }
    } else if (after.pass_end.is_set()) {
        if (after.t != before.t) broken("a pass that begins leaves it where it is");
        if (after.pass_end < before.t) broken("a pass goes back");
    }
}

void TickCheck::check(const Seen& seen, const TxnSeen& txn) {
    for (const Execution& record : txn.records)
        if (core::is_ended(record.state)) ended_[record.id] = txn.at;
    if (!txn.shard) return;
    const auto at = seen.cursors.find(*txn.shard);
    if (at == seen.cursors.end()) return;  // the shard's first owner begins here
    const core::Cursor& before = at->second;
    check_cursor(before, txn);

    std::map<JobUid, std::vector<const Execution*>> by_job;
    const std::set<core::ExecutionId> asked(txn.consumed.begin(), txn.consumed.end());
    std::set<JobUid> decided;
    for (const Execution& record : txn.records) {
        decided.insert(record.id.uid);
        // May be decided early where the shard is ahead of a clock that was set back, as long as
        // it does not start early.
        const bool runs = record.state == ExecutionState::waiting;
        const bool early = record.decided_at < record.scheduled_at && runs &&
                           record.not_before < record.scheduled_at;
        if (record.id.trigger.kind == core::TriggerKind::tick && early)
            report_.violated("I9", "{} was decided at {}, before its time",
                             core::to_text(record.id), to_rfc3339(record.decided_at));
        if (!asked.contains(record.id)) by_job[record.id.uid].push_back(&record);
    }
    if (const auto jobs = seen.by_shard.find(*txn.shard); jobs != seen.by_shard.end()) {
        for (const JobUid uid : jobs->second) {
            check_job(seen, seen.jobs.at(uid), before, txn, by_job[uid]);
            by_job.erase(uid);
        }
    }
    for (const auto& [uid, records] : by_job)
        report_.violated("I8", "{} was decided, but there never was such a job in the shard",
                         core::to_text(records.front()->id));
    for (const JobUid uid : decided) check_concurrency(seen, txn, uid);
}

std::vector<TickCheck::Due> TickCheck::wanted(const JobSeen& job, WallTime lower, WallTime upper,
                                              WallTime pass_end, const Execution* decision) {
    std::vector<Due> due;
    const core::Job& present = job.versions.back().job;
    for (const verify::Force& force : in_force(job)) {
        if (force.until <= lower || force.from >= pass_end) continue;
        if (force.job->spec.disabled) {
            // Recorded as a whole, when it is over.
            if (force.until > upper) continue;
            for (const WallTime t : ticks(*force.job, force.from, force.until))
                due.push_back({t, Want::disabled, false, true, {}, false});
            continue;
        }
        std::vector<Due> era;
        for (const WallTime t :
             ticks(*force.job, std::max(lower, force.from), std::min(pass_end, force.until))) {
            const Missed how = decision ? missed(*decision, t) : Missed::no;
            era.push_back({t, Want::run, how == Missed::yes, how != Missed::either, {}, false});
        }
        const bool unsure = std::any_of(era.begin(), era.end(), [](const Due& d) { return !d.sure; });
        std::size_t missed_count = 0;
        for (const Due& d : era) missed_count += d.missed ? 1 : 0;
        // Missed ones lie before the others.
        for (std::size_t i = 0; i < era.size(); ++i) {
            Due& d = era[i];
            if (unsure) {
                d.want = Want::any;
            } else if (d.missed) {
                switch (present.spec.misfire) {
                    case core::Misfire::unknown:
                    case core::Misfire::once:
                        d.want = i + 1 == missed_count ? Want::run : Want::coalesce;
                        d.into = era[missed_count - 1].at;
                        break;
                    case core::Misfire::skip:
                        d.want = Want::skip;
                        break;
                    case core::Misfire::all:
                        d.want = missed_count - i <= std::min(present.spec.misfire_limit,
                                                              limits::kMisfireLimitMax)
                                     ? Want::run
                                     : Want::limit;
                        break;
                }
            }
            if (d.at <= upper) due.push_back(d);
        }
    }
    return due;
}

void TickCheck::judge(std::vector<Due>& due, const Execution& record) {
    const std::string id = core::to_text(record.id);
    const verify::Tell tell = [this](std::string_view invariant, const std::string& text) {
        report_.violated(invariant, "{}", text);
    };
    verify::cover(due, record, tell, [&](const Due& d) {
        const bool skipped = record.state == ExecutionState::skipped;
        const bool run = record.state == ExecutionState::waiting ||
                         (skipped && (record.reason == Reason::concurrency ||
                                      record.reason == Reason::queue_full));
        bool right = true;
        switch (d.want) {
            case Want::any: break;
            case Want::run: right = run; break;
            case Want::coalesce:
                right = record.state == ExecutionState::coalesced &&
                        record.reason == Reason::misfire_once && record.coalesced_into == d.into;
                break;
            case Want::skip: right = skipped && record.reason == Reason::misfire_skip; break;
            case Want::limit: right = skipped && record.reason == Reason::misfire_limit; break;
            case Want::disabled: right = skipped && record.reason == Reason::disabled; break;
        }
        if (!right) {
            static constexpr const char* kWants[] = {"run",           "be coalesced", "be skipped",
                                                     "be over the limit", "be skipped as disabled", ""};
            report_.violated("I21", "the tick {} was to {}, but {} says: {} {}", to_rfc3339(d.at),
                             kWants[static_cast<std::size_t>(d.want)], id,
                             core::to_text(record.state), core::to_text(record.reason));
        } else if (d.want == Want::run && record.state == ExecutionState::waiting) {
            const Reason want = d.missed ? Reason::caught_up
                                : d.at < record.decided_at - kLateAfter ? Reason::late
                                                                        : Reason::none;
            if (record.reason != want)
                report_.violated("I21", "{} is recorded as '{}' and should be '{}'", id,
                                 core::to_text(record.reason), core::to_text(want));
        }
    });
}

void TickCheck::check_job(const Seen& seen, const JobSeen& job, const core::Cursor& before,
                          const TxnSeen& txn, const std::vector<const Execution*>& records) {
    (void)seen;
    const WallTime lower = before.decided_up_to(job.uid);
    const WallTime upper = txn.cursor.decided_up_to(job.uid);
    if (upper < lower)
        report_.violated("I12", "what is decided of job {} went back from {} to {}", job.name,
                         to_rfc3339(lower), to_rfc3339(upper));
    if (job.deleted) {
        for (const Execution* record : records)
            report_.violated("I15", "{} was decided after job {} was deleted",
                             core::to_text(record->id), job.name);
        return;
    }
    const WallTime pass_end = txn.cursor.pass_end.is_set() ? txn.cursor.pass_end : txn.cursor.t;
    std::vector<Due> due =
        wanted(job, lower, upper, pass_end, records.empty() ? nullptr : records.front());
    for (const Execution* record : records) judge(due, *record);
    for (const Due& d : due)
        if (!d.covered)
            report_.violated("I1", "the tick {} of job {} was passed over without a decision",
                             to_rfc3339(d.at), job.name);
}

// The limit of concurrent runs as it was kept by the decisions of one transaction.
void TickCheck::check_concurrency(const Seen& seen, const TxnSeen& txn, JobUid uid) {
    const std::uint32_t limit = seen.limit_of(uid);
    const core::Job* job = seen.present(uid);
    // Those wait for their place; whether they keep to the limit is seen when they start.
    if (job && core::takes_slot_when_claimed(job->spec.concurrency)) return;
    std::set<std::string> open;
    if (const auto at = seen.open_of.find(uid); at != seen.open_of.end())
        for (const core::ExecutionId& id : at->second) open.insert(core::to_text(id));
    const std::size_t certain = open.size();
    // Decided perhaps long before it could be written.
    Duration known_after = kEndKnownAfter;
    for (const Execution& record : txn.records)
        if (const auto agent = fleet_.agents.find(record.decided_by); agent != fleet_.agents.end())
            known_after = std::max(
                known_after,
                kEndKnownAfter + (world_.wall(*agent->second.clock) - record.decided_at));
    // Those whose end may not have been known.
    for (auto at = ended_.lower_bound(first_of(uid)); at != ended_.end() && at->first.uid == uid;) {
        if (txn.at - at->second > known_after) {
            ++at;
        } else {
            open.insert(core::to_text((at++)->first));
        }
    }
    std::size_t fired = 0;
    for (const Execution& record : txn.records) {
        if (record.id.uid != uid) continue;
        if (record.state == ExecutionState::waiting) {
            if (limit != 0 && certain + fired >= limit)
                report_.violated("I5", "{} was let run while {} of {} were open",
                                 core::to_text(record.id), certain + fired, limit);
            ++fired;
            open.insert(core::to_text(record.id));
        } else if (record.state == ExecutionState::skipped &&
                   record.reason == Reason::concurrency) {
            if (limit == 0 || open.size() < limit || !open.contains(record.blocked_by))
                report_.violated("I5", "{} was skipped because of {}, with {} open and a limit of {}",
                                 core::to_text(record.id), record.blocked_by, open.size(), limit);
        }
    }
}

std::vector<WallTime> TickCheck::undecided(const Seen& seen, const JobSeen& job, WallTime until) {
    const auto cursor = seen.cursors.find(shard_of(job.name));
    if (cursor == seen.cursors.end() || job.deleted) return {};
    const WallTime lower = cursor->second.decided_up_to(job.uid);
    std::vector<WallTime> found;
    for (const verify::Force& force : in_force(job)) {
        if (force.job->spec.disabled) continue;
        for (const WallTime t :
             ticks(*force.job, std::max(lower, force.from), std::min(until, force.until)))
            found.push_back(t);
    }
    return found;
}

}  // namespace khronos::sim

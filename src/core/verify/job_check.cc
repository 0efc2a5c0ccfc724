#include "core/verify/job_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "core/model/policy.h"
#include "core/verify/coverage.h"
#include "core/verify/record_rules.h"

namespace khronos::verify {

using core::Execution;
using core::ExecutionState;
using core::Reason;

namespace {

// Of one job in one look: a year of a job that runs every half a minute.
constexpr std::size_t kMostTicks = 1'000'000;
// A record that was over this long before a tick would have been erased with it, whoever's clock.
constexpr Duration kDecidedAndOver = std::chrono::seconds(2);
// Lost ticks; the rest is a number.
constexpr std::size_t kToldOfOneJob = 10;

struct Due {
    WallTime at;
    bool disabled = false;
    bool covered = false;
};

// A stretch in which an attempt ran, by the clocks of whoever saw it.
struct Run {
    WallTime from;
    WallTime until;
    const Execution* execution;
};

class Check {
  public:
    Check(const JobHistory& job, Ticks& ticks, const Clocks& clocks)
        : job_(job), ticks_(ticks), clocks_(clocks) {
        tell_ = [this](std::string_view invariant, std::string text) {
            verdict_.findings.push_back({std::string(invariant), std::move(text)});
        };
        for (const core::Job& version : job.versions) {
            versions_.push_back(&version);
            by_generation_[version.generation] = &version;
            keep_ = std::min<std::size_t>(keep_, std::max(version.spec.history_limit, 1u));
        }
    }

    JobVerdict run() {
        if (versions_.empty()) {
            for (const Execution& record : job_.records)
                tell_("I8", fmt::format("{} was decided, and no version of its job was ever saved",
                                        core::to_text(record.id)));
            return std::move(verdict_);
        }
        for (const Execution& record : job_.records)
            check_record(record);
        check_ticks();
        check_runs();
        return std::move(verdict_);
    }

  private:
    const core::Job* version_of(const Execution& record) const {
        const auto at = by_generation_.find(record.generation);
        return at == by_generation_.end() ? nullptr : at->second;
    }
    void unknown(std::string why) {
        if (verdict_.unknown.empty()) verdict_.unknown = std::move(why);
    }

    // ---- each by itself

    void check_record(const Execution& record) {
        const std::string id = core::to_text(record.id);
        check_shape(record, tell_);
        if (record.job_name != job_.name)
            tell_("I13", fmt::format("{} says that it is of the job {}", id, record.job_name));
        if (const core::Job* version = version_of(record))
            check_caps(record, *version, tell_);
        else if (record.generation.value > versions_.back()->generation.value)
            tell_("I8", fmt::format("{} was decided by version {}, which was never saved", id,
                                    record.generation.value));
        else
            unknown(fmt::format("version {} is not kept", record.generation.value));
        if (record.id.trigger.kind == core::TriggerKind::tick) check_times(record);
        check_attempts_apart(record);
    }

    void check_times(const Execution& record) {
        const std::string id = core::to_text(record.id);
        const bool beyond = record.scheduled_at > job_.decided && !asked_for(record);
        if (beyond && job_.deleted_at)
            tell_("I15", fmt::format("{} was decided after the job was deleted", id));
        else if (beyond)
            tell_("I12", fmt::format("{} is decided, and its shard only up to {}", id,
                                     to_rfc3339(job_.decided)));
        const WallTime earliest = record.scheduled_at - clocks_.skew - clocks_.early;
        if (record.started_at.is_set() && record.started_at < earliest)
            tell_("I9", fmt::format("{} started at {}, before its time", id,
                                    to_rfc3339(record.started_at)));
    }

    void check_attempts_apart(const Execution& record) {
        WallTime over;
        AttemptNo last;
        const auto begins = [&](WallTime at, AttemptNo attempt) {
            if (at.is_set() && over.is_set() && at + clocks_.skew < over)
                tell_("I4", fmt::format("attempt {} of {} started at {}, before attempt {} was "
                                        "over at {}",
                                        attempt.value, core::to_text(record.id), to_rfc3339(at),
                                        last.value, to_rfc3339(over)));
        };
        for (const core::AttemptRecord& attempt : record.attempts) {
            begins(attempt.started_at, attempt.attempt);
            over = attempt.started_at.is_set() ? attempt.finished_at : WallTime{};
            last = attempt.attempt;
        }
        begins(record.started_at, record.attempt);
    }

    // ---- ticks

    // `@at` whose time had come when it was saved: asked for by the save, not by a cursor.
    bool asked_for(const Execution& record) {
        if (record.range_from.is_set()) return false;
        return std::any_of(versions_.begin(), versions_.end(), [&](const core::Job* version) {
            return record.scheduled_at <= version->effective_from &&
                   ticks_.only_tick(*version) == record.scheduled_at;
        });
    }

    // The first tick that a record still tells of.
    std::optional<WallTime> first_kept() {
        std::optional<WallTime> first;
        for (const Execution& record : job_.records)
            if (decides_ticks(record))
                first = std::min(first.value_or(WallTime::max()), first_of(record));
        return first;
    }
    bool decides_ticks(const Execution& record) {
        return record.id.trigger.kind == core::TriggerKind::tick && record.id.index == 0 &&
               !asked_for(record);
    }

    bool derive(WallTime from, std::vector<Due>& due) {
        for (const Force& force : in_force(versions_)) {
            const WallTime begin = std::max(from, force.from);
            const WallTime end = std::min(job_.decided, force.until);
            if (end <= begin) continue;
            const bool disabled = force.job->spec.disabled;
            // A disabled stretch is recorded as a whole, when it is over.
            if (disabled && force.until > job_.decided) continue;
            auto found = ticks_.between(*force.job, begin, end, kMostTicks + 1 - due.size());
            if (!found) {
                unknown(found.error());
                return false;
            }
            for (const WallTime at : *found)
                due.push_back({at, disabled, false});
            if (due.size() > kMostTicks) {
                unknown("there are too many ticks to derive them all");
                return false;
            }
        }
        return true;
    }

    void check_ticks() {
        if (versions_.front()->generation != Generation(1)) unknown("older versions are not kept");
        for (std::size_t i = 1; i < versions_.size(); ++i)
            if (versions_[i]->generation != versions_[i - 1]->generation.next()) {
                unknown(
                    fmt::format("version {} is not kept", versions_[i - 1]->generation.value + 1));
                return;
            }
        const auto kept = first_kept();
        WallTime from = versions_.front()->effective_from;
        for (const core::Job* version : versions_)
            from = std::min(from, version->effective_from);
        // What lies before the first record may have been forgotten; it is not even counted.
        if (kept) from = std::max(from, WallTime{kept->us - 1});
        std::vector<Due> due;
        if (!derive(from, due)) return;
        verdict_.ticks = due.size();
        for (const Execution& record : job_.records) {
            if (record.scheduled_at > job_.decided || first_of(record) <= from) continue;
            if (decides_ticks(record)) cover_by(record, due);
        }
        // What was asked for may be a tick of a version before, too.
        for (const Execution& record : job_.records)
            for (Due& tick : at_time(due, record.scheduled_at))
                tick.covered |= record.id.trigger.kind == core::TriggerKind::tick;
        look_for_lost(due);
    }

    static std::span<Due> between(std::vector<Due>& due, WallTime first, WallTime last) {
        const auto by_time = [](const Due& a, const Due& b) { return a.at < b.at; };
        const auto begin = std::lower_bound(due.begin(), due.end(), Due{first}, by_time);
        const auto end = std::upper_bound(begin, due.end(), Due{last}, by_time);
        return {begin, end};
    }
    static std::span<Due> at_time(std::vector<Due>& due, WallTime at) {
        return between(due, at, at);
    }

    void cover_by(const Execution& record, std::vector<Due>& due) {
        const bool as_disabled =
            record.state == ExecutionState::skipped &&
            (record.reason == Reason::disabled || record.reason == Reason::paused);
        bool told = false;
        // Only what lies in its range, so that a long history stays cheap.
        const std::span<Due> span = between(due, first_of(record), record.scheduled_at);
        cover(span, record, tell_, [&](const Due& tick) {
            if (tick.disabled == as_disabled || std::exchange(told, true)) return;
            tell_("I21",
                  fmt::format("{} is {} ({}), and the job was {} at {}", core::to_text(record.id),
                              core::to_text(record.state), core::to_text(record.reason),
                              tick.disabled ? "disabled" : "not disabled", to_rfc3339(tick.at)));
        });
        if (record.state == ExecutionState::coalesced) check_heir(record);
    }

    // What a tick was coalesced into is a tick that ran, or was to.
    void check_heir(const Execution& record) {
        for (const Execution& other : job_.records) {
            if (other.id.trigger.kind != core::TriggerKind::tick ||
                other.scheduled_at != record.coalesced_into)
                continue;
            if (other.state == ExecutionState::coalesced ||
                (other.state == ExecutionState::skipped && other.reason != Reason::concurrency &&
                 other.reason != Reason::queue_full))
                tell_("I21", fmt::format("{} is coalesced into {}, which is {} itself",
                                         core::to_text(record.id), core::to_text(other.id),
                                         core::to_text(other.state)));
            return;
        }
    }

    void look_for_lost(const std::vector<Due>& due) {
        WallTime over = WallTime::max();  // when the first of those that are over was
        for (const Execution& record : job_.records) {
            if (core::is_open(record.state)) continue;
            over = std::min(over, std::max(record.decided_at, record.finished_at));
        }
        std::size_t told = 0, lost = 0;
        WallTime last_lost;
        for (const Due& tick : due) {
            if (tick.covered) continue;
            const auto after = std::partition_point(
                job_.records.begin(), job_.records.end(),
                [&](const Execution& record) { return record.id.trigger.at <= tick.at; });
            const auto newer = static_cast<std::size_t>(job_.records.end() - after);
            // A stretch that ended where the shard already was, its clock set back, has no record.
            if (tick.disabled || newer >= keep_ || over + kDecidedAndOver >= tick.at) {
                ++verdict_.ticks_unknown;
                continue;
            }
            ++lost;
            last_lost = tick.at;
            if (told == kToldOfOneJob) continue;
            ++told;
            tell_("I1", fmt::format("the tick {} of job {} has no decision", to_rfc3339(tick.at),
                                    job_.name));
        }
        if (lost > told)
            tell_("I1", fmt::format("{} further ticks of job {} have no decision, up to {}",
                                    lost - told, job_.name, to_rfc3339(last_lost)));
    }

    // ---- runs

    // The most that any version allowed at a time; 0: one of them had no limit.
    std::uint32_t limit() const {
        std::uint32_t most = 0;
        for (const core::Job* version : versions_) {
            const std::uint32_t limit =
                core::concurrency_limit(version->spec.concurrency, version->spec.max_concurrency);
            if (limit == 0) return 0;
            most = std::max(most, limit);
        }
        return most;
    }

    void check_runs() {
        const std::uint32_t most = limit();
        if (most == 0) return;
        std::vector<Run> runs;
        for (const Execution& record : job_.records) {
            const auto add = [&](WallTime from, WallTime until) {
                if (from.is_set()) runs.push_back({from, until, &record});
            };
            for (const core::AttemptRecord& attempt : record.attempts)
                add(attempt.started_at, attempt.finished_at);
            if (core::is_open(record.state))
                add(record.started_at, WallTime::max());
            else
                add(record.started_at, record.finished_at);
        }
        std::sort(runs.begin(), runs.end(),
                  [](const Run& a, const Run& b) { return a.from < b.from; });
        std::vector<const Run*> running;
        for (const Run& run : runs) {
            std::erase_if(
                running, [&](const Run* other) { return other->until <= run.from + clocks_.skew; });
            std::size_t others = 0;
            for (const Run* other : running)
                others += other->execution->id.trigger != run.execution->id.trigger;
            if (others >= most)
                tell_("I5",
                      fmt::format("{} started at {} while {} others of its job ran, such as "
                                  "{}; at most {} may",
                                  core::to_text(run.execution->id), to_rfc3339(run.from), others,
                                  core::to_text(running.front()->execution->id), most));
            running.push_back(&run);
        }
    }

    const JobHistory& job_;
    Ticks& ticks_;
    const Clocks& clocks_;
    Tell tell_;
    JobVerdict verdict_;
    std::vector<const core::Job*> versions_;
    std::map<Generation, const core::Job*> by_generation_;
    std::size_t keep_ = SIZE_MAX;
};

}  // namespace

JobVerdict check_job(const JobHistory& job, Ticks& ticks, const Clocks& clocks) {
    return Check(job, ticks, clocks).run();
}

}  // namespace khronos::verify

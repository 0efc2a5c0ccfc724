#include "core/schedule/versioning.h"

#include <algorithm>

#include "core/schedule/era.h"

namespace khronos::core {
namespace {

constexpr std::size_t kPastErasMax = 64;

// Where a version that decides otherwise than its predecessor begins: nothing that is decided is
// decided again.
WallTime boundary(WallTime wall, const Cursor& cursor) {
    WallTime t = std::max(wall, cursor.t);
    if (cursor.pass_end.is_set()) t = std::max(t, cursor.pass_end);
    return t;
}

bool same_ticks(const JobSpec& a, const JobSpec& b) {
    return a.schedule == b.schedule && a.timezone == b.timezone && a.disabled == b.disabled &&
           a.dst_gap == b.dst_gap && a.dst_overlap == b.dst_overlap &&
           a.starts_at == b.starts_at && a.expires_at == b.expires_at;
}

// An era without a tick that still needs a decision can be forgotten.
bool still_matters(const Era& era, WallTime decided) {
    return era.until > decided && era.next(era.disabled ? era.from : decided).has_value();
}

}  // namespace

Job first_version(JobSpec spec, JobUid uid, WallTime wall, const Cursor& cursor,
                  std::string saved_by) {
    Job job;
    job.uid = uid;
    job.generation = Generation(1);
    job.spec = std::move(spec);
    job.created_at = wall;
    job.updated_at = wall;
    job.updated_by = std::move(saved_by);
    job.anchor = wall.floor_second();
    job.effective_from = boundary(wall, cursor);
    return job;
}

std::expected<Job, Error> next_version(const Job& old, JobSpec spec, WallTime wall,
                                       const Cursor& cursor, std::string saved_by) {
    Job job = old;
    job.generation = old.generation.next();
    job.updated_at = wall;
    job.updated_by = std::move(saved_by);
    const WallTime decided = cursor.decided_up_to(old.uid);
    if (!same_ticks(old.spec, spec)) {
        // Never earlier than the version before, though the clock may have been set back since: its
        // past holds until then, and an `@at` that ran when it was saved does not come again.
        job.effective_from = std::max(boundary(wall, cursor), old.effective_from);
        PastEra era;
        era.generation = old.generation;
        era.from = old.effective_from;
        era.until = job.effective_from;
        era.schedule = old.spec.schedule;
        era.timezone = old.spec.timezone;
        era.dst_gap = old.spec.dst_gap;
        era.dst_overlap = old.spec.dst_overlap;
        era.anchor = old.anchor;
        era.starts_at = old.spec.starts_at;
        era.expires_at = old.spec.expires_at;
        era.disabled = old.spec.disabled;
        if (era.from < era.until) job.past.push_back(std::move(era));
        if (old.spec.schedule != spec.schedule) job.anchor = wall.floor_second();
    }
    std::erase_if(job.past, [&](const PastEra& past) {
        if (past.until <= decided) return true;
        Job only = old;
        only.past = {past};
        const std::vector<Era> eras = past_eras(only, decided);
        return eras.empty() || !still_matters(eras.front(), decided);
    });
    if (job.past.size() > kPastErasMax)
        return std::unexpected(Error{ErrorKind::busy, "schedule",
                                     "the schedule was changed too often in a moment; try again"});
    job.spec = std::move(spec);
    return job;
}

std::optional<TriggerKey> immediate_trigger(const Job& job, const Job* previous, WallTime wall,
                                            Duration misfire_threshold, std::uint64_t nonce) {
    if (job.spec.disabled) return std::nullopt;
    if (previous && previous->spec.schedule == job.spec.schedule) return std::nullopt;
    const auto schedule = compile(job.spec);
    if (!schedule) return std::nullopt;
    // The tick itself is the identity where there is one: it is decided once, whoever decides.
    const auto come = [&](WallTime at, Duration grace) -> std::optional<TriggerKey> {
        if (at > job.effective_from || wall - at > grace) return std::nullopt;
        // A tick of the version in force at its time, which decides it, or has.
        std::vector<Era> eras = past_eras(job, WallTime{});
        if (previous)
            if (const auto before = compile(previous->spec)) {
                eras.push_back(era_of(*previous, *before));
                eras.back().until = job.effective_from;
            }
        for (const Era& era : eras)
            if (era.next(WallTime{at.us - 1}) == at) return std::nullopt;
        return TriggerKey{TriggerKind::tick, at, 0};
    };
    switch (schedule->kind()) {
        case cron::Kind::oneway:
            return TriggerKey{TriggerKind::manual, wall, nonce};
        case cron::Kind::at:
            return come(WallTime::from_seconds(std::get<cron::At>(schedule->rule()).at_s),
                        misfire_threshold);
        case cron::Kind::after: {
            const auto& after = std::get<cron::After>(schedule->rule());
            return come(WallTime::from_seconds(after.at_s),
                        std::max(misfire_threshold, Duration(std::chrono::seconds(after.grace_s))));
        }
        case cron::Kind::cron:
        case cron::Kind::every:
        case cron::Kind::manual:
            return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace khronos::core

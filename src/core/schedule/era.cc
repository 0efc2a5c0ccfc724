#include "core/schedule/era.h"

#include <algorithm>

namespace khronos::core {
namespace {

cron::GapRule gap_rule(DstGap gap) {
    switch (gap) {
        case DstGap::by_rule: return cron::GapRule::automatic;
        case DstGap::run: return cron::GapRule::run;
        case DstGap::skip: return cron::GapRule::skip;
    }
    return cron::GapRule::automatic;  // a value of a newer build
}

cron::OverlapRule overlap_rule(DstOverlap overlap) {
    switch (overlap) {
        case DstOverlap::by_rule: return cron::OverlapRule::automatic;
        case DstOverlap::first: return cron::OverlapRule::first;
        case DstOverlap::second: return cron::OverlapRule::second;
        case DstOverlap::both: return cron::OverlapRule::both;
    }
    return cron::OverlapRule::automatic;
}

std::expected<cron::Schedule, cron::CronError> parse(std::string_view name,
                                                     std::string_view schedule,
                                                     std::string_view timezone, DstGap gap,
                                                     DstOverlap overlap) {
    cron::ParseOptions options;
    options.timezone = timezone;
    options.name_seed = stable_hash(name);
    options.dst = {gap_rule(gap), overlap_rule(overlap)};
    return cron::Schedule::parse(schedule, options);
}

}  // namespace

std::optional<WallTime> Era::next(WallTime after) const {
    WallTime lower = std::max(after, from);
    if (starts_at.is_set()) lower = std::max(lower, WallTime{starts_at.us - 1});
    const auto tick = schedule.next(lower, anchor);
    if (!tick || *tick > until) return std::nullopt;
    if (expires_at.is_set() && *tick >= expires_at) return std::nullopt;
    return tick;
}

std::optional<WallTime> Era::prev(WallTime before) const {
    WallTime upper = before;
    if (until != WallTime::max()) upper = std::min(upper, WallTime{until.us + 1});
    if (expires_at.is_set()) upper = std::min(upper, expires_at);
    const auto tick = schedule.prev(upper, anchor);
    if (!tick || *tick <= from) return std::nullopt;
    if (starts_at.is_set() && *tick < starts_at) return std::nullopt;
    return tick;
}

std::expected<cron::Schedule, Error> compile(const JobSpec& spec) {
    auto schedule =
        parse(spec.name, spec.schedule, spec.timezone, spec.dst_gap, spec.dst_overlap);
    if (!schedule) return std::unexpected(invalid("schedule", cron::to_string(schedule.error())));
    return *schedule;
}

Era era_of(const Job& job, const cron::Schedule& schedule) {
    return {job.generation,     job.effective_from, WallTime::max(),     schedule, job.anchor,
            job.spec.starts_at, job.spec.expires_at, job.spec.disabled};
}

std::vector<Era> past_eras(const Job& job, WallTime decided) {
    std::vector<Era> eras;
    for (const PastEra& past : job.past) {
        if (past.until <= decided) continue;
        auto schedule = parse(job.spec.name, past.schedule, past.timezone, past.dst_gap,
                              past.dst_overlap);
        if (!schedule) continue;
        eras.push_back({past.generation, past.from, past.until, *schedule, past.anchor,
                        past.starts_at, past.expires_at, past.disabled});
    }
    return eras;
}

}  // namespace khronos::core

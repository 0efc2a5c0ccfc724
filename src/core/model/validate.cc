#include "core/model/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/duration.h"
#include "base/limits.h"
#include "core/cron/schedule.h"
#include "core/model/job_name.h"
#include "core/schedule/era.h"
#include "core/zone/zone.h"

namespace khronos::core {
namespace {

using Problems = std::vector<Error>;

constexpr Duration kLongest = std::chrono::hours(24 * 366 * 10);
constexpr Duration kLeastGuard = std::chrono::seconds(10);
constexpr Duration kMostSpread = std::chrono::hours(24);
constexpr double kMostBackoff = 100;

void check_parent(const JobSpec& spec, Problems& problems) {
    if (spec.parent_job.empty()) return;
    if (spec.parent_job == spec.name)
        problems.push_back(invalid("parent_job", "the job can not have itself as parent"));
    else
        problems.push_back(invalid(
            "parent_job",
            "runs after a parent job are not supported yet; give the job a schedule of its own"));
}

// A schedule that could have run, but whose only time is over.
std::optional<WallTime> only_time_over(const cron::Schedule& schedule, WallTime now,
                                       Duration misfire_threshold) {
    if (const auto* at = std::get_if<cron::At>(&schedule.rule())) {
        const WallTime time = WallTime::from_seconds(at->at_s);
        if (time + misfire_threshold < now) return time;
    }
    if (const auto* after = std::get_if<cron::After>(&schedule.rule())) {
        const WallTime last = WallTime::from_seconds(after->at_s + after->grace_s);
        if (last < now) return last;
    }
    return std::nullopt;
}

void check_schedule(const JobSpec& spec, bool zone_is_known, WallTime now,
                    Duration misfire_threshold, Problems& problems) {
    JobSpec own = {};
    own.name = spec.name;
    own.schedule = spec.schedule;
    own.dst_gap = spec.dst_gap;
    own.dst_overlap = spec.dst_overlap;
    // An unknown zone is told by itself, and hides no fault of the schedule.
    if (zone_is_known) own.timezone = spec.timezone;
    const auto schedule = compile(own);
    if (!schedule)
        problems.push_back(
            invalid("schedule", "can't parse job schedule: " + schedule.error().message));
    else if (const auto over = only_time_over(*schedule, now, misfire_threshold))
        problems.push_back(invalid(
            "schedule", fmt::format("{} is in the past, so the job would never run; give a time "
                                    "to come, or @oneway for a run at once",
                                    to_rfc3339(*over))));
}

void check_concurrency(const JobSpec& spec, Problems& problems) {
    switch (spec.concurrency) {
        case Concurrency::allow:
        case Concurrency::forbid:
            return;
        case Concurrency::replace:
        case Concurrency::queue:
            return;
        case Concurrency::unknown:
            break;
    }
    problems.push_back(
        invalid("concurrency", "invalid concurrency policy value, use \"allow\" or \"forbid\""));
}

// `512MB`, `1.5 GiB`, `1048576`
bool is_memory_size(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number <= 0 || !std::isfinite(number)) return false;
    std::string unit;
    for (const char* at = end; at != text.data() + text.size(); ++at)
        if (*at != ' ') unit += static_cast<char>(*at >= 'a' && *at <= 'z' ? *at - 32 : *at);
    if (unit.empty() || unit == "B") return true;
    if (!std::string_view("KMGT").contains(unit[0])) return false;
    unit.erase(0, 1);
    return unit.empty() || unit == "B" || unit == "IB";
}

void check_executor(const JobSpec& spec, Problems& problems) {
    if (spec.executor != "shell") return;
    if (const auto timeout = spec.executor_config.find("timeout");
        timeout != spec.executor_config.end() && !timeout->second.empty()) {
        const auto duration = parse_duration(timeout->second);
        if (!duration)
            problems.push_back(invalid("executor_config.timeout", duration.error()));
        else if (duration->count() <= 0)
            problems.push_back(invalid("executor_config.timeout", "must be more than 0s"));
    }
    if (const auto memory = spec.executor_config.find("mem_limit");
        memory != spec.executor_config.end() && !memory->second.empty() &&
        !is_memory_size(memory->second))
        problems.push_back(
            invalid("executor_config.mem_limit",
                    fmt::format("'{}' is not an amount of memory such as 512MB", memory->second)));
}

void check_tags(const JobSpec& spec, Problems& problems) {
    for (const auto& [key, value] : spec.tags) {
        const std::string field = "tags." + key;
        if (key.empty()) problems.push_back(invalid("tags", "a tag has an empty name"));
        const std::size_t colon = value.rfind(':');
        if (colon == value.npos) continue;
        const std::string_view count = std::string_view(value).substr(colon + 1);
        std::uint32_t number = 0;
        const auto [end, error] =
            std::from_chars(count.data(), count.data() + count.size(), number);
        if (error != std::errc{} || end != count.data() + count.size() || number == 0)
            problems.push_back(invalid(
                field, fmt::format("'{}' must end in the number of workers to pick, such as "
                                   "'{}:1', or have no ':'",
                                   value, std::string_view(value).substr(0, colon))));
    }
}

void check_policies(const JobSpec& spec, Problems& problems) {
    const auto unknown = [&](std::string_view field) {
        problems.push_back(invalid(std::string(field),
                                   "the job was saved by a newer Khronos and this one does not "
                                   "know the value"));
    };
    if (spec.balance == Balance::unknown) unknown("balance");
    if (spec.on_failure == OnFailure::unknown) unknown("on_failure");
    if (spec.on_lost == OnLost::unknown) unknown("on_lost");
    if (spec.misfire == Misfire::unknown) unknown("misfire");
    if (spec.balance == Balance::broadcast)
        problems.push_back(invalid("balance",
                                   "'broadcast' is not supported yet, use random, round_robin or "
                                   "workload"));
}

void check_not_supported(const JobSpec& spec, Problems& problems) {
    const auto refuse = [&](std::string_view field, bool given) {
        if (!given) return;
        problems.push_back(invalid(std::string(field),
                                   fmt::format("'{}' is not supported yet; leave it out", field)));
    };
    refuse("calendar", !spec.calendar.empty());
    refuse("notify", !spec.notify_json.empty());
    refuse("expect", spec.expect.count() != 0);
}

void check_range(std::string_view field, std::uint64_t value, std::uint64_t least,
                 std::uint64_t most, Problems& problems) {
    if (value >= least && value <= most) return;
    problems.push_back(invalid(std::string(field),
                               fmt::format("is {}, must be from {} to {}", value, least, most)));
}

void check_range(std::string_view field, Duration value, Duration least, Duration most,
                 Problems& problems) {
    if (value >= least && value <= most) return;
    problems.push_back(invalid(std::string(field),
                               fmt::format("is {}, must be from {} to {}", format_duration(value),
                                           format_duration(least), format_duration(most))));
}

void check_numbers(const JobSpec& spec, Problems& problems) {
    check_range("retries", spec.retries, 0, limits::kRetriesMax, problems);
    check_range("lost_retries", spec.lost_retries, 0, limits::kRetriesMax, problems);
    check_range("misfire_limit", spec.misfire_limit, 1, limits::kMisfireLimitMax, problems);
    check_range("max_concurrency", spec.max_concurrency, 0, limits::kMaxConcurrencyMax, problems);
    check_range("queue_limit", spec.queue_limit, 1, limits::kMaxConcurrencyMax, problems);
    check_range("history_limit", spec.history_limit, 1, limits::kHistoryLimitMax, problems);
    check_range("retry_delay", spec.retry_delay, Duration(0), kLongest, problems);
    check_range("retry_max_delay", spec.retry_max_delay, Duration(0), kLongest, problems);
    check_range("timeout", spec.timeout, Duration(0), kLongest, problems);
    check_range("kill_grace", spec.kill_grace, Duration(0), kLongest, problems);
    check_range("guard", spec.guard, kLeastGuard, kLongest, problems);
    check_range("spread", spec.spread, Duration(0), kMostSpread, problems);
    check_range("start_deadline", spec.start_deadline, Duration(0), kLongest, problems);
    if (!(spec.retry_backoff >= 1 && spec.retry_backoff <= kMostBackoff))
        problems.push_back(invalid("retry_backoff", fmt::format("is {}, must be from 1 to {}",
                                                                spec.retry_backoff, kMostBackoff)));
    if (spec.starts_at.is_set() && spec.expires_at.is_set() && spec.expires_at <= spec.starts_at)
        problems.push_back(invalid(
            "expires_at", fmt::format("must be after starts_at, {}", to_rfc3339(spec.starts_at))));
}

std::size_t bytes_of(const StringMap& map) {
    std::size_t bytes = 0;
    for (const auto& [key, value] : map)
        bytes += key.size() + value.size() + 8;
    return bytes;
}

void check_size(const JobSpec& spec, Problems& problems) {
    std::size_t bytes = spec.name.size() + spec.display_name.size() + spec.description.size() +
                        spec.timezone.size() + spec.schedule.size() + spec.owner.size() +
                        spec.owner_email.size() + spec.parent_job.size() + spec.executor.size() +
                        spec.payload.size() + spec.application.size() + spec.run_as.size() +
                        spec.calendar.size() + spec.notify_json.size() + bytes_of(spec.tags) +
                        bytes_of(spec.metadata) + bytes_of(spec.executor_config);
    for (const auto& [name, settings] : spec.processors)
        bytes += name.size() + bytes_of(settings);
    if (bytes > limits::kJobDocumentBytes)
        problems.push_back(invalid("", fmt::format("the job has {} bytes, at most {} are allowed",
                                                   bytes, limits::kJobDocumentBytes)));
}

}  // namespace

std::vector<Error> validate(const JobSpec& spec, WallTime now, Duration misfire_threshold) {
    Problems problems;
    if (auto fault = fault_of_job_name(spec.name))
        problems.push_back(invalid("name", std::move(*fault)));
    check_parent(spec, problems);
    const auto zone = zone::Zone::find(spec.timezone);
    check_schedule(spec, zone.has_value(), now, misfire_threshold, problems);
    check_concurrency(spec, problems);
    if (!zone) problems.push_back(invalid("timezone", zone.error()));
    check_executor(spec, problems);
    check_tags(spec, problems);
    check_policies(spec, problems);
    check_not_supported(spec, problems);
    check_numbers(spec, problems);
    check_size(spec, problems);
    return problems;
}

}  // namespace khronos::core

#include "cli/job_timing.h"

#include <fmt/format.h>

#include "base/duration.h"
#include "cli/document.h"

namespace khronos::cli {
namespace json = boost::json;
namespace {

// Reads the fields one after the other; the first that is wrong is kept.
struct Fields {
    const json::value& document;
    std::string fault;

    std::string text(const char* key) const { return cell(document, key); }

    Duration duration(const char* key) {
        const std::string value = text(key);
        if (value.empty()) return Duration(0);
        const auto read = parse_duration(value);
        if (!read && fault.empty()) fault = fmt::format("{}: {}", key, read.error());
        return read.value_or(Duration(0));
    }
    WallTime time(const char* key) {
        std::string value = text(key);
        if (value.empty()) return {};
        if (value.size() == std::string_view("2006-01-02T15:04").size()) value += ":00Z";
        const auto read = parse_rfc3339(value);
        if (!read && fault.empty()) fault = fmt::format("{}: {}", key, read.error());
        return read.value_or(WallTime{});
    }
    std::uint32_t number(const char* key, std::uint32_t otherwise) {
        const auto* object = document.if_object();
        const auto* value = object ? object->if_contains(key) : nullptr;
        if (!value || value->is_null()) return otherwise;
        boost::system::error_code error;
        const auto number = value->to_number<std::uint32_t>(error);
        if (!error) return number;
        if (fault.empty()) fault = fmt::format("{}: not a whole number", key);
        return otherwise;
    }
    template <class Policy>
    Policy policy(const char* key, Policy otherwise) {
        const std::string value = text(key);
        if (value.empty()) return otherwise;
        const auto read = core::policy_from_text<Policy>(value);
        if (!read && fault.empty())
            fault = fmt::format("{}: '{}' is no such policy", key, printable(value));
        return read.value_or(otherwise);
    }
};

}  // namespace

std::expected<core::Job, std::string> scheduled_job(const json::value& document, WallTime now) {
    core::Job job;
    core::JobSpec& spec = job.spec;
    Fields fields{document, ""};
    spec.name = fields.text("name");
    spec.schedule = fields.text("schedule");
    spec.timezone = fields.text("timezone");
    spec.disabled = fields.text("disabled") == "true";
    spec.dst_gap = fields.policy("dst.gap", spec.dst_gap);
    spec.dst_overlap = fields.policy("dst.overlap", spec.dst_overlap);
    spec.concurrency = fields.policy("concurrency", spec.concurrency);
    spec.misfire = fields.policy("misfire", spec.misfire);
    spec.max_concurrency = fields.number("max_concurrency", spec.max_concurrency);
    spec.queue_limit = fields.number("queue_limit", spec.queue_limit);
    spec.misfire_limit = fields.number("misfire_limit", spec.misfire_limit);
    spec.starts_at = fields.time("starts_at");
    spec.expires_at = fields.time("expires_at");
    spec.spread = fields.duration("spread");
    spec.expect = fields.duration("expect");
    spec.timeout = fields.duration("timeout");
    if (!fields.fault.empty()) return std::unexpected(fields.fault);
    const auto schedule = core::compile(spec);
    if (!schedule) return std::unexpected("schedule: " + schedule.error().message);

    job.uid = JobUid(stable_hash(spec.name));
    job.created_at = now;
    job.anchor = now.floor_second();
    job.effective_from = now;
    const auto* every = std::get_if<cron::Every>(&schedule->rule());
    const WallTime next = fields.time("next");
    if (every && next.is_set()) job.anchor = next - std::chrono::seconds(every->period_s);
    return job;
}

std::expected<std::vector<WallTime>, std::string> ticks_of(const core::Job& job, WallTime from,
                                                           WallTime until, std::size_t most) {
    const auto schedule = core::compile(job.spec);
    if (!schedule) return std::unexpected("schedule: " + schedule.error().message);
    core::Era era = core::era_of(job, *schedule);
    era.from = WallTime{};
    std::vector<WallTime> ticks;
    if (job.spec.disabled) return ticks;
    for (auto tick = era.next(from); tick && *tick <= until && ticks.size() < most;
         tick = era.next(*tick))
        ticks.push_back(*tick);
    return ticks;
}

}  // namespace khronos::cli

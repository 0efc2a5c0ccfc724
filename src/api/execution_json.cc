#include "api/execution_json.h"

#include <boost/json/array.hpp>

#include "api/json_text.h"

namespace khronos::api {
namespace json = boost::json;
namespace {

json::value time_or_null(WallTime time) {
    if (!time.is_set()) return nullptr;
    return json::string(to_rfc3339(time));
}
json::value text_or_null(std::string_view text) {
    if (text.empty()) return nullptr;
    return json::string(valid_utf8(text));
}

std::string in_zone(WallTime time, const khronos::zone::Zone& zone) {
    return time.is_set() ? khronos::zone::to_rfc3339(time, zone) : to_rfc3339(time);
}

json::object attempt_json(const core::AttemptRecord& attempt) {
    return {
        {"attempt", attempt.attempt.value},
        {"token", attempt.token.value},
        {"worker", attempt.worker},
        {"node", attempt.node},
        {"started_at", time_or_null(attempt.started_at)},
        {"finished_at", time_or_null(attempt.finished_at)},
        {"outcome", core::to_text(attempt.outcome)},
        {"exit_code", attempt.exit_code},
        {"signal", attempt.signal},
        {"message", text_or_null(attempt.message)},
    };
}

}  // namespace

std::string_view to_text(core::TriggerKind kind) {
    switch (kind) {
        case core::TriggerKind::tick:
            return "tick";
        case core::TriggerKind::manual:
            return "manual";
        case core::TriggerKind::child:
            return "child";
        case core::TriggerKind::backfill:
            return "backfill";
        case core::TriggerKind::retry:
            return "retry";
    }
    return "unknown";
}

bool is_shown_as_run(const core::Execution& execution) {
    return core::is_ended(execution.state) || execution.state == core::ExecutionState::claimed ||
           execution.state == core::ExecutionState::retry_wait;
}

json::object to_json(const DkronExecution& shown) {
    const core::Execution& e = shown.execution;
    const WallTime started = e.started_at.is_set()      ? e.started_at
                             : e.dispatched_at.is_set() ? e.dispatched_at
                                                        : e.decided_at;
    json::object object;
    object.emplace("id", core::to_text(e.id));
    object.emplace("job_name", e.job_name);
    object.emplace("started_at", in_zone(started, shown.zone));
    object.emplace("finished_at",
                   in_zone(core::is_ended(e.state) ? e.finished_at : WallTime{}, shown.zone));
    object.emplace("success", e.state == core::ExecutionState::succeeded);
    if (!shown.output.empty()) object.emplace("output", valid_utf8(shown.output));
    object.emplace("node_name", e.node);
    object.emplace("group", core::group_of(e));
    object.emplace("attempt", e.attempt.value);
    if (shown.output_truncated) object.emplace("output_truncated", *shown.output_truncated);
    return object;
}

json::object to_json(const core::Execution& e) {
    json::object object;
    object.emplace("id", core::to_text(e.id));
    object.emplace("job", e.job_name);
    object.emplace("uid", to_hex(e.id.uid));
    object.emplace("generation", e.generation.value);
    object.emplace("trigger", to_text(e.id.trigger.kind));
    object.emplace("group", core::group_of(e));
    object.emplace("status", core::to_text(e.state));
    object.emplace("reason", text_or_null(core::to_text(e.reason)));
    object.emplace("blocked_by", text_or_null(e.blocked_by));
    object.emplace("scheduled_at", time_or_null(e.scheduled_at));
    object.emplace("decided_at", time_or_null(e.decided_at));
    object.emplace("decided_by", e.decided_by);
    if (e.range_from.is_set())
        object.emplace("range", json::object{{"from", to_rfc3339(e.range_from)},
                                             {"to", to_rfc3339(e.scheduled_at)},
                                             {"count", e.range_count},
                                             {"at_least", e.range_count_is_floor}});
    if (e.coalesced_into.is_set()) object.emplace("coalesced_into", to_rfc3339(e.coalesced_into));
    object.emplace("attempt", e.attempt.value);
    object.emplace("token", e.token.value);
    object.emplace("worker", text_or_null(e.worker));
    object.emplace("node", text_or_null(e.node));
    object.emplace("not_before", time_or_null(e.not_before));
    object.emplace("dispatched_at", time_or_null(e.dispatched_at));
    object.emplace("started_at", time_or_null(e.started_at));
    object.emplace("finished_at", time_or_null(e.finished_at));
    object.emplace("exit_code", e.exit_code);
    object.emplace("signal", e.signal);
    object.emplace("message", text_or_null(e.message));
    object.emplace("output_tail", valid_utf8(e.output_tail));
    object.emplace("output_bytes", e.output_bytes);
    object.emplace("failed_count", e.failed_count);
    object.emplace("lost_count", e.lost_count);
    if (!e.payload.empty()) {
        const auto payload = parse_json(e.payload);
        object.emplace("payload", payload ? *payload : json::value(json::string(e.payload)));
    }
    json::array attempts;
    for (const core::AttemptRecord& attempt : e.attempts)
        attempts.push_back(attempt_json(attempt));
    object.emplace("attempts", std::move(attempts));
    return object;
}

}  // namespace khronos::api

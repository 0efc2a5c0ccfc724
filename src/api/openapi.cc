#include "api/openapi.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "api/execution_json.h"

namespace khronos::api {
namespace {

namespace json = boost::json;

struct Words {
    std::string_view operation;
    std::string_view summary;
    std::string_view request;   // a schema's name; empty: no body
    std::string_view response;  // a schema's name, `[Name]` for a list; empty: any JSON
    int status = 200;
    std::string_view type = "application/json";
};

constexpr std::string_view kText = "text/plain";
constexpr std::string_view kHtml = "text/html";
constexpr std::string_view kEvents = "text/event-stream";

constexpr Words kWords[] = {
    {"frontPage", "The web page, or where it is", "", "", 200, kHtml},
    {"page", "The web page", "", "", 200, kHtml},
    {"pageFile", "A file of the web page", "", "", 200, kHtml},
    {"health", "Whether this agent is well, as Dkron says it", "", ""},
    {"livez", "Whether this process lives", "", "", 200, kText},
    {"readyz", "Whether this agent can do its work, and what ails it", "", ""},
    {"version", "Which program and which cluster this is", "", ""},
    {"openapi", "This document", "", ""},
    {"metrics", "Prometheus' text format", "", "", 200, kText},
    {"debugVars", "Variables as Dkron's monitors read them", "", ""},
    {"status", "This agent", "", ""},
    {"getMember", "The agents of the cluster", "", ""},
    {"getLeader", "The agent that clients which ask for a leader are shown", "", ""},
    {"isLeader", "200 where this agent is that one, else 404", "", ""},
    {"leave", "This agent hands its shards over and ends", "", ""},
    {"getBusy", "The executions that run now", "", ""},
    {"getPause", "Whether new and changed jobs are refused", "", ""},
    {"pause", "Refuse new and changed jobs", "", ""},
    {"unpause", "Take new and changed jobs again", "", ""},
    {"getStats", "Ended runs by day", "", ""},
    {"calendar", "By day: how runs ended, and how many ticks are to come", "", ""},
    {"getJobs", "The jobs: filtered, sorted, paged", "", "[Job]"},
    {"createOrUpdateJob", "Make a job, or replace it", "Job", "Job", 201},
    {"patchJob", "As POST: replaces the whole job", "Job", "Job", 201},
    {"putJob", "Make or replace the job of that name", "Job", "Job", 201},
    {"showJob", "One job", "", "Job"},
    {"deleteJob", "Delete a job that has no dependent ones", "", "Job"},
    {"runJobByName", "Run a job now", "", "Job"},
    {"runJob", "Run a job now; with ?wait=30s until it is over", "", ""},
    {"toggleJob", "Disable an enabled job, enable a disabled one", "", "Job"},
    {"listExecutionsByJob", "A job's runs, as Dkron shows them", "", ""},
    {"deleteExecutions", "Forget a job's ended runs and counters", "", "Job"},
    {"showExecution", "One run, as Dkron shows it", "", ""},
    {"listExecutions", "Executions and what was decided not to run, newest first", "", ""},
    {"getExecution", "One execution, whole", "", "Execution"},
    {"getExecutionOutput", "What it wrote; ?follow=1: as it writes it", "", "", 200, kText},
    {"cancelExecution", "End an execution that waits or runs", "", "Execution", 202},
    {"retryExecution", "Run it again, as a new execution", "", "", 202},
    {"nextRuns", "When a job is due next", "", ""},
    {"whyTick", "What became of a tick, and why", "", ""},
    {"previewSchedule", "What a schedule means: words, times, remarks", "", ""},
    {"simulate", "What the coming days will bring, on the scheduler's own engine", "", ""},
    {"restore", "Save the jobs of a backup", "", ""},
    {"events", "Every change, as server-sent events", "", "", 200, kEvents},
    {"listShards", "The 256 shards and who owns them", "", ""},
    {"listWorkers", "The workers of the cluster", "", ""},
    {"drainWorker", "Give a worker no more executions; ?undo=true: again", "", "", 202},
    {"listApplications", "The applications and their workers", "", ""},
    {"listTokens", "The tokens, without their secrets", "", ""},
    {"createToken", "Make a token; its text is in this answer only", "", "", 201},
    {"revokeToken", "Revoke a token, everywhere within 5 s", "", ""},
    {"session", "Who the caller is, and the page's CSRF token", "", ""},
    {"login", "Put a token into the page's cookie", "", ""},
    {"logout", "Take it out again", "", ""},
    {"audit", "Who changed what, newest first", "", ""},
};

const Words* words_of(std::string_view operation) {
    const auto* found = std::find_if(std::begin(kWords), std::end(kWords),
                                     [&](const Words& w) { return w.operation == operation; });
    return found == std::end(kWords) ? nullptr : found;
}

json::object reference(std::string_view schema) {
    if (schema.empty()) return {};
    if (schema.starts_with('['))
        return {{"type", "array"}, {"items", reference(schema.substr(1, schema.size() - 2))}};
    return {{"$ref", fmt::format("#/components/schemas/{}", schema)}};
}

// `/v1/jobs/:job` as `/v1/jobs/{job}`, and the names in it.
struct Path {
    std::string text;
    std::vector<std::string> names;
};
Path path_of(std::string_view pattern) {
    Path path;
    while (!pattern.empty()) {
        pattern.remove_prefix(1);
        const std::size_t end = std::min(pattern.find('/'), pattern.size());
        const std::string_view segment = pattern.substr(0, end);
        path.text += '/';
        if (segment.starts_with(':') || segment.starts_with('*')) {
            path.names.emplace_back(segment.substr(1));
            path.text += fmt::format("{{{}}}", path.names.back());
        } else {
            path.text += segment;
        }
        pattern.remove_prefix(end);
    }
    return path;
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

json::object operation_of(const Route& route, const Path& path) {
    static constexpr Words kNone{"", "", "", ""};
    const Words* found = words_of(route.operation_id);
    const Words& words = found ? *found : kNone;
    json::object operation{{"operationId", route.operation_id},
                           {"summary", words.summary},
                           {"x-khronos-role", to_string(route.permission)}};
    if (route.permission == Permission::open) operation.emplace("security", json::array());
    json::array parameters;
    for (const std::string& name : path.names)
        parameters.push_back(json::object{{"name", name},
                                          {"in", "path"},
                                          {"required", true},
                                          {"schema", json::object{{"type", "string"}}}});
    if (!parameters.empty()) operation.emplace("parameters", std::move(parameters));
    if (!words.request.empty())
        operation.emplace(
            "requestBody",
            json::object{
                {"required", true},
                {"content", json::object{{"application/json",
                                          json::object{{"schema", reference(words.request)}}}}}});
    json::object responses{
        {std::to_string(words.status),
         json::object{
             {"description", reason_phrase(words.status)},
             {"content",
              json::object{{words.type, json::object{{"schema", reference(words.response)}}}}}}},
        {"default",
         json::object{
             {"description", "Plain text on Dkron's routes, else a problem"},
             {"content", json::object{{"application/problem+json",
                                       json::object{{"schema", reference("Problem")}}}}}}}};
    operation.emplace("responses", std::move(responses));
    return operation;
}

std::string_view type_of(const json::value& value) {
    switch (value.kind()) {
        case json::kind::null:
            return "null";
        case json::kind::bool_:
            return "boolean";
        case json::kind::int64:
        case json::kind::uint64:
            return "integer";
        case json::kind::double_:
            return "number";
        case json::kind::string:
            return "string";
        case json::kind::array:
            return "array";
        case json::kind::object:
            return "object";
    }
    return "null";
}

json::object execution_schema() {
    core::Execution plain;
    core::Execution full;
    const WallTime at = WallTime::from_seconds(1'700'000'000);
    full.reason = core::Reason::concurrency;
    full.blocked_by = full.worker = full.node = full.message = "x";
    full.payload = "{}";
    for (WallTime core::Execution::* time :
         {&core::Execution::scheduled_at, &core::Execution::decided_at,
          &core::Execution::range_from, &core::Execution::coalesced_into,
          &core::Execution::not_before, &core::Execution::dispatched_at,
          &core::Execution::started_at, &core::Execution::finished_at})
        full.*time = at;
    json::object schema = schema_of(to_json(plain), to_json(full));
    schema["properties"].as_object()["payload"] = json::object();  // any JSON
    return schema;
}

}  // namespace

json::object schema_of(const json::object& plain, const json::object& full) {
    json::object properties;
    json::array required;
    for (const json::object* sample : {&full, &plain})
        for (const auto& [key, value] : *sample) {
            if (properties.contains(key)) continue;
            const auto* other = (sample == &full ? plain : full).if_contains(key);
            const std::string_view type = type_of(value);
            json::object property;
            if (!other || type_of(*other) == type)
                property.emplace("type", type);
            else
                property.emplace("type", json::array{type, type_of(*other)});
            properties.emplace(key, std::move(property));
            if (other) required.push_back(json::string(key));
        }
    return {{"type", "object"},
            {"properties", std::move(properties)},
            {"x-always-written", std::move(required)}};
}

std::vector<std::string> undescribed(const std::vector<Route>& routes) {
    std::vector<std::string> ids;
    for (const Route& route : routes)
        if (!words_of(route.operation_id)) ids.push_back(route.operation_id);
    return ids;
}

json::object openapi_document(const std::vector<Route>& routes, std::string_view version) {
    json::object paths;
    for (const Route& route : routes) {
        const Path path = path_of(route.pattern);
        if (!paths.contains(path.text)) paths.emplace(path.text, json::object());
        paths[path.text].as_object().emplace(lower(to_string(route.method)),
                                             operation_of(route, path));
    }
    const json::object string{{"type", "string"}};
    json::object problem{
        {"type", "object"},
        {"properties",
         json::object{
             {"type", string},
             {"title", string},
             {"status", json::object{{"type", "integer"}}},
             {"detail", string},
             {"errors",
              json::object{
                  {"type", "array"},
                  {"items", json::object{{"type", "object"},
                                         {"properties", json::object{{"field", string},
                                                                     {"message", string}}}}}}}}}};
    return {{"openapi", "3.1.0"},
            {"info", json::object{{"title", "Khronos"},
                                  {"version", version},
                                  {"description",
                                   "Dkron v4's REST API and more. x-khronos-role is "
                                   "the least role that may call an operation."}}},
            {"security", json::array{json::object{{"bearer", json::array()}}}},
            {"paths", std::move(paths)},
            {"components",
             json::object{
                 {"securitySchemes",
                  json::object{{"bearer", json::object{{"type", "http"}, {"scheme", "bearer"}}}}},
                 {"schemas", json::object{{"Job", job_schema()},
                                          {"Execution", execution_schema()},
                                          {"Problem", std::move(problem)}}}}}};
}

}  // namespace khronos::api

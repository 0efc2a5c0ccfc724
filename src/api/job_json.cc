#include "api/job_json.h"

#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <map>
#include <utility>

#include "api/http_types.h"
#include "api/json_text.h"
#include "api/openapi.h"
#include "base/duration.h"

namespace khronos::api {
namespace json = boost::json;
namespace {

using core::JobSpec;
using Problems = std::vector<Error>;

// ---- reading: each takes a value that is not null

void wrong_type(const std::string& path, std::string_view wanted, const json::value& got,
                Problems& problems) {
    problems.push_back(invalid(path, fmt::format("must be {}, not {}", wanted,
                                                 got.is_object()   ? "an object"
                                                 : got.is_array()  ? "a list"
                                                 : got.is_string() ? "a string"
                                                 : got.is_bool()   ? "a boolean"
                                                                   : "a number")));
}

struct Input {
    const json::value& value;
    const std::string& path;
    JobDocument& document;
    Problems& problems;
};

template <auto Member>
void read_string(const Input& in) {
    if (const auto* text = in.value.if_string())
        in.document.spec.*Member = std::string(*text);
    else
        wrong_type(in.path, "a string", in.value, in.problems);
}

template <auto Member>
void read_bool(const Input& in) {
    if (const bool* flag = in.value.if_bool())
        in.document.spec.*Member = *flag;
    else
        wrong_type(in.path, "true or false", in.value, in.problems);
}

template <class Number>
std::optional<Number> whole_number(const Input& in) {
    if (!in.value.is_number()) {
        wrong_type(in.path, "a whole number", in.value, in.problems);
        return std::nullopt;
    }
    boost::system::error_code error;
    const auto number = in.value.to_number<Number>(error);
    if (!error) return number;
    in.problems.push_back(invalid(in.path, fmt::format("must be a whole number from 0 to {}",
                                                       std::numeric_limits<Number>::max())));
    return std::nullopt;
}

template <auto Member>
void read_number(const Input& in) {
    if (const auto number = whole_number<std::uint32_t>(in)) in.document.spec.*Member = *number;
}

void read_backoff(const Input& in) {
    if (!in.value.is_number()) return wrong_type(in.path, "a number", in.value, in.problems);
    in.document.spec.retry_backoff = in.value.to_number<double>();
}

template <auto Member>
void read_duration(const Input& in) {
    const auto* text = in.value.if_string();
    if (!text)
        return wrong_type(in.path, "a duration in quotes such as \"30s\"", in.value, in.problems);
    if (const auto duration = parse_duration(*text))
        in.document.spec.*Member = *duration;
    else
        in.problems.push_back(invalid(in.path, duration.error()));
}

std::optional<WallTime> time_of(const Input& in) {
    const auto* text = in.value.if_string();
    if (!text) {
        wrong_type(in.path, "a time in quotes such as \"2026-01-31T08:30:00Z\"", in.value,
                   in.problems);
        return std::nullopt;
    }
    std::string full(*text);
    // Dkron's page sends what a browser's date field holds; UTC, as there.
    if (full.size() == std::string_view("2006-01-02T15:04").size()) full += ":00Z";
    if (const auto time = parse_rfc3339(full)) return *time;
    in.problems.push_back(invalid(in.path, parse_rfc3339(*text).error()));
    return std::nullopt;
}

template <auto Member>
void read_time(const Input& in) {
    if (const auto time = time_of(in)) in.document.spec.*Member = *time;
}

// Where `coerce`, numbers and booleans become their text: Ansible and Dkron's older documents send
// `"forward": true`.
core::StringMap read_map(const json::value& value, const std::string& path, bool coerce,
                         Problems& problems) {
    core::StringMap map;
    const auto* object = value.if_object();
    if (!object) {
        wrong_type(path, "an object with string values", value, problems);
        return map;
    }
    for (const auto& [key, member] : *object) {
        std::string& to = map[std::string(key)];
        if (const auto* text = member.if_string())
            to = std::string(*text);
        else if (coerce && (member.is_bool() || member.is_number()))
            to = write_json(member);
        else if (!member.is_null())
            wrong_type(json_path(path, key), "a string", member, problems);
    }
    return map;
}

template <auto Member, bool kCoerce>
void read_map(const Input& in) {
    in.document.spec.*Member = read_map(in.value, in.path, kCoerce, in.problems);
}

void read_processors(const Input& in) {
    const auto* object = in.value.if_object();
    if (!object)
        return wrong_type(in.path, "an object of processors with their settings", in.value,
                          in.problems);
    for (const auto& [name, settings] : *object) {
        core::StringMap& to = in.document.spec.processors[std::string(name)];
        if (!settings.is_null())
            to = read_map(settings, json_path(in.path, name), true, in.problems);
    }
}

// A word that is none becomes `unknown`, and core::validate says it in Dkron's words.
void read_concurrency(const Input& in) {
    const auto* text = in.value.if_string();
    if (!text) return wrong_type(in.path, "\"allow\" or \"forbid\"", in.value, in.problems);
    if (text->empty()) return;
    in.document.spec.concurrency =
        core::policy_from_text<core::Concurrency>(*text).value_or(core::Concurrency::unknown);
}

template <class Policy>
std::optional<Policy> policy_of(const json::value& value, const std::string& path,
                                std::string_view words, Problems& problems) {
    const auto* text = value.if_string();
    if (!text) {
        wrong_type(path, fmt::format("one of {}", words), value, problems);
        return std::nullopt;
    }
    if (text->empty()) return std::nullopt;
    const auto policy = core::policy_from_text<Policy>(*text);
    if (!policy)
        problems.push_back(invalid(
            path,
            fmt::format("'{}' is not one of {}", std::string_view(*text).substr(0, 40), words)));
    return policy;
}

constexpr std::string_view words_of(core::Balance) {
    return "random, round_robin, workload, broadcast";
}
constexpr std::string_view words_of(core::OnFailure) {
    return "failover, failtry, failfast";
}
constexpr std::string_view words_of(core::OnLost) {
    return "retry, fail, wait";
}
constexpr std::string_view words_of(core::Misfire) {
    return "once, skip, all";
}

template <auto Member>
void read_policy(const Input& in) {
    using Policy = std::remove_cvref_t<decltype(in.document.spec.*Member)>;
    if (const auto policy = policy_of<Policy>(in.value, in.path, words_of(Policy{}), in.problems))
        in.document.spec.*Member = *policy;
}

void read_dst(const Input& in) {
    const auto* object = in.value.if_object();
    if (!object)
        return wrong_type(in.path, "an object such as {\"gap\": \"run\", \"overlap\": \"first\"}",
                          in.value, in.problems);
    for (const auto& [key, member] : *object) {
        const std::string path = json_path(in.path, key);
        if (key != "gap" && key != "overlap") {
            const std::string_view near = nearest(key, {"gap", "overlap"});
            in.document.unknown.push_back({path, near.empty() ? "" : json_path(in.path, near)});
        } else if (member.is_null()) {
            continue;
        } else if (key == "gap") {
            in.document.spec.dst_gap =
                policy_of<core::DstGap>(member, path, "run, skip", in.problems)
                    .value_or(core::DstGap::by_rule);
        } else {
            in.document.spec.dst_overlap =
                policy_of<core::DstOverlap>(member, path, "first, second, both", in.problems)
                    .value_or(core::DstOverlap::by_rule);
        }
    }
}

template <auto Member>
void read_any(const Input& in) {
    in.document.spec.*Member = write_json(in.value);
}

core::JobStats& stats_of(const Input& in) {
    if (!in.document.stats) in.document.stats.emplace();
    return *in.document.stats;
}
template <auto Member>
void read_count(const Input& in) {
    if (const auto number = whole_number<std::uint64_t>(in)) stats_of(in).*Member = *number;
}
template <auto Member>
void read_last(const Input& in) {
    if (const auto time = time_of(in); time && time->is_set()) stats_of(in).*Member = *time;
}

void read_over(const Input&) {}

// ---- writing

json::value map_or_null(const core::StringMap& map) {
    if (map.empty()) return nullptr;
    json::object object;
    for (const auto& [key, value] : map)
        object.emplace(key, value);
    return object;
}
json::value time_or_null(WallTime time) {
    if (!time.is_set()) return nullptr;
    return json::string(to_rfc3339(time));
}

template <auto Member>
json::value write_string(const JobView& view) {
    return json::string(view.spec.*Member);
}
template <auto Member>
json::value write_plain(const JobView& view) {
    return view.spec.*Member;
}
template <auto Member>
json::value write_map(const JobView& view) {
    return map_or_null(view.spec.*Member);
}
template <auto Member>
json::value write_time(const JobView& view) {
    return time_or_null(view.spec.*Member);
}
template <auto Member>
json::value write_duration(const JobView& view) {
    return json::string(format_duration(view.spec.*Member));
}
template <auto Member>
json::value write_policy(const JobView& view) {
    return json::string(core::to_text(view.spec.*Member));
}
template <auto Member>
json::value write_any(const JobView& view) {
    boost::system::error_code error;
    const auto value = parse_json(view.spec.*Member);
    return value ? *value : json::value(nullptr);
}
template <auto Member>
json::value write_count(const JobView& view) {
    return view.stats.*Member;
}
template <auto Member>
json::value write_last(const JobView& view) {
    return time_or_null(view.stats.*Member);
}

json::value write_processors(const JobView& view) {
    json::object object;
    for (const auto& [name, settings] : view.spec.processors) {
        json::object& to = object[name].emplace_object();
        for (const auto& [key, value] : settings)
            to.emplace(key, value);
    }
    return object;
}
// Only a record of a newer build can hold another word; clients that know two are shown one of
// them, and `replace` and `queue` as they are, because a client that saves what it read must not
// change the job.
json::value write_dependents(const JobView& view) {
    if (view.dependents.empty()) return nullptr;
    json::array names;
    for (const std::string& name : view.dependents)
        names.push_back(json::string(name));
    return names;
}

json::value write_concurrency(const JobView& view) {
    const std::string_view word = core::to_text(view.spec.concurrency);
    return json::string(word.empty() ? "allow" : word);
}
json::value write_dst(const JobView& view) {
    json::object object;
    if (view.spec.dst_gap != core::DstGap::by_rule)
        object.emplace("gap", core::to_text(view.spec.dst_gap));
    if (view.spec.dst_overlap != core::DstOverlap::by_rule)
        object.emplace("overlap", core::to_text(view.spec.dst_overlap));
    return object;
}

// ---- the table

struct Row {
    std::string_view key;
    void (*read)(const Input&);
    json::value (*write)(const JobView&);
    // Of ours: whether it differs from the default, and so is written. Null: always.
    bool (*differs)(const JobSpec&) = nullptr;
};

const JobSpec& defaults() {
    static const JobSpec spec;
    return spec;
}
template <auto... Members>
bool differs(const JobSpec& spec) {
    return ((spec.*Members != defaults().*Members) || ...);
}

constexpr std::array kRows{
    // Dkron's, in its order.
    Row{"id", read_over, write_string<&JobSpec::name>},
    Row{"name", read_string<&JobSpec::name>, write_string<&JobSpec::name>},
    Row{"displayname", read_string<&JobSpec::display_name>, write_string<&JobSpec::display_name>},
    Row{"timezone", read_string<&JobSpec::timezone>, write_string<&JobSpec::timezone>},
    Row{"schedule", read_string<&JobSpec::schedule>, write_string<&JobSpec::schedule>},
    Row{"owner", read_string<&JobSpec::owner>, write_string<&JobSpec::owner>},
    Row{"owner_email", read_string<&JobSpec::owner_email>, write_string<&JobSpec::owner_email>},
    Row{"success_count", read_count<&core::JobStats::success_count>,
        write_count<&core::JobStats::success_count>},
    Row{"error_count", read_count<&core::JobStats::error_count>,
        write_count<&core::JobStats::error_count>},
    Row{"last_success", read_last<&core::JobStats::last_success>,
        write_last<&core::JobStats::last_success>},
    Row{"last_error", read_last<&core::JobStats::last_error>,
        write_last<&core::JobStats::last_error>},
    Row{"disabled", read_bool<&JobSpec::disabled>, write_plain<&JobSpec::disabled>},
    Row{"tags", read_map<&JobSpec::tags, false>, write_map<&JobSpec::tags>},
    Row{"metadata", read_map<&JobSpec::metadata, false>, write_map<&JobSpec::metadata>},
    Row{"retries", read_number<&JobSpec::retries>, write_plain<&JobSpec::retries>},
    Row{"dependent_jobs", read_over, write_dependents},
    Row{"parent_job", read_string<&JobSpec::parent_job>, write_string<&JobSpec::parent_job>},
    Row{"processors", read_processors, write_processors},
    Row{"concurrency", read_concurrency, write_concurrency},
    Row{"executor", read_string<&JobSpec::executor>, write_string<&JobSpec::executor>},
    Row{"executor_config", read_map<&JobSpec::executor_config, true>,
        write_map<&JobSpec::executor_config>},
    Row{"status", read_over,
        [](const JobView& view) -> json::value { return json::string(view.status); }},
    Row{"next", read_over,
        [](const JobView& view) -> json::value { return json::string(to_rfc3339(view.next)); }},
    Row{"ephemeral", read_bool<&JobSpec::ephemeral>, write_plain<&JobSpec::ephemeral>},
    Row{"starts_at", read_time<&JobSpec::starts_at>, write_time<&JobSpec::starts_at>},
    Row{"expires_at", read_time<&JobSpec::expires_at>, write_time<&JobSpec::expires_at>},
    // Ours.
    Row{"description", read_string<&JobSpec::description>, write_string<&JobSpec::description>,
        differs<&JobSpec::description>},
    Row{"application", read_string<&JobSpec::application>, write_string<&JobSpec::application>,
        differs<&JobSpec::application>},
    Row{"balance", read_policy<&JobSpec::balance>, write_policy<&JobSpec::balance>,
        differs<&JobSpec::balance>},
    Row{"on_failure", read_policy<&JobSpec::on_failure>, write_policy<&JobSpec::on_failure>,
        differs<&JobSpec::on_failure>},
    Row{"retry_delay", read_duration<&JobSpec::retry_delay>, write_duration<&JobSpec::retry_delay>,
        differs<&JobSpec::retry_delay>},
    Row{"retry_backoff", read_backoff, write_plain<&JobSpec::retry_backoff>,
        differs<&JobSpec::retry_backoff>},
    Row{"retry_max_delay", read_duration<&JobSpec::retry_max_delay>,
        write_duration<&JobSpec::retry_max_delay>, differs<&JobSpec::retry_max_delay>},
    Row{"timeout", read_duration<&JobSpec::timeout>, write_duration<&JobSpec::timeout>,
        differs<&JobSpec::timeout>},
    Row{"kill_grace", read_duration<&JobSpec::kill_grace>, write_duration<&JobSpec::kill_grace>,
        differs<&JobSpec::kill_grace>},
    Row{"guard", read_duration<&JobSpec::guard>, write_duration<&JobSpec::guard>,
        differs<&JobSpec::guard>},
    Row{"on_lost", read_policy<&JobSpec::on_lost>, write_policy<&JobSpec::on_lost>,
        differs<&JobSpec::on_lost>},
    Row{"lost_retries", read_number<&JobSpec::lost_retries>, write_plain<&JobSpec::lost_retries>,
        differs<&JobSpec::lost_retries>},
    Row{"misfire", read_policy<&JobSpec::misfire>, write_policy<&JobSpec::misfire>,
        differs<&JobSpec::misfire>},
    Row{"misfire_limit", read_number<&JobSpec::misfire_limit>, write_plain<&JobSpec::misfire_limit>,
        differs<&JobSpec::misfire_limit>},
    Row{"max_concurrency", read_number<&JobSpec::max_concurrency>,
        write_plain<&JobSpec::max_concurrency>, differs<&JobSpec::max_concurrency>},
    Row{"queue_limit", read_number<&JobSpec::queue_limit>, write_plain<&JobSpec::queue_limit>,
        differs<&JobSpec::queue_limit>},
    Row{"dst", read_dst, write_dst, differs<&JobSpec::dst_gap, &JobSpec::dst_overlap>},
    Row{"spread", read_duration<&JobSpec::spread>, write_duration<&JobSpec::spread>,
        differs<&JobSpec::spread>},
    Row{"payload", read_any<&JobSpec::payload>, write_any<&JobSpec::payload>,
        differs<&JobSpec::payload>},
    Row{"history_limit", read_number<&JobSpec::history_limit>, write_plain<&JobSpec::history_limit>,
        differs<&JobSpec::history_limit>},
    Row{"notify", read_any<&JobSpec::notify_json>, write_any<&JobSpec::notify_json>,
        differs<&JobSpec::notify_json>},
    Row{"run_as", read_string<&JobSpec::run_as>, write_string<&JobSpec::run_as>,
        differs<&JobSpec::run_as>},
    Row{"start_deadline", read_duration<&JobSpec::start_deadline>,
        write_duration<&JobSpec::start_deadline>, differs<&JobSpec::start_deadline>},
    Row{"linger", read_bool<&JobSpec::linger>, write_plain<&JobSpec::linger>,
        differs<&JobSpec::linger>},
    Row{"expect", read_duration<&JobSpec::expect>, write_duration<&JobSpec::expect>,
        differs<&JobSpec::expect>},
    Row{"calendar", read_string<&JobSpec::calendar>, write_string<&JobSpec::calendar>,
        differs<&JobSpec::calendar>},
};

const Row* row_of(std::string_view key) {
    for (const Row& row : kRows)
        if (row.key == key) return &row;
    for (const Row& row : kRows)
        if (equals_ignoring_case(row.key, key)) return &row;
    return nullptr;
}

std::string nearest_key(std::string_view key) {
    std::vector<std::string_view> keys;
    for (const Row& row : kRows)
        keys.push_back(row.key);
    return std::string(nearest(key, keys));
}

}  // namespace

std::string to_string(const UnknownKey& key) {
    if (key.nearest.empty()) return fmt::format("unknown key {}", key.path);
    return fmt::format("unknown key {}; did you mean {}?", key.path, key.nearest);
}

std::expected<JobDocument, std::vector<Error>> job_from_json(const json::value& value) {
    Problems problems;
    const auto* object = value.if_object();
    if (!object) {
        wrong_type("", "a job: a JSON object", value, problems);
        return std::unexpected(std::move(problems));
    }
    JobDocument document;
    std::map<const Row*, std::string_view> seen;
    for (const auto& [key, member] : *object) {
        const Row* row = row_of(key);
        const std::string path = json_path("", key);
        if (!row) {
            document.unknown.push_back({path, nearest_key(key)});
        } else if (const auto [first, is_new] = seen.emplace(row, key); !is_new) {
            problems.push_back(
                invalid(path, fmt::format("the key is given twice, also as {}", first->second)));
        } else if (!member.is_null()) {
            row->read({member, path, document, problems});
        }
    }
    if (!problems.empty()) return std::unexpected(std::move(problems));
    return document;
}

json::object to_json(const JobView& view) {
    json::object object;
    object.reserve(kRows.size());
    for (const Row& row : kRows)
        if (!row.differs || row.differs(view.spec)) object.emplace(row.key, row.write(view));
    return object;
}

json::object job_schema() {
    JobSpec spec;
    spec.name = "x";
    spec.tags = spec.metadata = spec.executor_config = {{"k", "v"}};
    spec.processors = {{"log", {{"forward", "true"}}}};
    spec.starts_at = spec.expires_at = WallTime::from_seconds(1'700'000'000);
    core::JobStats stats;
    stats.last_success = stats.last_error = spec.starts_at;
    const JobSpec plain;
    json::object without = to_json(JobView{plain, {}, "", {}});
    json::object with;
    const JobView full{spec, stats, "", {}, {"child"}};
    for (const Row& row : kRows)
        with.emplace(row.key, row.write(full));
    json::object schema = schema_of(without, with);
    for (const std::string_view key : {"payload", "notify"})
        schema["properties"].as_object()[key] = json::object();  // any JSON
    schema["properties"].as_object()["retry_backoff"] =
        json::object{{"type", json::array{"number", "integer"}}};
    return schema;
}

}  // namespace khronos::api

#include "api/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <span>

#include "api/job_json.h"
#include "api/json_text.h"
#include "store/keys.h"

namespace khronos::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kValueBytes = 2048;
constexpr std::size_t kEntryBytes = 32 * 1024;
constexpr std::string_view kNotShown = "(not shown)";

// What the server counts or computes is no change of a person's.
constexpr std::string_view kComputed[] = {"id",           "success_count", "error_count",
                                          "last_success", "last_error",    "status",
                                          "next",         "dependent_jobs"};
// Keys of executor_config that say what is run; the values of all others may hold a secret.
constexpr std::string_view kPlainConfig[] = {
    "command", "shell",   "cwd",        "timeout",    "mem_limit", "su",
    "method",  "url",     "expectCode", "debug",      "handler",   "brokerAddress",
    "topic",   "subject", "project",    "queue.name", "exchange"};

bool is_one_of(std::string_view text, std::span<const std::string_view> list) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

json::object shown(const core::JobSpec& spec) {
    json::object object = to_json(JobView{spec, {}, "", {}});
    for (const std::string_view key : kComputed)
        object.erase(key);
    if (auto* config = object.if_contains("executor_config"); config && config->is_object())
        for (auto& [key, value] : config->as_object())
            // A user name and password may stand in an address too.
            if (!is_one_of(key, kPlainConfig) ||
                (value.is_string() && std::string_view(value.as_string()).contains('@')))
                value = kNotShown;
    if (auto* payload = object.if_contains("payload"); payload && !payload->is_null())
        *payload = kNotShown;
    return object;
}

void shorten(json::value& value) {
    const std::string text = write_json(value);
    if (text.size() > kValueBytes) value = json::string(fmt::format("({} bytes)", text.size()));
}

// Where both are not shown, that one has changed must be.
bool differs_unseen(const core::JobSpec& a, const core::JobSpec& b, std::string_view key) {
    if (key == "executor_config") return a.executor_config != b.executor_config;
    if (key == "payload") return a.payload != b.payload;
    return false;
}

}  // namespace

JobDifference job_difference(const core::JobSpec* before, const core::JobSpec* after) {
    JobDifference difference;
    json::object old_fields = before ? shown(*before) : json::object();
    json::object new_fields = after ? shown(*after) : json::object();
    if (before && after) {
        json::object was;
        json::object is;
        for (const auto* fields : {&old_fields, &new_fields})
            for (const auto& [key, value] : *fields) {
                const auto* a = old_fields.if_contains(key);
                const auto* b = new_fields.if_contains(key);
                const bool same = a && b && *a == *b && !differs_unseen(*before, *after, key);
                if (same || was.contains(key)) continue;
                was.emplace(key, a ? *a : json::value(nullptr));
                is.emplace(key, b ? *b : json::value(nullptr));
            }
        old_fields = std::move(was);
        new_fields = std::move(is);
    }
    for (auto* fields : {&old_fields, &new_fields})
        for (auto& [key, value] : *fields)
            shorten(value);
    if (before) difference.before = std::move(old_fields);
    if (after) difference.after = std::move(new_fields);
    return difference;
}

store::Put audit_entry(Services& services, const Actor& actor, std::string_view action,
                       std::string_view object, const json::value& before,
                       const json::value& after) {
    const WallTime now = services.loop.wall_now();
    json::object entry{{"at", to_rfc3339(now)},    {"actor", valid_utf8(actor.name)},
                       {"address", actor.address}, {"agent", services.agent.node},
                       {"action", action},         {"object", valid_utf8(object)},
                       {"before", before},         {"after", after}};
    std::string text = write_json(entry);
    if (text.size() > kEntryBytes) {
        entry["before"] = nullptr;
        entry["after"] = json::string(fmt::format("({} bytes)", text.size()));
        text = write_json(entry);
    }
    return {store::keys::audit(now, services.entropy.next()), std::move(text), {}};
}

void write_audit(Services& services, const Actor& actor, std::string_view action,
                 std::string_view object) {
    store::Txn txn;
    txn.operations.push_back(audit_entry(services, actor, action, object));
    services.store.write(std::move(txn), [](const store::WriteOutcome&) {});
}

cluster::AuditNote job_audit(Services& services, Actor actor, std::string_view action) {
    return [&services, actor = std::move(actor), action](const core::Job* before,
                                                         const core::Job* after) {
        if (!action.empty())
            return audit_entry(services, actor, action, (after ? after : before)->spec.name);
        const auto [was, is] =
            job_difference(before ? &before->spec : nullptr, after ? &after->spec : nullptr);
        const std::string_view what = !before ? "job.create" : !after ? "job.delete" : "job.update";
        return audit_entry(services, actor, what, (after ? after : before)->spec.name, was, is);
    };
}

void trim_audit(Services& services) {
    const auto erase_before = [&services](std::string end) {
        store::Txn txn;
        txn.operations.push_back(
            store::EraseRange{std::string(store::keys::kAudit), std::move(end)});
        services.store.write(std::move(txn), [](const store::WriteOutcome&) {});
    };
    erase_before(store::keys::audit(services.loop.wall_now() - kAuditAge, 0));
    store::RangeRequest request;
    request.begin = store::keys::kAudit;
    request.end = store::prefix_end(request.begin);
    request.limit = kAuditEntries;
    request.keys_only = request.descending = true;
    services.store.range(std::move(request), [erase_before](auto result) {
        if (result && result->more && !result->kvs.empty()) erase_before(result->kvs.back().key);
    });
}

}  // namespace khronos::api

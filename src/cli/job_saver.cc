#include "cli/job_saver.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace khronos::cli {
namespace json = boost::json;
namespace {

HttpAsk put(const JobDocument& document, std::string_view query) {
    HttpAsk ask;
    ask.method = document.name.empty() ? "POST" : "PUT";
    ask.target = document.name.empty() ? "/v1/jobs" : "/v1/jobs/" + percent_encode(document.name);
    ask.target += query;
    // Whoever writes a file wants to hear of a key that means nothing.
    ask.headers.emplace_back("Prefer", "handling=strict");
    ask.body = document.body;
    return ask;
}

bool is_unchanged(const json::value& now, const json::value& wanted) {
    if (!now.is_object() || !wanted.is_object()) return false;
    json::object a = now.get_object();
    json::object b = wanted.get_object();
    for (json::object* object : {&a, &b})
        for (auto at = object->begin(); at != object->end();)
            at = is_kept_by_agent(at->key()) ? object->erase(at) : at + 1;
    return a == b;
}

}  // namespace

std::string_view to_text(Change change) {
    switch (change) {
        case Change::created:
            return "created";
        case Change::configured:
            return "configured";
        case Change::unchanged:
            return "unchanged";
    }
    return "";
}

bool is_kept_by_agent(std::string_view key) {
    constexpr std::string_view kKept[] = {"success_count", "error_count", "last_success",
                                          "last_error",    "status",      "next",
                                          "dependent_jobs"};
    return std::ranges::find(kKept, key) != std::end(kKept);
}

std::optional<JobChange> check_job(Talk& talk, const JobDocument& document, bool parent_comes) {
    JobDocument asked = document;
    if (auto value = parent_comes ? json_of(document.body) : std::nullopt;
        value && value->is_object()) {
        value->get_object().erase("parent_job");
        asked.body = json::serialize(*value);
    }
    auto checked = talk.ask_json(put(asked, "?dry_run"), document.place);
    if (!checked) return std::nullopt;
    if (parent_comes && checked->is_object()) checked->get_object()["parent_job"] = document.parent;
    const auto found = talk.ask({.target = "/v1/jobs/" + percent_encode(document.name)});
    if (!found) return std::nullopt;
    JobChange change;
    change.after = std::move(*checked);
    if (found->status == 404) return change;
    auto now = json_of(found->body);
    if (found->status != 200 || !now) {
        talk.error(*found, "job " + document.name);
        return std::nullopt;
    }
    change.change = is_unchanged(*now, change.after) ? Change::unchanged : Change::configured;
    change.before = std::move(*now);
    return change;
}

bool save_job(Talk& talk, const JobDocument& document, bool quiet) {
    const auto saved = talk.ask_ok(put(document, ""), document.place);
    if (!saved) return false;
    if (!quiet) talk.remarks(*saved);
    return true;
}

}  // namespace khronos::cli

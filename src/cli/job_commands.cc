// `khronos job list|get|delete|pause|resume|next`.
#include <fmt/format.h>

#include <ostream>

#include "cli/commands.h"
#include "cli/document.h"
#include "cli/talk.h"

namespace khronos::cli {
namespace json = boost::json;
namespace {

constexpr std::string_view kZeroTime = "0001-01-01T00:00:00Z";

std::string job_target(std::string_view name) {
    return "/v1/jobs/" + percent_encode(name);
}

std::string next_of(const json::value& job) {
    const std::string next = cell(job, "next");
    return next == kZeroTime ? "-" : next;
}

std::string status_of(const json::value& job) {
    const std::string status = cell(job, "status");
    return status.empty() ? "-" : status;
}

std::string paused_of(const json::value& job) {
    return cell(job, "disabled") == "true" ? "yes" : "no";
}

std::string list_target(const JobListArgs& args) {
    std::string target = fmt::format("/v1/jobs?_sort={}&_order={}", percent_encode(args.sort),
                                     args.descending ? "DESC" : "ASC");
    if (!args.contains.empty()) target += "&q=" + percent_encode(args.contains);
    if (!args.status.empty()) target += "&status=" + percent_encode(args.status);
    for (const std::string& label : args.labels) {
        const std::size_t equals = label.find('=');
        target += fmt::format("&metadata%5B{}%5D={}", percent_encode(label.substr(0, equals)),
                              percent_encode(label.substr(equals + 1)));
    }
    if (args.limit) target += fmt::format("&_start=0&_end={}", *args.limit);
    return target;
}

void print_jobs(Talk& talk, const json::array& jobs) {
    const bool wide = talk.options().format == Format::wide;
    std::vector<Table::Column> columns{{"NAME"},
                                       {"SCHEDULE"},
                                       {"PAUSED", false, false},
                                       {"STATUS", false, false},
                                       {"NEXT", false, false}};
    if (wide)
        for (const char* title : {"LAST SUCCESS", "LAST ERROR", "OK", "FAILED", "ZONE", "EXECUTOR"})
            columns.push_back({title});
    Table table(std::move(columns));
    for (const json::value& job : jobs) {
        std::vector<std::string> cells{cell(job, "name"), cell(job, "schedule"), paused_of(job),
                                       status_of(job), next_of(job)};
        if (wide)
            for (const char* key : {"last_success", "last_error", "success_count", "error_count",
                                    "timezone", "executor"})
                cells.push_back(cell(job, key));
        table.add(std::move(cells));
    }
    talk.print(table);
}

// Every field that says something, one a line.
void print_job(Talk& talk, const json::value& job) {
    std::ostream& out = talk.session().out;
    for (const auto& [key, value] : job.as_object()) {
        std::string text = key == "next" ? next_of(job) : cell(job, key);
        const bool says_nothing = text.empty() || text == "{}" || text == "[]" || key == "id";
        if (says_nothing) continue;
        if (const auto* object = value.if_object()) {
            out << fmt::format("{}:\n", std::string_view(key));
            for (const auto& [name, member] : *object)
                out << fmt::format("  {:<16} {}\n", printable(std::string(name) + ":"),
                                   printable(cell(member, "")));
        } else {
            out << fmt::format("{:<18} {}\n", std::string(key) + ":", printable(text));
        }
    }
}

}  // namespace

int job_list(const Options& options, const JobListArgs& args, Session& session) {
    Talk talk(options, session);
    for (const std::string& label : args.labels)
        if (label.find('=') == label.npos || label.starts_with('=')) {
            talk.error(fmt::format("'{}' is not KEY=VALUE", label));
            return kUsage;
        }
    const auto answer = talk.ask_ok({.target = list_target(args)}, "");
    if (!answer) return kFailed;
    const auto list = json_of(answer->body);
    if (!list || !list->is_array()) {
        talk.error("the agent did not answer with a list of jobs");
        return kFailed;
    }
    if (talk.print_document(*list)) return kDone;
    const json::array& jobs = list->get_array();
    if (options.format == Format::name) {
        for (const json::value& job : jobs)
            session.out << printable(cell(job, "name")) << '\n';
        return kDone;
    }
    print_jobs(talk, jobs);
    const std::string_view total = answer->header("X-Total-Count");
    if (!total.empty() && total != std::to_string(jobs.size()))
        talk.remark(fmt::format("{} of {} jobs", jobs.size(), total));
    return kDone;
}

int job_get(const Options& options, const std::string& name, Session& session) {
    Talk talk(options, session);
    const auto job = talk.ask_json({.target = job_target(name)}, "job " + name);
    if (!job || !job->is_object()) return kFailed;
    if (talk.print_document(*job)) return kDone;
    if (options.format == Format::name)
        session.out << printable(cell(*job, "name")) << '\n';
    else
        print_job(talk, *job);
    return kDone;
}

int job_delete(const Options& options, const std::vector<std::string>& names, Session& session) {
    Talk talk(options, session);
    const std::string which =
        names.size() == 1 ? fmt::format("job {}", names[0]) : fmt::format("{} jobs", names.size());
    if (!talk.confirmed(fmt::format("Delete {}?", which))) return kFailed;
    int code = kDone;
    for (const std::string& name : names) {
        if (!talk.ask_ok({.method = "DELETE", .target = job_target(name)}, "job " + name))
            code = kFailed;
        else if (!options.quiet)
            session.out << fmt::format("job {} deleted\n", printable(name));
    }
    return code;
}

int job_pause(const Options& options, const std::vector<std::string>& names, bool paused,
              Session& session) {
    Talk talk(options, session);
    int code = kDone;
    for (const std::string& name : names) {
        const std::string target =
            job_target(name) + (paused ? "/toggle?disabled=true" : "/toggle?disabled=false");
        const auto job = talk.ask_json({.method = "POST", .target = target}, "job " + name);
        if (!job) {
            code = kFailed;
        } else if (!options.quiet) {
            session.out << fmt::format("job {} {}", printable(name), paused ? "paused" : "resumed");
            if (const std::string next = next_of(*job); next != "-")
                session.out << ", runs next at " << next;
            session.out << '\n';
        }
    }
    return code;
}

int job_next(const Options& options, const JobNextArgs& args, Session& session) {
    Talk talk(options, session);
    std::string target = fmt::format("{}/next?n={}", job_target(args.name), args.count);
    if (!args.from.empty()) target += "&from=" + percent_encode(args.from);
    const auto answer = talk.ask_json({.target = target}, "job " + args.name);
    if (!answer || !answer->is_object()) return kFailed;
    if (talk.print_document(*answer)) return kDone;
    const json::value* times = answer->get_object().if_contains("times");
    const bool none = !times || !times->is_array() || times->get_array().empty();
    if (!none)
        for (const json::value& time : times->get_array())
            session.out << cell(time, "") << '\n';
    if (cell(*answer, "disabled") == "true")
        talk.remark("the job is paused: none of these will run");
    else if (none)
        talk.remark("the job does not run by itself any more");
    return kDone;
}

}  // namespace khronos::cli

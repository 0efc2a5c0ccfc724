// `khronos job run|history` and `khronos execution list|get|logs|cancel|retry`.
#include <fmt/format.h>

#include <ostream>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/commands.h"
#include "cli/document.h"
#include "cli/follow.h"
#include "cli/talk.h"

namespace khronos::cli {
namespace json = boost::json;
namespace {

std::string execution_target(std::string_view id) {
    return "/v1/executions/" + percent_encode(id);
}

// How long it ran, from the two times in the record; empty while it has not ended.
std::string duration_of(const json::value& execution) {
    const auto start = parse_rfc3339(cell(execution, "started_at"));
    const auto end = parse_rfc3339(cell(execution, "finished_at"));
    if (!start || !end) return "";
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(*end - *start);
    return fmt::format("{}.{:03}s", ms.count() / 1000, ms.count() % 1000);
}

std::string why_of(const json::value& execution) {
    for (const char* key : {"message", "reason"})
        if (std::string text = cell(execution, key); !text.empty()) return text;
    return "";
}

void print_executions(Talk& talk, const json::array& executions) {
    const bool wide = talk.options().format == Format::wide;
    std::vector<Table::Column> columns{
        {"SCHEDULED", false, false}, {"JOB"},  {"STATUS", false, false},
        {"TOOK", true, false},       {"NODE"}, {"WHY"},
        {"ID", false, false}};
    if (wide)
        for (const char* title : {"TRIGGER", "ATTEMPT", "EXIT", "STARTED", "FINISHED"})
            columns.push_back({title});
    Table table(std::move(columns));
    for (const json::value& e : executions) {
        std::vector<std::string> cells{
            cell(e, "scheduled_at"), cell(e, "job"), cell(e, "status"), duration_of(e),
            cell(e, "node"),         why_of(e),      cell(e, "id")};
        if (wide)
            for (const char* key : {"trigger", "attempt", "exit_code", "started_at", "finished_at"})
                cells.push_back(cell(e, key));
        table.add(std::move(cells));
    }
    talk.print(table);
}

}  // namespace

int job_run(const Options& options, const JobRunArgs& args, Session& session) {
    Talk talk(options, session);
    HttpAsk ask{.method = "POST", .target = "/v1/jobs/" + percent_encode(args.name) + "/run"};
    if (!args.payload.empty()) {
        const auto payload = json_of(args.payload);
        if (!payload) {
            talk.error("the payload is not valid JSON");
            return kUsage;
        }
        ask.body = json::serialize(json::object{{"payload", *payload}});
    }
    if (!args.idempotency_key.empty())
        ask.headers.emplace_back("Idempotency-Key", args.idempotency_key);
    const auto answer = talk.ask_ok(std::move(ask), "job " + args.name);
    if (!answer) return kFailed;
    const std::string id(answer->header("Khronos-Execution"));
    if (!args.wait) {
        if (options.format == Format::json || options.format == Format::yaml)
            talk.print_document(json::object{{"job", args.name}, {"execution", id}});
        else
            session.out << id << '\n';
        return kDone;
    }
    talk.remark("execution " + id);
    OutputPrinter output(talk, id);
    const Followed followed = follow(talk, id, args.timeout, &output);
    if (followed.execution && followed.code != kDone)
        talk.error(fmt::format("job {}: {}", args.name, end_in_words(*followed.execution)));
    return followed.code;
}

int execution_list(const Options& options, const ExecutionListArgs& args, Session& session) {
    Talk talk(options, session);
    std::string target = fmt::format("/v1/executions?limit={}", args.limit);
    if (!args.job.empty()) target += "&job=" + percent_encode(args.job);
    if (!args.status.empty()) target += "&status=" + percent_encode(args.status);
    if (!args.since.empty()) target += "&since=" + percent_encode(args.since);
    const auto answer = talk.ask_json({.target = target}, "");
    if (!answer) return kFailed;
    const auto* object = answer->if_object();
    const auto* list = object ? object->if_contains("executions") : nullptr;
    if (!list || !list->is_array()) {
        talk.error("the agent did not answer with executions");
        return kFailed;
    }
    if (talk.print_document(*list)) return kDone;
    if (options.format == Format::name) {
        for (const json::value& e : list->get_array())
            session.out << cell(e, "id") << '\n';
        return kDone;
    }
    print_executions(talk, list->get_array());
    if (!cell(*answer, "next_cursor").empty())
        talk.remark("there are more; ask for them with --limit");
    return kDone;
}

int execution_get(const Options& options, const std::string& id, Session& session) {
    Talk talk(options, session);
    const auto execution = talk.ask_json({.target = execution_target(id)}, "execution " + id);
    if (!execution || !execution->is_object()) return kFailed;
    if (talk.print_document(*execution)) return kDone;
    if (options.format == Format::name) {
        session.out << cell(*execution, "id") << '\n';
        return kDone;
    }
    for (const auto& [key, value] : execution->get_object()) {
        // The output is shown by `execution logs`; what is not there says nothing.
        if (key == "output_tail") continue;
        const std::string text = cell(value, "");
        if (text.empty() || text == "[]") continue;
        session.out << fmt::format("{:<15} {}\n", std::string(key) + ":", printable(text));
    }
    return kDone;
}

int execution_logs(const Options& options, const ExecutionLogsArgs& args, Session& session) {
    Talk talk(options, session);
    OutputPrinter output(talk, args.id);
    if (args.follow) return follow(talk, args.id, args.timeout, &output).code;
    if (!talk.ask_ok({.target = execution_target(args.id)}, "execution " + args.id)) return kFailed;
    return output.print_more() ? kDone : kFailed;
}

int execution_retry(const Options& options, const ExecutionRetryArgs& args, Session& session) {
    Talk talk(options, session);
    if (args.wait && args.ids.size() != 1) {
        talk.error("--wait is for one execution");
        return kUsage;
    }
    int code = kDone;
    for (const std::string& id : args.ids) {
        const auto answer = talk.ask_json(
            {.method = "POST", .target = execution_target(id) + "/retry"}, "execution " + id);
        const std::string again = answer ? cell(*answer, "id") : "";
        if (again.empty()) {
            code = kFailed;
        } else if (args.wait) {
            talk.remark("execution " + again);
            OutputPrinter output(talk, again);
            const Followed followed = follow(talk, again, args.timeout, &output);
            if (followed.execution && followed.code != kDone)
                talk.error(
                    fmt::format("execution {}: {}", again, end_in_words(*followed.execution)));
            return followed.code;
        } else {
            session.out << printable(again) << '\n';
        }
    }
    return code;
}

int execution_cancel(const Options& options, const std::vector<std::string>& ids,
                     Session& session) {
    Talk talk(options, session);
    int code = kDone;
    for (const std::string& id : ids) {
        if (!talk.ask_ok({.method = "POST", .target = execution_target(id) + "/cancel"},
                         "execution " + id))
            code = kFailed;
        else if (!options.quiet)
            session.out << fmt::format("execution {} is being cancelled\n", printable(id));
    }
    return code;
}

}  // namespace khronos::cli

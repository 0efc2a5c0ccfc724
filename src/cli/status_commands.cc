// `khronos why|status|version`.
#include <fmt/format.h>

#include <ostream>

#include <boost/json/object.hpp>

#include "cli/commands.h"
#include "cli/document.h"
#include "cli/talk.h"

namespace khronos::cli {
namespace json = boost::json;

int why(const Options& options, const std::string& what, Session& session) {
    Talk talk(options, session);
    const std::size_t at = what.find('@');
    const std::string job = what.substr(0, at);
    std::string target = "/v1/jobs/" + percent_encode(job) + "/why";
    if (at != what.npos) {
        const auto time = parse_rfc3339(what.substr(at + 1));
        if (job.empty() || !time) {
            talk.error(job.empty() ? "say JOB@TIME, such as backup@2026-01-31T08:30:00Z"
                                   : time.error());
            return kUsage;
        }
        target += "?at=" + percent_encode(to_rfc3339(*time));
    }
    const auto answer = talk.ask_json({.target = target}, "");
    if (!answer || !answer->is_object()) return kFailed;
    if (talk.print_document(*answer)) return kDone;
    if (options.format == Format::name) {
        session.out << cell(*answer, "decision") << '\n';
        return kDone;
    }
    const std::string time = cell(*answer, "at");
    if (time != "0001-01-01T00:00:00Z")
        session.out << fmt::format("{}@{}\n", printable(cell(*answer, "job")), time);
    session.out << printable(cell(*answer, "sentence")) << '\n';
    if (const std::string id = cell(*answer, "execution.id"); !id.empty())
        session.out << "execution " << id << '\n';
    return kDone;
}

int status(const Options& options, Session& session) {
    Talk talk(options, session);
    const auto about = talk.ask_json({.target = "/version"}, "");
    if (!about || !about->is_object()) return kFailed;
    const auto readiness = talk.ask({.target = "/readyz"});
    if (!readiness) return kFailed;
    const auto jobs = talk.ask_ok({.target = "/v1/jobs?_start=0&_end=0"}, "jobs");
    const auto busy = talk.ask_ok({.target = "/v1/busy"}, "running executions");
    const auto members = talk.ask_json({.target = "/v1/members"}, "agents");
    if (!jobs || !busy || !members) return kFailed;
    const bool ready = readiness->status == 200;
    const auto issues = json_of(readiness->body);
    json::array list;
    if (issues && issues->is_object())
        if (const auto* found = issues->get_object().if_contains("issues");
            found && found->is_array())
            list = found->get_array();

    json::object all = about->get_object();
    all.emplace("server", options.server);
    all.emplace("ready", ready);
    all.emplace("issues", list);
    all.emplace("jobs", jobs->header("X-Total-Count"));
    all.emplace("running", busy->header("X-Total-Count"));
    all.emplace("members", *members);
    const int code = ready ? kDone : kFailed;
    if (talk.print_document(all)) return code;
    if (options.format == Format::name) {
        session.out << cell(all, "node") << '\n';
        return code;
    }
    Table table({{"NODE"},
                 {"STATUS", false, false},
                 {"VERSION"},
                 {"STORE"},
                 {"JOBS", true, false},
                 {"RUNNING", true, false},
                 {"SINCE"},
                 {"SERVER"}});
    table.add({cell(all, "node"), ready ? "ready" : "not ready", cell(all, "version"),
               cell(all, "backend"), cell(all, "jobs"), cell(all, "running"),
               cell(all, "started_at"), options.server});
    talk.print(table);
    for (const json::value& issue : list)
        session.out << "issue: " << printable(cell(issue, "")) << '\n';
    return code;
}

int version(const Options& options, const std::string& own, bool ask_server, Session& session) {
    Talk talk(options, session);
    json::object all{{"client", own}};
    if (ask_server) {
        const auto about = talk.ask_json({.target = "/version"}, "");
        if (!about) return kFailed;
        all.emplace("server", *about);
    }
    if (talk.print_document(all)) return kDone;
    session.out << "khronos " << own << '\n';
    if (ask_server)
        session.out << fmt::format("agent {} {}\n", printable(cell(all, "server.node")),
                                   printable(cell(all, "server.version")));
    return kDone;
}

}  // namespace khronos::cli

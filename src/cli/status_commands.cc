// `khronos why|version`.
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

// `khronos worker-list|drain|token`.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "base/duration.h"
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/talk.h"

namespace khronos::cli {
namespace json = boost::json;
namespace {

constexpr Duration kBetweenLooks = std::chrono::seconds(1);

std::optional<json::array> ask_list(Talk& talk, const std::string& target,
                                    const std::string& what) {
    auto answer = talk.ask_json({.target = target}, what);
    if (!answer) return std::nullopt;
    if (!answer->is_array()) {
        talk.error(fmt::format("the agent did not answer with a list of {}", what));
        return std::nullopt;
    }
    return std::move(answer->get_array());
}

// `a,b` of a list of texts.
std::string joined(const json::value& worker, const char* key) {
    std::string text;
    const auto* object = worker.if_object();
    const auto* list = object ? object->if_contains(key) : nullptr;
    if (list && list->is_array())
        for (const json::value& element : list->get_array())
            text += (text.empty() ? "" : ",") + cell(element, "");
    return text;
}

std::string tags_of(const json::value& worker) {
    std::string text;
    const auto* object = worker.if_object();
    const auto* tags = object ? object->if_contains("tags") : nullptr;
    if (tags && tags->is_object())
        for (const auto& [key, value] : tags->get_object())
            text += fmt::format("{}{}={}", text.empty() ? "" : ",", std::string_view(key),
                                cell(value, ""));
    return text;
}

}  // namespace

int worker_list(const Options& options, Session& session) {
    Talk talk(options, session);
    const auto workers = ask_list(talk, "/v1/workers", "workers");
    if (!workers) return kFailed;
    if (talk.print_document(*workers)) return kDone;
    if (options.format == Format::name) {
        for (const json::value& worker : *workers)
            session.out << printable(cell(worker, "id")) << '\n';
        return kDone;
    }
    std::vector<Table::Column> columns{{"NODE"},
                                       {"STATE", false, false},
                                       {"USED", true, false},
                                       {"SLOTS", true, false},
                                       {"APPLICATIONS"},
                                       {"ID"}};
    const bool wide = options.format == Format::wide;
    if (wide)
        for (const char* title : {"TAGS", "VERSION", "LAST HEARTBEAT", "AGENTS"})
            columns.push_back({title});
    Table table(std::move(columns));
    for (const json::value& worker : *workers) {
        std::vector<std::string> cells{cell(worker, "node"),           cell(worker, "state"),
                                       cell(worker, "used"),           cell(worker, "slots"),
                                       joined(worker, "applications"), cell(worker, "id")};
        if (wide) {
            cells.push_back(tags_of(worker));
            cells.push_back(cell(worker, "version"));
            cells.push_back(cell(worker, "last_heartbeat"));
            cells.push_back(joined(worker, "agents"));
        }
        table.add(std::move(cells));
    }
    talk.print(table);
    return kDone;
}

namespace {

class Drain {
  public:
    Drain(const Options& options, const DrainArgs& args, Session& session)
        : talk_(options, session), args_(args) {}

    int run() {
        if (args_.agent) return leave();
        if (args_.workers.empty()) {
            talk_.error(
                "which worker? say an id or a node that `khronos worker-list` shows, or --agent "
                "for the agent itself");
            return kUsage;
        }
        if (!find() || !ask()) return kFailed;
        return args_.wait && !args_.undo ? wait() : kDone;
    }

  private:
    int leave() {
        if (!args_.workers.empty() || args_.undo) {
            talk_.error("--agent stands alone");
            return kUsage;
        }
        if (!talk_.confirmed(fmt::format("Shall the agent at {} hand its shards over and end?",
                                         talk_.options().server)))
            return kFailed;
        if (!talk_.ask_ok({.method = "POST", .target = "/v1/leave"}, "agent")) return kFailed;
        if (!talk_.options().quiet) talk_.session().out << "the agent hands over and ends\n";
        return kDone;
    }

    // By id, else all of that node.
    bool find() {
        const auto workers = ask_list(talk_, "/v1/workers", "workers");
        if (!workers) return false;
        for (const std::string& wanted : args_.workers) {
            const std::size_t before = ids_.size();
            for (const char* key : {"id", "node"}) {
                for (const json::value& worker : *workers)
                    if (cell(worker, key) == wanted) ids_.push_back(cell(worker, "id"));
                if (ids_.size() > before) break;
            }
            if (ids_.size() == before) {
                talk_.error(fmt::format("there is no worker {}", wanted));
                return false;
            }
        }
        return true;
    }

    bool ask() {
        bool good = true;
        for (const std::string& id : ids_) {
            const std::string target = fmt::format("/v1/workers/{}/drain{}", percent_encode(id),
                                                   args_.undo ? "?undo=true" : "");
            if (!talk_.ask_ok({.method = "POST", .target = target}, "worker " + id))
                good = false;
            else if (!talk_.options().quiet)
                talk_.session().out << printable(fmt::format("worker {} {}", id,
                                                             args_.undo ? "takes new runs again"
                                                                        : "takes no new runs"))
                                    << '\n';
        }
        return good;
    }

    int wait() {
        const MonoTime start = talk_.session().now();
        const MonoTime deadline =
            args_.timeout.count() > 0 ? start + args_.timeout : MonoTime::max();
        for (;;) {
            const auto workers = ask_list(talk_, "/v1/workers", "workers");
            if (!workers) return kFailed;
            std::string busy;
            for (const json::value& worker : *workers)
                if (std::ranges::find(ids_, cell(worker, "id")) != ids_.end() &&
                    cell(worker, "used") != "0")
                    busy = cell(worker, "id");
            if (busy.empty()) return kDone;
            if (talk_.session().now() >= deadline) {
                talk_.error(fmt::format("worker {} still has runs after {}", busy,
                                        format_duration(args_.timeout)));
                return kTimedOut;
            }
            talk_.session().pause(std::min(kBetweenLooks, deadline - talk_.session().now()));
        }
    }

    Talk talk_;
    const DrainArgs& args_;
    std::vector<std::string> ids_;
};

}  // namespace

int drain(const Options& options, const DrainArgs& args, Session& session) {
    return Drain(options, args, session).run();
}

// ---- tokens

int token_create(const Options& options, const TokenCreateArgs& args, Session& session) {
    Talk talk(options, session);
    json::object wish{{"name", args.name}, {"role", args.role}};
    if (!args.owner.empty()) wish.emplace("owner", args.owner);
    if (!args.expires.empty())
        wish.emplace(parse_duration(args.expires) ? "expires_in" : "expires_at", args.expires);
    const auto made = talk.ask_json(
        {.method = "POST", .target = "/v1/tokens", .body = json::serialize(wish)}, "token");
    if (!made) return kFailed;
    if (talk.print_document(*made)) return kDone;
    if (options.format == Format::name) {
        session.out << printable(cell(*made, "id")) << '\n';
        return kDone;
    }
    session.out << printable(cell(*made, "token")) << '\n';
    const std::string expires = cell(*made, "expires_at");
    talk.remark(
        fmt::format("token {} of role {}, {}; it is shown this once: keep it in a file "
                    "for --token-file",
                    cell(*made, "id"), cell(*made, "role"),
                    expires.empty() ? "without an end" : "until " + expires));
    return kDone;
}

int token_list(const Options& options, Session& session) {
    Talk talk(options, session);
    const auto tokens = ask_list(talk, "/v1/tokens", "tokens");
    if (!tokens) return kFailed;
    if (talk.print_document(*tokens)) return kDone;
    if (options.format == Format::name) {
        for (const json::value& token : *tokens)
            session.out << printable(cell(token, "id")) << '\n';
        return kDone;
    }
    Table table({{"ID", false, false},
                 {"NAME"},
                 {"ROLE", false, false},
                 {"EXPIRES", false, false},
                 {"CREATED", false, false},
                 {"BY"},
                 {"OWNER"}});
    for (const json::value& token : *tokens) {
        const std::string expires = cell(token, "expires_at");
        table.add({cell(token, "id"), cell(token, "name"), cell(token, "role"),
                   expires.empty() ? "never" : expires, cell(token, "created_at"),
                   cell(token, "created_by"), cell(token, "owner")});
    }
    talk.print(table);
    return kDone;
}

int token_revoke(const Options& options, const std::vector<std::string>& ids, Session& session) {
    Talk talk(options, session);
    const std::string which =
        ids.size() == 1 ? "token " + ids[0] : fmt::format("{} tokens", ids.size());
    if (!talk.confirmed(fmt::format("Revoke {}?", which))) return kFailed;
    int code = kDone;
    for (const std::string& id : ids) {
        if (!talk.ask_ok({.method = "DELETE", .target = "/v1/tokens/" + percent_encode(id)},
                         "token " + id))
            code = kFailed;
        else if (!options.quiet)
            session.out << fmt::format("token {} revoked\n", printable(id));
    }
    return code;
}

}  // namespace khronos::cli

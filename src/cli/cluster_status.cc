// `khronos status`: the agent that answers, the others, their shards, the workers.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <ostream>

#include "cli/commands.h"
#include "cli/document.h"
#include "cli/talk.h"

namespace khronos::cli {
namespace json = boost::json;
namespace {

class Status {
  public:
    Status(const Options& options, Session& session) : talk_(options, session) {}

    int run() {
        if (!ask()) return kFailed;
        const int code = ready_ ? kDone : kFailed;
        if (talk_.print_document(all_)) return code;
        if (talk_.options().format == Format::name)
            talk_.session().out << printable(cell(all_, "node")) << '\n';
        else
            print();
        return code;
    }

  private:
    bool ask() {
        const auto about = talk_.ask_json({.target = "/version"}, "");
        if (!about || !about->is_object()) return false;
        const auto readiness = talk_.ask({.target = "/readyz"});
        if (!readiness) return false;
        const auto jobs = talk_.ask_ok({.target = "/v1/jobs?_start=0&_end=0"}, "jobs");
        const auto busy = talk_.ask_ok({.target = "/v1/busy"}, "running executions");
        const auto members = talk_.ask_json({.target = "/v1/members"}, "agents");
        if (!jobs || !busy || !members) return false;
        ready_ = readiness->status == 200;
        if (const auto found = json_of(readiness->body); found && found->is_object())
            if (const auto* list = found->get_object().if_contains("issues");
                list && list->is_array())
                issues_ = list->get_array();
        workers_ = optional_list("/v1/workers");
        for (const json::value& shard : optional_list("/v1/shards"))
            ++shards_[cell(shard, "node")];
        if (members->is_array())
            for (const json::value& member : members->get_array()) {
                const std::string node = cell(member, "Name");
                agents_.push_back(json::object{
                    {"node", node},
                    {"address", fmt::format("{}:{}", cell(member, "Addr"), cell(member, "Port"))},
                    {"status", cell(member, "statusText")},
                    {"shards", shards_.contains(node) ? shards_[node] : 0}});
            }
        all_ = about->get_object();
        all_.emplace("server", talk_.options().server);
        all_.emplace("ready", ready_);
        all_.emplace("issues", issues_);
        all_.emplace("jobs", counted(*jobs));
        all_.emplace("running", counted(*busy));
        all_.emplace("agents", agents_);
        all_.emplace("shards_without_owner", shards_.contains("") ? shards_[""] : 0);
        all_.emplace("workers", workers_);
        return true;
    }

    static json::value counted(const HttpAnswer& answer) {
        const auto count = json_of(answer.header("X-Total-Count"));
        return count && count->is_int64() ? *count : json::value(nullptr);
    }

    // Of an agent that does not know the route, or of a role that may not see it: none.
    json::array optional_list(const std::string& target) {
        const auto answer = talk_.ask({.target = target});
        if (!answer || answer->status != 200) return {};
        const auto value = json_of(answer->body);
        return value && value->is_array() ? value->get_array() : json::array();
    }

    void print() {
        std::ostream& out = talk_.session().out;
        Table agent({{"NODE"},
                     {"STATUS", false, false},
                     {"VERSION"},
                     {"STORE"},
                     {"JOBS", true, false},
                     {"RUNNING", true, false},
                     {"SINCE"},
                     {"SERVER"}});
        agent.add({cell(all_, "node"), ready_ ? "ready" : "not ready", cell(all_, "version"),
                   cell(all_, "backend"), cell(all_, "jobs"), cell(all_, "running"),
                   cell(all_, "started_at"), talk_.options().server});
        talk_.print(agent);
        for (const json::value& issue : issues_)
            out << "issue: " << printable(cell(issue, "")) << '\n';
        if (agents_.size() > 1 || talk_.options().format == Format::wide) {
            out << '\n';
            Table table(
                {{"AGENT"}, {"ADDRESS"}, {"STATUS", false, false}, {"SHARDS", true, false}});
            for (const json::value& one : agents_)
                table.add({cell(one, "node"), cell(one, "address"), cell(one, "status"),
                           cell(one, "shards")});
            talk_.print(table);
        }
        if (shards_.contains(""))
            out << fmt::format("issue: {} shards have no owner\n", shards_[""]);
        print_workers(out);
    }

    void print_workers(std::ostream& out) {
        if (workers_.empty()) return;
        std::map<std::string, std::size_t> states;
        std::uint64_t slots = 0, used = 0;
        for (const json::value& worker : workers_) {
            ++states[cell(worker, "state")];
            slots += number(worker, "slots");
            used += number(worker, "used");
        }
        std::string text;
        for (const auto& [state, count] : states)
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, state);
        out << printable(fmt::format("workers: {}; {} of {} slots used", text, used, slots))
            << '\n';
    }

    static std::uint64_t number(const json::value& value, const char* key) {
        const auto* object = value.if_object();
        const auto* found = object ? object->if_contains(key) : nullptr;
        boost::system::error_code error;
        const auto read = found ? found->to_number<std::uint64_t>(error) : 0;
        return error ? 0 : read;
    }

    Talk talk_;
    bool ready_ = false;
    json::array issues_, agents_, workers_;
    std::map<std::string, std::size_t> shards_;  // by node; without a name: nobody's
    json::object all_;
};

}  // namespace

int status(const Options& options, Session& session) {
    return Status(options, session).run();
}

}  // namespace khronos::cli

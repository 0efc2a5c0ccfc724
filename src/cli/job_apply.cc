// `khronos job apply`: makes the jobs be as the documents say.
#include <fmt/format.h>

#include <istream>
#include <iterator>
#include <map>
#include <ostream>

#include <boost/json/serialize.hpp>

#include "cli/commands.h"
#include "cli/document.h"
#include "cli/talk.h"

namespace khronos::cli {
namespace json = boost::json;
namespace {

struct Document {
    std::string place;  // `jobs.json`, `jobs.json[2]`
    std::string name;
    std::string body;
    json::value checked;  // as the agent understood it
};

bool is_of(std::string_view name, std::string_view ending) {
    return name.ends_with(ending);
}

class Apply {
  public:
    Apply(const Options& options, const JobApplyArgs& args, Session& session)
        : talk_(options, session), args_(args) {}

    int run() {
        if (args_.files.empty()) {
            talk_.error("which file? say -f FILE, -f DIRECTORY, or -f - for standard input");
            return kUsage;
        }
        for (const std::string& path : args_.files)
            read(path);
        // Every document is checked before the first is saved: half of a change is worse than none.
        for (Document& document : documents_)
            check(document);
        if (!good_) return kFailed;
        if (documents_.empty()) {
            talk_.error("there is no job in what was given");
            return kFailed;
        }
        for (const Document& document : documents_)
            save(document);
        return good_ ? kDone : kFailed;
    }

  private:
    void fail(const std::string& message) {
        talk_.error(message);
        good_ = false;
    }

    void read(const std::string& path) {
        if (path == "-") {
            std::istream& in = talk_.session().in;
            split({"standard input", std::string(std::istreambuf_iterator<char>(in), {})});
            return;
        }
        const auto files = talk_.session().read(path);
        if (!files) return fail(fmt::format("{}: {}", path, files.error()));
        for (const SourceFile& file : *files)
            split(file);
    }

    void split(const SourceFile& file) {
        if (is_of(file.name, ".yaml") || is_of(file.name, ".yml") || is_of(file.name, ".toml"))
            return fail(fmt::format("{}: only JSON is read yet", file.name));
        const auto value = json_of(file.text);
        if (!value) {
            // The agent says where, and in which words: one reader of JSON is enough.
            return add({file.name, "", file.text, {}}, json::value());
        }
        if (const auto* list = value->if_array()) {
            for (std::size_t i = 0; i < list->size(); ++i)
                add({fmt::format("{}[{}]", file.name, i), "", json::serialize((*list)[i]), {}},
                    (*list)[i]);
        } else {
            add({file.name, "", file.text, {}}, *value);
        }
    }

    void add(Document document, const json::value& value) {
        document.name = cell(value, "name");
        if (!document.name.empty()) {
            const auto [first, is_new] = places_.emplace(document.name, document.place);
            if (!is_new)
                return fail(fmt::format("{}: job {} is in {} already", document.place,
                                        document.name, first->second));
        }
        documents_.push_back(std::move(document));
    }

    // Whoever writes a file wants to hear of a key that means nothing.
    HttpAsk put(const Document& document, std::string_view query) const {
        HttpAsk ask;
        ask.method = document.name.empty() ? "POST" : "PUT";
        ask.target =
            document.name.empty() ? "/v1/jobs" : "/v1/jobs/" + percent_encode(document.name);
        ask.target += query;
        ask.headers.emplace_back("Prefer", "handling=strict");
        ask.body = document.body;
        return ask;
    }

    void check(Document& document) {
        auto checked = talk_.ask_json(put(document, "?dry_run"), document.place);
        if (!checked)
            good_ = false;
        else
            document.checked = std::move(*checked);
    }

    // Equal but for what the agent counts and computes.
    static bool is_unchanged(const json::value& now, const json::value& wanted) {
        if (!now.is_object() || !wanted.is_object()) return false;
        json::object a = now.get_object();
        json::object b = wanted.get_object();
        for (const char* key : {"success_count", "error_count", "last_success", "last_error",
                                "status", "next", "dependent_jobs"}) {
            a.erase(key);
            b.erase(key);
        }
        return a == b;
    }

    void save(const Document& document) {
        const std::string subject = "job " + document.name;
        const auto found = talk_.ask({.target = "/v1/jobs/" + percent_encode(document.name)});
        if (!found) {
            good_ = false;
            return;
        }
        std::string_view what = "created";
        if (found->status == 200) {
            const auto now = json_of(found->body);
            what = now && is_unchanged(*now, document.checked) ? "unchanged" : "configured";
        }
        if (what != "unchanged" && !args_.dry_run) {
            const auto saved = talk_.ask_ok(put(document, ""), document.place);
            if (!saved) {
                good_ = false;
                return;
            }
            talk_.remarks(*saved);
        }
        if (!talk_.options().quiet)
            talk_.session().out << fmt::format("{} {}{}\n", printable(subject), what,
                                               args_.dry_run ? " (dry run)" : "");
    }

    Talk talk_;
    const JobApplyArgs& args_;
    std::vector<Document> documents_;
    std::map<std::string, std::string> places_;  // by job name
    bool good_ = true;
};

}  // namespace

int job_apply(const Options& options, const JobApplyArgs& args, Session& session) {
    return Apply(options, args, session).run();
}

}  // namespace khronos::cli

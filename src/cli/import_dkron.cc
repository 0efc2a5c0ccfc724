// `khronos import dkron`: the jobs of a Dkron, from what its GET /v1/jobs answered.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <istream>
#include <iterator>
#include <map>
#include <ostream>

#include "cli/commands.h"
#include "cli/document.h"
#include "cli/job_documents.h"
#include "cli/progress.h"
#include "cli/talk.h"

namespace khronos::cli {
namespace json = boost::json;
namespace {

class Import {
  public:
    Import(const Options& options, const ImportDkronArgs& args, Session& session)
        : talk_(options, session), args_(args) {}

    int run() {
        for (const std::string& path : args_.files)
            read(path);
        if (failed_) return kFailed;
        std::vector<JobDocument> documents;
        for (const Job& job : jobs_)
            documents.push_back({"", job.name, "", cell(job.document, "parent_job")});
        order_ = parents_first(documents);
        Progress progress(talk_.options(), talk_.session(), "jobs", order_.size());
        for (const std::size_t i : order_) {
            save(jobs_[i]);
            progress.step();
        }
        progress.clear();
        print();
        return failed_ ? kFailed : kDone;
    }

  private:
    struct Job {
        std::string name;
        json::object document;
        std::string result;
    };

    void fail(const std::string& message) {
        talk_.error(message);
        failed_ = true;
    }

    void read(const std::string& path) {
        std::string text;
        if (path == "-") {
            std::istream& in = talk_.session().in;
            text.assign(std::istreambuf_iterator<char>(in), {});
        } else {
            const auto files = talk_.session().read(path);
            if (!files) return fail(fmt::format("{}: {}", path, files.error()));
            text = files->front().text;
        }
        const auto value = json_of(text);
        if (!value) return fail(fmt::format("{}: not valid JSON", path));
        const auto* list = value->if_array();
        if (!list)
            return fail(
                fmt::format("{}: not a list of jobs; Dkron's GET /v1/jobs answers with one", path));
        for (std::size_t i = 0; i < list->size(); ++i) {
            const auto* object = (*list)[i].if_object();
            const std::string name = cell((*list)[i], "name");
            if (!object || name.empty()) {
                fail(fmt::format("{}[{}]: not a job with a name", path, i));
            } else if (!by_name_.emplace(name, jobs_.size()).second) {
                fail(fmt::format("{}[{}]: job {} comes twice", path, i, name));
            } else {
                jobs_.push_back({name, *object, ""});
            }
        }
    }

    // What means something else here than there.
    std::vector<std::string> differences(const Job& job) const {
        std::vector<std::string> all;
        const auto* tags = job.document.if_contains("tags");
        const bool everywhere =
            !tags || tags->is_null() || (tags->is_object() && tags->get_object().empty());
        if (everywhere && cell(job.document, "parent_job").empty() &&
            cell(job.document, "schedule") != "")
            all.emplace_back("it has no tags: Dkron runs it on every node, Khronos on one worker");
        const std::string executor = cell(job.document, "executor");
        if (executor != "shell" && executor != "http")
            all.push_back(
                executor.empty()
                    ? "it has no executor: each run will fail, as with Dkron"
                    : fmt::format("there is no executor {}: each run will fail", executor));
        return all;
    }

    void save(Job& job) {
        HttpAsk ask{.method = "POST", .target = args_.dry_run ? "/v1/jobs?dry_run" : "/v1/jobs"};
        json::object document = job.document;
        // Nothing is there yet that it could be checked against.
        if (args_.dry_run && by_name_.contains(cell(document, "parent_job")))
            document.erase("parent_job");
        ask.body = json::serialize(document);
        const auto answer = talk_.ask(std::move(ask));
        if (!answer || answer->status < 200 || answer->status > 299) {
            if (answer) talk_.error(*answer, "job " + job.name);
            job.result = "failed";
            failed_ = true;
            return;
        }
        talk_.remarks(*answer, "job " + job.name);
        for (const std::string& difference : differences(job))
            talk_.remark(fmt::format("job {}: {}", job.name, difference));
        job.result = args_.dry_run ? "would be imported" : "imported";
    }

    void print() {
        json::array list;
        std::map<std::string, std::size_t> results;
        Table table({{"JOB"}, {"RESULT", false, false}, {"SCHEDULE"}});
        for (const std::size_t i : order_) {
            const Job& job = jobs_[i];
            ++results[job.result];
            list.push_back(json::object{{"name", job.name}, {"result", job.result}});
            table.add({job.name, job.result, cell(job.document, "schedule")});
        }
        if (!talk_.print_document(list)) {
            if (talk_.options().format != Format::name) {
                talk_.print(table);
            } else {
                for (const std::size_t i : order_)
                    talk_.session().out << printable(jobs_[i].name) << '\n';
            }
        }
        std::string text;
        for (const auto& [result, count] : results)
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, result);
        talk_.remark(text.empty() ? "there is no job in it" : text);
    }

    Talk talk_;
    const ImportDkronArgs& args_;
    std::vector<Job> jobs_;
    std::map<std::string, std::size_t> by_name_;
    std::vector<std::size_t> order_;
    bool failed_ = false;
};

}  // namespace

int import_dkron(const Options& options, const ImportDkronArgs& args, Session& session) {
    return Import(options, args, session).run();
}

}  // namespace khronos::cli

// `khronos backup|restore`: every job in one file, and back.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <istream>
#include <iterator>
#include <map>
#include <ostream>
#include <set>

#include "cli/commands.h"
#include "cli/document.h"
#include "cli/job_saver.h"
#include "cli/progress.h"

namespace khronos::cli {
namespace json = boost::json;
namespace {

// The document's kind and version: raised when an older program could not restore it right.
constexpr std::string_view kKind = "khronos_backup";
constexpr int kVersion = 1;

// Saving it would run it: once is what its schedule says.
bool has_run_once(const json::value& job) {
    const std::string schedule = cell(job, "schedule");
    const bool once = schedule == "@oneway" || schedule.find("@at ") != schedule.npos ||
                      schedule.find("@after ") != schedule.npos;
    return once && (cell(job, "success_count") != "0" || cell(job, "error_count") != "0");
}

class Restore {
  public:
    Restore(const Options& options, const RestoreArgs& args, Session& session)
        : talk_(options, session), args_(args) {}

    int run() {
        if (!read()) return kFailed;
        if (!check()) return kFailed;
        if (overwritten_ > 0 && !args_.dry_run &&
            !talk_.confirmed(fmt::format(
                "{} that {} there {} different. Overwrite?",
                overwritten_ == 1 ? std::string("A job") : fmt::format("{} jobs", overwritten_),
                overwritten_ == 1 ? "is" : "are", overwritten_ == 1 ? "is" : "are")))
            return kFailed;
        if (!args_.dry_run) save();
        report();
        return good_ ? kDone : kFailed;
    }

  private:
    struct Job {
        json::value value;
        std::string result;
        bool save = false;
    };

    bool fail(const std::string& message) {
        talk_.error(message);
        return false;
    }

    bool read() {
        std::string text;
        if (args_.path == "-") {
            std::istream& in = talk_.session().in;
            text.assign(std::istreambuf_iterator<char>(in), {});
        } else {
            const auto files = talk_.session().read(args_.path);
            if (!files) return fail(fmt::format("{}: {}", args_.path, files.error()));
            text = files->front().text;
        }
        const auto value = json_of(text);
        const auto* object = value ? value->if_object() : nullptr;
        const auto* kind = object ? object->if_contains(kKind) : nullptr;
        const auto* list = object ? object->if_contains("jobs") : nullptr;
        if (!kind || !kind->is_int64() || !list || !list->is_array())
            return fail(
                fmt::format("{}: not a backup of Khronos; `khronos import dkron` takes a "
                            "list of jobs, `khronos job apply` job files",
                            args_.path));
        if (kind->get_int64() > kVersion)
            return fail(
                fmt::format("{}: made by a newer Khronos: its version is {}, this program "
                            "knows {}",
                            args_.path, kind->get_int64(), kVersion));
        for (std::size_t i = 0; i < list->get_array().size(); ++i) {
            const json::value& job = list->get_array()[i];
            const std::string name = cell(job, "name");
            if (name.empty() || !names_.insert(name).second)
                return fail(fmt::format("{}: job {} has no name of its own", args_.path, i));
            documents_.push_back(
                {"job " + name, name, json::serialize(job), cell(job, "parent_job")});
            jobs_.push_back({job, "", false});
        }
        paused_ = cell(*value, "paused") == "true";
        return true;
    }

    bool check() {
        Progress progress(talk_.options(), talk_.session(), "jobs compared", jobs_.size());
        bool good = true;
        for (std::size_t i = 0; i < jobs_.size(); ++i) {
            Job& job = jobs_[i];
            progress.step();
            if (has_run_once(job.value) && !args_.once_again) {
                job.result = "left out";
                ++left_out_;
                continue;
            }
            const auto change =
                check_job(talk_, documents_[i], brings_parent(documents_, documents_[i]));
            if (!change) {
                good = false;
                continue;
            }
            job.result = to_text(change->change);
            job.save = change->change != Change::unchanged;
            if (change->change == Change::configured) ++overwritten_;
        }
        return good;
    }

    void save() {
        Progress progress(talk_.options(), talk_.session(), "jobs", jobs_.size());
        for (const std::size_t i : parents_first(documents_)) {
            progress.step();
            Job& job = jobs_[i];
            if (!job.save || save_job(talk_, documents_[i], true)) continue;
            job.result = "failed";
            good_ = false;
        }
        if (paused_ && !talk_.ask_ok({.method = "POST", .target = "/v1/pause"}, "pause"))
            good_ = false;
    }

    void report() {
        std::map<std::string, std::size_t> results;
        json::array list;
        for (std::size_t i = 0; i < jobs_.size(); ++i) {
            ++results[jobs_[i].result];
            list.push_back(json::object{{"name", documents_[i].name}, {"result", jobs_[i].result}});
        }
        if (!talk_.print_document(list) && !talk_.options().quiet) {
            for (std::size_t i = 0; i < jobs_.size(); ++i) {
                const std::string& name = documents_[i].name;
                const bool alone = talk_.options().format == Format::name;
                talk_.session().out
                    << printable(alone ? name : fmt::format("job {} {}", name, jobs_[i].result))
                    << (args_.dry_run && !alone ? " (dry run)\n" : "\n");
            }
        }
        std::string text;
        for (const auto& [result, count] : results)
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, result);
        talk_.remark(text.empty() ? "there is no job in it" : text);
        if (left_out_ > 0)
            talk_.remark(
                "what is left out ran once, as its schedule says, and would run again; "
                "--once-again restores it all the same");
        if (paused_ && !args_.dry_run)
            talk_.remark(
                "new jobs are refused, as when the backup was made; POST /v1/unpause ends it");
    }

    Talk talk_;
    const RestoreArgs& args_;
    std::vector<JobDocument> documents_;
    std::vector<Job> jobs_;  // as many, in the same order
    std::set<std::string> names_;
    std::size_t overwritten_ = 0, left_out_ = 0;
    bool paused_ = false;
    bool good_ = true;
};

}  // namespace

int backup(const Options& options, const BackupArgs& args, Session& session) {
    Talk talk(options, session);
    const auto about = talk.ask_json({.target = "/version"}, "agent");
    const auto paused = talk.ask_json({.target = "/v1/pause"}, "pause");
    if (!about || !paused) return kFailed;
    auto jobs = talk.ask_json({.target = "/v1/jobs?_sort=name&_order=ASC"}, "jobs");
    if (!jobs) return kFailed;
    if (!jobs->is_array()) {
        talk.error("the agent did not answer with a list of jobs");
        return kFailed;
    }
    const std::size_t count = jobs->get_array().size();
    const std::string text =
        to_json_text(json::object{{kKind, kVersion},
                                  {"created_at", to_rfc3339(session.wall().floor_second())},
                                  {"made_by", fmt::format("khronos {}", args.version)},
                                  {"server", options.server},
                                  {"server_version", cell(*about, "version")},
                                  {"paused", cell(*paused, "paused") == "true"},
                                  {"jobs", std::move(*jobs)}});
    if (args.path.empty() || args.path == "-") {
        session.out << text;
        return kDone;
    }
    if (const auto written = args.write(args.path, text); !written) {
        talk.error(fmt::format("{}: {}", args.path, written.error()));
        return kFailed;
    }
    if (!options.quiet)
        session.out << fmt::format("{} {} in {}\n", count, count == 1 ? "job" : "jobs",
                                   printable(args.path));
    return kDone;
}

int restore(const Options& options, const RestoreArgs& args, Session& session) {
    return Restore(options, args, session).run();
}

}  // namespace khronos::cli

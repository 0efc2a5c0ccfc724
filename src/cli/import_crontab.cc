// `khronos import crontab`: each line becomes a job; what a job cannot say is told.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <istream>
#include <iterator>
#include <map>
#include <ostream>

#include "cli/commands.h"
#include "cli/crontab_jobs.h"
#include "cli/document.h"
#include "cli/job_saver.h"
#include "cli/progress.h"
#include "core/zone/zone.h"

namespace khronos::cli {
namespace json = boost::json;
namespace {

using Weight = CrontabRemark::Weight;

class Import {
  public:
    Import(const Options& options, const ImportCrontabArgs& args, Session& session)
        : talk_(options, session), args_(args) {}

    int run() {
        if (const auto zone = zone::Zone::find(args_.timezone); !zone) {
            talk_.error("--tz: " + zone.error());
            return kUsage;
        }
        for (const std::string& path : args_.files)
            read(path);
        if (!args_.dry_run) save_all();
        print();
        tell_remarks();
        if (files_ > 0) summarize();
        return failed_ ? kFailed : kDone;
    }

  private:
    struct Row {
        std::string place;
        CrontabJob job;
        std::string result;
    };

    void read(const std::string& path) {
        if (path == "-") {
            std::istream& in = talk_.session().in;
            return read("standard input", "", std::string(std::istreambuf_iterator<char>(in), {}));
        }
        const auto files = talk_.session().read(path);
        if (!files) {
            talk_.error(fmt::format("{}: {}", path, files.error()));
            failed_ = true;
            return;
        }
        for (const SourceFile& file : *files)
            read(file.name, file.name, file.text);
    }

    // Cron keeps a user's crontab under the user's name.
    std::string owner_of(const std::string& path) const {
        if (!args_.user.empty() || path.find("/cron/crontabs/") == path.npos) return args_.user;
        return path.substr(path.rfind('/') + 1);
    }

    void read(const std::string& name, const std::string& path, const std::string& text) {
        ++files_;
        Crontab crontab = parse_crontab(text, {args_.system, path, args_.is_user});
        if (crontab.guessed && !crontab.entries.empty())
            talk_.remark(crontab.system
                             ? fmt::format("{} is read with a column of users; if it has none, say "
                                           "--no-system",
                                           name)
                             : fmt::format("{} is read as a user's crontab; if it has a column of "
                                           "users, say --system",
                                           name));
        const auto jobs = crontab_jobs(
            crontab, {args_.prefix, args_.timezone, owner_of(path), path}, crontab.remarks);
        for (const CrontabJob& job : jobs)
            add(name, job);
        std::ranges::stable_sort(crontab.remarks, {}, &CrontabRemark::line);
        for (CrontabRemark& remark : crontab.remarks)
            remarks_.emplace_back(fmt::format("{}:{}", name, remark.line), std::move(remark));
    }

    void add(const std::string& file, const CrontabJob& job) {
        const std::string place = fmt::format("{}:{}", file, job.line);
        const auto [first, is_new] = places_.emplace(job.name, place);
        if (!is_new) {
            remarks_.emplace_back(
                place, CrontabRemark{job.line, Weight::no_job,
                                     fmt::format("the same command as at {}, which would be the "
                                                 "same job {}; import it with another --prefix",
                                                 first->second, job.name)});
            return;
        }
        rows_.push_back({place, job, "would be imported"});
    }

    void save_all() {
        Progress progress(talk_.options(), talk_.session(), "jobs", rows_.size());
        for (Row& row : rows_) {
            const JobDocument document{row.place, row.job.name, json::serialize(row.job.document)};
            const auto change = check_job(talk_, document);
            const bool saved =
                change && (change->change == Change::unchanged || save_job(talk_, document, true));
            row.result = saved ? to_text(change->change) : "failed";
            failed_ = failed_ || !saved;
            progress.step();
        }
    }

    void print() {
        if (rows_.empty()) return;
        json::array documents;
        for (const Row& row : rows_)
            documents.push_back(row.job.document);
        if (talk_.print_document(documents)) return;
        if (talk_.options().format == Format::name) {
            for (const Row& row : rows_)
                talk_.session().out << row.job.name << '\n';
            return;
        }
        const bool one_file = files_ == 1;
        Table table({{one_file ? "LINE" : "PLACE", one_file, false},
                     {"JOB", false, false},
                     {"RESULT", false, false},
                     {"SCHEDULE"},
                     {"RUN AS"},
                     {"COMMAND"}});
        for (const Row& row : rows_)
            table.add({one_file ? std::to_string(row.job.line) : row.place, row.job.name,
                       row.result, cell(row.job.document, "schedule"),
                       cell(row.job.document, "run_as"), row.job.command});
        talk_.print(table);
    }

    void tell_remarks() {
        for (const auto& [place, remark] : remarks_) {
            switch (remark.weight) {
                case Weight::wrong:
                    talk_.error(fmt::format("{}: {}", place, remark.message));
                    failed_ = true;
                    break;
                case Weight::no_job:
                    talk_.session().err
                        << printable(fmt::format("not kept: {}: {}", place, remark.message))
                        << '\n';
                    break;
                case Weight::changed:
                    talk_.remark(fmt::format("{}: {}", place, remark.message));
                    break;
            }
        }
    }

    void summarize() {
        std::map<Weight, std::size_t> counts;
        for (const auto& [place, remark] : remarks_)
            ++counts[remark.weight];
        std::map<std::string, std::size_t> results;
        for (const Row& row : rows_)
            ++results[row.result];
        std::string text = fmt::format("{} {}", rows_.size(), rows_.size() == 1 ? "job" : "jobs");
        const char* separator = ": ";
        for (const auto& [result, count] : results) {
            text += fmt::format("{}{} {}", separator, count, result);
            separator = ", ";
        }
        const auto count = [&](Weight weight, std::string_view what) {
            if (counts[weight] != 0) text += fmt::format("; {} {}", counts[weight], what);
        };
        count(Weight::no_job, "not kept");
        count(Weight::wrong, "not understood");
        if (!rows_.empty())
            text +=
                fmt::format("; times are in {}", args_.timezone.empty() ? "UTC" : args_.timezone);
        talk_.remark(text);
    }

    Talk talk_;
    const ImportCrontabArgs& args_;
    std::vector<Row> rows_;
    std::vector<std::pair<std::string, CrontabRemark>> remarks_;
    std::map<std::string, std::string> places_;  // by job name
    std::size_t files_ = 0;
    bool failed_ = false;
};

}  // namespace

int import_crontab(const Options& options, const ImportCrontabArgs& args, Session& session) {
    return Import(options, args, session).run();
}

}  // namespace khronos::cli

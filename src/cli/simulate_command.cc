// `khronos simulate`: the coming days on the scheduler's own engine.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>

#include "base/duration.h"
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/job_documents.h"
#include "cli/job_timing.h"
#include "cli/progress.h"
#include "cli/simulate_report.h"
#include "core/forecast/clock_changes.h"

namespace khronos::cli {
namespace json = boost::json;
namespace {

constexpr std::size_t kRunsMeasured = 20;

class Simulation {
  public:
    Simulation(const Options& options, const SimulateArgs& args, Session& session)
        : talk_(options, session), args_(args) {}

    int run() {
        if (const std::string fault = read_arguments(); !fault.empty()) {
            talk_.error(fault);
            return kUsage;
        }
        if (!(args_.files.empty() ? ask_agent() : read_files())) return kFailed;
        for (const auto& [name, duration] : given_)
            if (!used_.contains(name)) {
                talk_.error(fmt::format("--duration: there is no job {}", name));
                return kUsage;
            }
        look_ahead();
        if (talk_.options().format == Format::name) {
            for (const core::ForecastJob& job : s_.jobs)
                talk_.session().out << printable(job.job.spec.name) << '\n';
        } else if (!talk_.print_document(in_json(s_))) {
            print_report(talk_, s_);
        }
        return kDone;
    }

  private:
    std::string read_arguments() {
        s_.rules.from = talk_.session().wall().floor_second();
        if (!args_.from.empty()) {
            const auto from = parse_rfc3339(args_.from);
            if (!from) return "--from: " + from.error();
            s_.rules.from = *from;
        }
        if (args_.days == 0 || args_.days > kSimulateDaysMax)
            return fmt::format("--days: from 1 to {}", kSimulateDaysMax);
        s_.rules.until =
            s_.rules.from + std::chrono::hours(24 * static_cast<std::int64_t>(args_.days));
        s_.rules.slots = args_.slots.value_or(0);
        const auto otherwise = parse_duration(args_.duration_otherwise);
        if (!otherwise || otherwise->count() < 0) return "--default-duration: such as 30s";
        otherwise_ = *otherwise;
        for (const std::string& text : args_.durations) {
            const std::size_t equals = text.rfind('=');
            const auto duration = equals == text.npos
                                      ? std::unexpected(std::string("such as backup=30s"))
                                      : parse_duration(std::string_view(text).substr(equals + 1));
            if (!duration) return fmt::format("--duration {}: {}", text, duration.error());
            given_[text.substr(0, equals)] = *duration;
        }
        return "";
    }

    bool ask_agent() {
        const auto list = talk_.ask_json({.target = "/v1/jobs?_sort=name&_order=ASC"}, "jobs");
        if (!list || !list->is_array()) return false;
        if (!args_.slots) ask_slots();
        Progress progress(talk_.options(), talk_.session(), "jobs measured",
                          args_.measured ? list->get_array().size() : 0);
        for (const json::value& document : list->get_array()) {
            if (!add(document, cell(document, "name"))) return false;
            if (args_.measured && s_.sources.back() == "assumed" &&
                (cell(document, "success_count") != "0" || cell(document, "error_count") != "0"))
                measure();
            progress.step();
        }
        return true;
    }

    // Of an agent that tells nothing of its workers: no limit.
    void ask_slots() {
        const auto answer = talk_.ask({.target = "/v1/workers"});
        const auto workers = answer && answer->status == 200 ? json_of(answer->body) : std::nullopt;
        if (!workers || !workers->is_array()) return;
        for (const json::value& worker : workers->get_array()) {
            const auto slots = json_of(cell(worker, "slots"));
            if (cell(worker, "state") == "ready" && slots && slots->is_int64())
                s_.rules.slots += static_cast<std::uint32_t>(slots->get_int64());
        }
    }

    bool read_files() {
        const auto documents = read_job_documents(talk_, args_.files);
        if (!documents) return false;
        bool good = true;
        for (const JobDocument& document : *documents) {
            const auto value = json_of(document.body);
            if (!value) talk_.error(document.place + ": not valid JSON");
            good = value && add(*value, document.place) && good;
        }
        return good;
    }

    bool add(const json::value& document, const std::string& place) {
        auto job = scheduled_job(document, s_.rules.from);
        if (!job) {
            talk_.error(fmt::format("{}: {}", place, job.error()));
            return false;
        }
        job->spec.parent_job = cell(document, "parent_job");
        Duration duration = otherwise_;
        std::string source = "assumed";
        if (const auto given = given_.find(job->spec.name); given != given_.end()) {
            duration = given->second;
            source = "given";
            used_[given->first] = true;
        } else if (job->spec.expect.count() > 0) {
            duration = job->spec.expect;
            source = "declared";
        }
        s_.jobs.push_back({std::move(*job), duration});
        s_.sources.push_back(std::move(source));
        return true;
    }

    // The median of the last runs of the job added last.
    void measure() {
        const auto answer = talk_.ask(
            {.target = fmt::format("/v1/executions?job={}&status=succeeded,failed&limit={}",
                                   percent_encode(s_.jobs.back().job.spec.name), kRunsMeasured)});
        if (!answer || answer->status != 200) return;
        const auto value = json_of(answer->body);
        const auto* object = value ? value->if_object() : nullptr;
        const auto* list = object ? object->if_contains("executions") : nullptr;
        if (!list || !list->is_array()) return;
        std::vector<Duration> durations;
        for (const json::value& execution : list->get_array()) {
            const auto start = parse_rfc3339(cell(execution, "started_at"));
            const auto end = parse_rfc3339(cell(execution, "finished_at"));
            if (start && end && start->is_set() && *end >= *start)
                durations.push_back(*end - *start);
        }
        if (durations.empty()) return;
        std::ranges::sort(durations);
        s_.jobs.back().duration = durations[durations.size() / 2];
        s_.sources.back() = "measured";
    }

    void look_ahead() {
        Progress progress(talk_.options(), talk_.session(), "seconds",
                          static_cast<std::size_t>(args_.days) * 86400);
        s_.forecast = core::forecast(s_.jobs, s_.rules, [&](WallTime at) {
            progress.show(static_cast<std::size_t>((at - s_.rules.from) / std::chrono::seconds(1)));
        });
        for (const core::ForecastJob& job : s_.jobs)
            for (std::string& change : core::clock_changes(job.job, s_.rules.from, s_.rules.until))
                s_.clock_changes.push_back(std::move(change));
    }

    Talk talk_;
    const SimulateArgs& args_;
    Simulated s_;
    Duration otherwise_{0};
    std::map<std::string, Duration> given_;
    std::map<std::string, bool> used_;  // of the given ones
};

}  // namespace

int simulate(const Options& options, const SimulateArgs& args, Session& session) {
    return Simulation(options, args, session).run();
}

}  // namespace khronos::cli

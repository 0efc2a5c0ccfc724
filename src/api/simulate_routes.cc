// GET /v1/simulate: the coming days on the scheduler's own engine, in slices on the loop, so that
// nobody else waits for it. One at a time: the others stand in line.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>

#include "api/execution_read.h"
#include "api/paging.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/duration.h"
#include "core/forecast/clock_changes.h"
#include "core/forecast/forecast.h"
#include "store/codec.h"

namespace khronos::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kDaysMost = 31;
constexpr std::size_t kDaysOtherwise = 7;
// Further than this nothing is reckoned: the answer says how far it came.
constexpr std::size_t kJobsMost = 5000;
constexpr std::uint64_t kWorkMost = 2'000'000;  // decisions and ends of runs, about
// About a millisecond or two each.
constexpr std::size_t kReadSlice = 200;
constexpr std::uint64_t kWorkSlice = 1000;
constexpr std::size_t kChangesSlice = 20;
constexpr std::size_t kChangesShown = 50;
constexpr std::size_t kJobsShown = 20;
constexpr std::size_t kWaitingMost = 32;
// Durations are measured by the last runs of so many jobs, at most.
constexpr std::size_t kMeasuredMost = 500;
constexpr std::size_t kRunsMeasured = 20;
// Of a job that nothing is known of.
constexpr Duration kDurationOtherwise = std::chrono::seconds(1);

class Simulation : public std::enable_shared_from_this<Simulation> {
  public:
    Simulation(Context& context, Reply reply, core::ForecastRules rules)
        : context_(context), reply_(std::move(reply)), rules_(rules) {}

    void begin(std::function<void()> over) {
        over_ = std::move(over);
        if (!context_.services.workers) return later(&Simulation::read);
        // Nothing is known of the slots where the workers cannot be asked: no limit.
        context_.services.workers([self = shared_from_this()](auto workers) {
            if (workers)
                for (const WorkerInfo& worker : *workers)
                    if (worker.state == WorkerInfo::State::ready)
                        self->rules_.slots += worker.slots;
            self->later(&Simulation::read);
        });
    }

  private:
    void later(void (Simulation::*step)()) {
        context_.services.loop.post([self = shared_from_this(), step] { ((*self).*step)(); });
    }

    void read() {
        std::size_t seen = 0;
        std::string last;
        context_.services.catalog.visit(next_name_, kReadSlice, [&](const auto& entry) {
            ++seen;
            last = entry.name();
            take(entry);
        });
        if (seen == kReadSlice) {
            next_name_ = last + '\0';
            return later(&Simulation::read);
        }
        later(&Simulation::measure);
    }

    // The median of a job's last runs, job by job.
    void measure() {
        if (measured_ < to_measure_.size()) {
            const std::size_t index = to_measure_[measured_++];
            return read_history(context_.services, jobs_[index].job.uid, kRunsMeasured,
                                [self = shared_from_this(), index](auto executions) {
                                    if (executions) self->measured(index, *executions);
                                    self->later(&Simulation::measure);
                                });
        }
        forecaster_.emplace(jobs_, rules_);
        later(&Simulation::look_ahead);
    }

    void measured(std::size_t index, const std::vector<core::Execution>& executions) {
        std::vector<Duration> durations;
        for (const core::Execution& execution : executions)
            if (execution.started_at.is_set() && execution.finished_at >= execution.started_at)
                durations.push_back(execution.finished_at - execution.started_at);
        if (durations.empty()) return;
        std::ranges::sort(durations);
        jobs_[index].duration = durations[durations.size() / 2];
        sources_[index] = "measured";
    }

    // Jobs that nothing starts by itself count for nothing.
    void take(const cluster::CatalogEntry& entry) {
        const auto peek = cluster::peek_job(entry.record.view());
        if (!peek || peek->disabled || (peek->schedule.empty() && peek->parent_job.empty())) return;
        ++jobs_all_;
        if (jobs_.size() >= kJobsMost) return;
        auto job = store::decode<core::Job>(entry.record.view());
        if (!job) return;
        const Duration expected = job->spec.expect;
        const core::JobStats stats = context_.services.catalog.stats(job->uid);
        if (expected.count() == 0 && stats.success_count + stats.error_count > 0 &&
            to_measure_.size() < kMeasuredMost)
            to_measure_.push_back(jobs_.size());
        sources_.push_back(expected.count() > 0 ? "declared" : "assumed");
        jobs_.push_back({std::move(*job), expected.count() > 0 ? expected : kDurationOtherwise});
    }

    void look_ahead() {
        if (forecaster_->step(kWorkSlice) && forecaster_->work() < kWorkMost)
            return later(&Simulation::look_ahead);
        forecast_ = forecaster_->take();
        later(&Simulation::look_at_clocks);
    }

    void look_at_clocks() {
        const std::size_t end = std::min(clocks_ + kChangesSlice, jobs_.size());
        for (; clocks_ < end; ++clocks_)
            for (const std::string& change :
                 core::clock_changes(jobs_[clocks_].job, rules_.from, rules_.until))
                if (changes_.size() < kChangesShown) changes_.push_back(json::string(change));
        if (clocks_ < jobs_.size() && changes_.size() < kChangesShown)
            return later(&Simulation::look_at_clocks);
        answer();
    }

    json::array hours() const {
        json::array list;
        for (std::size_t hour = 0; hour * 60 < forecast_.starts.size(); ++hour) {
            const WallTime at =
                forecast_.first_minute + std::chrono::hours(static_cast<std::int64_t>(hour));
            if (at > forecast_.reached) break;
            std::uint64_t runs = 0;
            std::uint32_t most = 0;
            const std::size_t end = std::min(hour * 60 + 60, forecast_.starts.size());
            for (std::size_t minute = hour * 60; minute < end; ++minute) {
                runs += forecast_.starts[minute];
                most = std::max(most, forecast_.running[minute]);
            }
            list.push_back(json::object{{"at", to_rfc3339(at)}, {"runs", runs}, {"at_once", most}});
        }
        return list;
    }

    static json::value time_or_null(WallTime at) {
        return at.is_set() ? json::value(json::string(to_rfc3339(at))) : json::value(nullptr);
    }

    // The jobs that skip or come late first, then the busiest.
    json::array shown_jobs() const {
        std::vector<std::size_t> order;
        for (std::size_t i = 0; i < jobs_.size(); ++i)
            if (forecast_.jobs[i].ticks + forecast_.jobs[i].runs > 0) order.push_back(i);
        const std::size_t count = std::min(kJobsShown, order.size());
        std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count),
                          order.end(), [&](std::size_t a, std::size_t b) {
                              const core::JobForecast& x = forecast_.jobs[a];
                              const core::JobForecast& y = forecast_.jobs[b];
                              return std::tuple(y.skipped + y.late, y.runs, a) <
                                     std::tuple(x.skipped + x.late, x.runs, b);
                          });
        json::array list;
        for (std::size_t n = 0; n < count; ++n) {
            const core::ForecastJob& job = jobs_[order[n]];
            const core::JobForecast& f = forecast_.jobs[order[n]];
            list.push_back(json::object{{"name", job.job.spec.name},
                                        {"ticks", f.ticks},
                                        {"runs", f.runs},
                                        {"skipped", f.skipped},
                                        {"first_skip", time_or_null(f.first_skip)},
                                        {"late", f.late},
                                        {"first_late", time_or_null(f.first_late)},
                                        {"longest_wait", format_duration(f.latest)},
                                        {"most_at_once", f.most_at_once},
                                        {"duration", format_duration(job.duration)},
                                        {"duration_source", sources_[order[n]]}});
        }
        return list;
    }

    void answer() {
        const auto overlapping = std::ranges::count_if(
            forecast_.jobs, [](const core::JobForecast& f) { return f.most_at_once > 1; });
        const bool truncated = forecast_.reached < rules_.until || jobs_all_ > jobs_.size();
        reply_.json(200, json::object{{"from", to_rfc3339(rules_.from)},
                                      {"until", to_rfc3339(rules_.until)},
                                      {"reached", to_rfc3339(forecast_.reached)},
                                      {"truncated", truncated},
                                      {"jobs_all", jobs_all_},
                                      {"jobs_counted", jobs_.size()},
                                      {"slots", rules_.slots},
                                      {"ticks", forecast_.ticks},
                                      {"runs", forecast_.runs},
                                      {"skipped", forecast_.skipped},
                                      {"late", forecast_.late},
                                      {"waiting_at_end", forecast_.waiting},
                                      {"overlapping_jobs", overlapping},
                                      {"most_running", forecast_.most_running},
                                      {"most_running_at", time_or_null(forecast_.most_running_at)},
                                      {"hours", hours()},
                                      {"clock_changes", std::move(changes_)},
                                      {"jobs", shown_jobs()}});
        over_();
    }

    Context& context_;
    Reply reply_;
    core::ForecastRules rules_;
    std::function<void()> over_;
    std::string next_name_;
    std::size_t jobs_all_ = 0;  // that something starts by itself
    std::vector<core::ForecastJob> jobs_;
    std::vector<std::string_view> sources_;  // of each duration: measured, declared, assumed
    std::vector<std::size_t> to_measure_;    // indices of jobs
    std::size_t measured_ = 0;
    std::optional<core::Forecaster> forecaster_;
    core::Forecast forecast_;
    std::size_t clocks_ = 0;
    json::array changes_;
};

// Those that wait for their turn.
struct Line : std::enable_shared_from_this<Line> {
    std::deque<std::shared_ptr<Simulation>> waiting;
    bool busy = false;

    void next() {
        busy = !waiting.empty();
        if (!busy) return;
        const auto simulation = std::move(waiting.front());
        waiting.pop_front();
        simulation->begin([self = shared_from_this()] { self->next(); });
    }
};

void simulate(Context& context, Line& line, const Call& call, Responder responder) {
    Reply reply(call, std::move(responder));
    core::ForecastRules rules;
    rules.from = context.services.loop.wall_now().floor_second();
    if (const std::string_view from = call.query.get("from").value_or(""); !from.empty()) {
        const auto time = parse_rfc3339(from);
        if (!time) return reply.problem(invalid("from", time.error()));
        rules.from = *time;
    }
    const auto days = number_of(call.query, "days", 0, kDaysMost + 1, kDaysOtherwise);
    if (days == 0 || days > kDaysMost)
        return reply.problem(invalid("days", fmt::format("must be from 1 to {}", kDaysMost)));
    rules.until = rules.from + std::chrono::hours(24 * static_cast<std::int64_t>(days));
    if (line.waiting.size() >= kWaitingMost)
        return reply.problem({ErrorKind::unavailable, "",
                              "too many ask for a simulation at once; try again in a minute"});
    line.waiting.push_back(std::make_shared<Simulation>(context, std::move(reply), rules));
    if (!line.busy) line.next();
}

}  // namespace

void add_simulate_routes(std::vector<Route>& routes, Context& context) {
    routes.emplace_back(Method::get, "/v1/simulate", Permission::viewer, "simulate",
                        [&context, line = std::make_shared<Line>()](const Call& call, Responder r) {
                            simulate(context, *line, call, std::move(r));
                        });
}

}  // namespace khronos::api

#include "core/forecast/forecast.h"

#include <algorithm>
#include <deque>
#include <map>
#include <queue>
#include <tuple>

#include "core/cron/civil.h"
#include "core/model/shard.h"
#include "core/schedule/shard_engine.h"

namespace khronos::core {
namespace {

constexpr Duration kMinute = std::chrono::minutes(1);
constexpr std::uint64_t kProgressEvery = 4096;  // units of work
// To compile a schedule, in decisions.
constexpr std::uint64_t kJobCost = 10;

}  // namespace

class Forecaster::Driver {
  public:
    Driver(const std::vector<ForecastJob>& jobs, const ForecastRules& rules)
        : jobs_(jobs), rules_(rules), engine_(ShardId(0), engine_rules()), now_(rules.from) {
        result_.first_minute =
            WallTime::from_seconds(cron::floor_div(rules.from.seconds(), 3600) * 3600);
        const auto minutes = minute_of(rules.until) + 1;
        result_.starts.resize(minutes);
        result_.running.resize(minutes);
        result_.jobs.resize(jobs.size());
        children_.resize(jobs.size());
        at_once_.resize(jobs.size());
        Cursor cursor;
        cursor.t = rules.from;
        engine_.set_cursor(cursor, Revision(1));
        std::map<std::string_view, std::size_t> by_name;
        for (std::size_t i = 0; i < jobs.size(); ++i)
            by_name.emplace(jobs[i].job.spec.name, i);
        for (std::size_t i = 0; i < jobs.size(); ++i)
            if (const auto parent = by_name.find(jobs[i].job.spec.parent_job);
                parent != by_name.end())
                children_[parent->second].push_back(i);
    }

    bool step(std::uint64_t work) {
        for (const std::uint64_t end = work_ + work; work_ < end && !over_;)
            if (loaded_ < jobs_.size())
                load(loaded_++);
            else
                turn();
        return !over_;
    }

    WallTime reached() const { return over_ ? rules_.until : now_; }
    std::uint64_t work() const { return work_; }

    Forecast take() {
        advance(reached());
        close_second();
        result_.reached = reached();
        result_.waiting = queue_.size();
        return std::move(result_);
    }

  private:
    static ShardRules engine_rules() {
        ShardRules rules;
        // No store limits what is decided at once.
        rules.max_operations = std::size_t{1} << 24;
        return rules;
    }

    void load(std::size_t index) {
        Job job = jobs_[index].job;
        job.uid = JobUid(index + 1);
        job.past.clear();
        job.effective_from = rules_.from;
        engine_.save_job(job, SharedBytes("x"), Revision(1));
        work_ += kJobCost;
    }

    void turn() {
        ++work_;
        const WallTime due = std::max(now_, engine_.next_due());
        const WallTime event = events_.empty() ? WallTime::max() : events_.top().at;
        const WallTime next = std::min(due, event);
        if (next > rules_.until) {
            over_ = true;
            return;
        }
        advance(next);
        now_ = next;
        if (due <= event)
            decide(now_);
        else
            handle(now_);
    }

    struct Run {
        ExecutionId id;
        std::size_t job = 0;
        WallTime tick;   // or when it was asked for
        WallTime ready;  // not started before: the tick and its part of the spread
    };
    struct Event {
        WallTime at;
        std::uint64_t order = 0;
        bool ends = false;  // else it becomes ready
        Run run;
        bool operator>(const Event& other) const {
            return std::tie(at, order) > std::tie(other.at, other.order);
        }
    };

    void put(WallTime at, bool ends, Run run) {
        events_.push({at, ++order_, ends, std::move(run)});
    }

    void decide(WallTime now) {
        const auto batch = engine_.decide(now);
        if (!batch) return;
        engine_.applied(Revision(++revision_));
        work_ += batch->decisions.size();
        for (const Decision& decision : batch->decisions)
            take(decision, now);
    }

    void take(const Decision& decision, WallTime now) {
        const auto index = static_cast<std::size_t>(decision.id.uid.value - 1);
        JobForecast& job = result_.jobs[index];
        if (decision.id.trigger.kind == TriggerKind::tick) {
            job.ticks += decision.tick.count;
            result_.ticks += decision.tick.count;
            count_second(decision.tick.at, decision.tick.count);
        }
        switch (decision.tick.kind) {
            case TickDecision::Kind::skip:
                job.skipped += decision.tick.count;
                result_.skipped += decision.tick.count;
                if (!job.first_skip.is_set()) job.first_skip = decision.tick.at;
                break;
            case TickDecision::Kind::coalesce:
                break;
            case TickDecision::Kind::fire: {
                Run run{decision.id, index, decision.tick.at, now};
                if (const Duration spread = jobs_[index].job.spec.spread;
                    spread > Duration(0) && decision.id.trigger.kind == TriggerKind::tick)
                    run.ready = run.ready + Duration(static_cast<std::int64_t>(
                                                stable_hash(to_text(decision.id)) %
                                                static_cast<std::uint64_t>(spread.count())));
                if (run.ready > now)
                    put(run.ready, false, std::move(run));
                else
                    start_or_wait(std::move(run), now);
                break;
            }
        }
    }

    void handle(WallTime now) {
        const Event event = events_.top();
        events_.pop();
        if (!event.ends) return start_or_wait(event.run, now);
        --running_;
        --at_once_[event.run.job];
        engine_.remove_open(event.run.id);
        for (const std::size_t child : children_[event.run.job]) {
            Trigger trigger;
            trigger.id = {JobUid(child + 1), {TriggerKind::child, now, ++nonce_}, 0};
            trigger.job_name = jobs_[child].job.spec.name;
            engine_.add_trigger(trigger);
        }
        if (queue_.empty()) return;
        const Run next = std::move(queue_.front());
        queue_.pop_front();
        start(next, now);
    }

    void start_or_wait(Run run, WallTime now) {
        if (rules_.slots != 0 && running_ >= rules_.slots)
            queue_.push_back(std::move(run));
        else
            start(run, now);
    }

    void start(const Run& run, WallTime now) {
        JobForecast& job = result_.jobs[run.job];
        ++job.runs;
        ++result_.runs;
        ++result_.starts[minute_of(now)];
        const Duration waited = now - run.ready;
        job.latest = std::max(job.latest, waited);
        if (waited > rules_.late_after) {
            ++job.late;
            ++result_.late;
            if (!job.first_late.is_set()) job.first_late = run.tick;
        }
        ++running_;
        job.most_at_once = std::max(job.most_at_once, ++at_once_[run.job]);
        auto& running = result_.running[minute_of(now)];
        running = std::max(running, running_);
        if (running_ > result_.most_running) {
            result_.most_running = running_;
            result_.most_running_at = now;
        }
        put(now + std::max(jobs_[run.job].duration, Duration(1)), true, run);
    }

    std::size_t minute_of(WallTime at) const {
        return static_cast<std::size_t>((at - result_.first_minute) / kMinute);
    }

    // Whatever runs now runs in every minute up to `to` as well.
    void advance(WallTime to) {
        const std::size_t last = minute_of(to);
        for (; minute_ < last; ++minute_)
            result_.running[minute_ + 1] = std::max(result_.running[minute_ + 1], running_);
    }

    void count_second(WallTime at, std::uint32_t count) {
        const std::int64_t second = at.seconds();
        if (second % 60 == 0) result_.at_second_zero += count;
        if (second % 3600 == 0) result_.at_minute_zero += count;
        if (second_.ticks != 0 && second_.at != at) close_second();
        second_.at = at;
        second_.ticks += count;
    }

    void close_second() {
        if (second_.ticks != 0) {
            auto& fullest = result_.fullest;
            const auto at = std::ranges::find_if(
                fullest, [&](const Forecast::Second& s) { return s.ticks < second_.ticks; });
            fullest.insert(at, second_);
            if (fullest.size() > kFullestSeconds) fullest.pop_back();
        }
        second_ = {};
    }

    const std::vector<ForecastJob>& jobs_;
    const ForecastRules rules_;
    ShardEngine engine_;
    Forecast result_;
    std::vector<std::vector<std::size_t>> children_;
    std::vector<std::uint32_t> at_once_;  // runs of each job under way
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::deque<Run> queue_;  // ready, without a slot
    std::uint32_t running_ = 0;
    std::size_t minute_ = 0;
    WallTime now_;
    bool over_ = false;
    std::size_t loaded_ = 0;  // of the jobs, into the engine
    std::uint64_t work_ = 0;
    Forecast::Second second_;
    std::uint64_t order_ = 0, nonce_ = 0, revision_ = 1;
};

Forecaster::Forecaster(const std::vector<ForecastJob>& jobs, const ForecastRules& rules)
    : driver_(std::make_unique<Driver>(jobs, rules)) {}
Forecaster::~Forecaster() = default;

bool Forecaster::step(std::uint64_t work) {
    return driver_->step(work);
}
WallTime Forecaster::reached() const {
    return driver_->reached();
}
std::uint64_t Forecaster::work() const {
    return driver_->work();
}
Forecast Forecaster::take() {
    return driver_->take();
}

Forecast forecast(const std::vector<ForecastJob>& jobs, const ForecastRules& rules,
                  const std::function<void(WallTime)>& progress) {
    Forecaster forecaster(jobs, rules);
    while (forecaster.step(kProgressEvery))
        if (progress) progress(forecaster.reached());
    return forecaster.take();
}

}  // namespace khronos::core

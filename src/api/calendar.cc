#include "api/calendar.h"

#include <algorithm>
#include <memory>

#include "core/schedule/era.h"
#include "store/codec.h"

namespace khronos::api {
namespace {

constexpr Duration kDay = std::chrono::hours(24);
// About two milliseconds of work.
constexpr std::size_t kSlice = 10'000;
constexpr std::size_t kJobCost = 20;  // of decoding one, in ticks

class Forecast : public std::enable_shared_from_this<Forecast> {
  public:
    Forecast(cluster::Catalog& catalog, runtime::Loop& loop, WallTime from, WallTime to,
             std::move_only_function<void(std::vector<ForecastDay>)> done)
        : catalog_(catalog), loop_(loop), from_(from), to_(to), done_(std::move(done)) {
        for (WallTime day = day_of(from); day <= day_of(to); day = day + kDay)
            days_.push_back({day, 0, false});
    }

    void slice() {
        std::size_t cost = 0;
        bool ended = true;
        std::string last;
        // Few enough that not even the busiest jobs make the slice long.
        catalog_.visit(next_name_, kJobsAtOnce, [&](const cluster::CatalogEntry& entry) {
            ended = false;
            if (cost >= kSlice) return;
            cost += kJobCost + count(entry);
            last = entry.name();
        });
        if (ended || spent_ >= kForecastTicks) {
            if (!ended)
                for (ForecastDay& day : days_)
                    day.estimated = true;
            return done_(std::move(days_));
        }
        next_name_ = last + '\0';
        loop_.post([self = shared_from_this()] { self->slice(); });
    }

  private:
    static constexpr std::size_t kJobsAtOnce = 500;

    std::size_t count(const cluster::CatalogEntry& entry) {
        const auto job = store::decode<core::Job>(entry.record.view());
        if (!job || job->spec.disabled || job->spec.schedule.empty()) return 0;
        const auto schedule = core::compile(job->spec);
        if (!schedule) return 0;
        const core::Era era = core::era_of(*job, *schedule);
        WallTime at = from_;
        std::size_t ticks = 0;
        while (ticks < kForecastTicksPerJob) {
            const auto tick = era.next(at);
            if (!tick || *tick > to_) return ticks;
            at = *tick;
            add(at, 1);
            ++ticks;
        }
        estimate(at, ticks);
        return ticks;
    }

    void add(WallTime at, std::uint64_t ticks) {
        const auto index = static_cast<std::size_t>((day_of(at) - days_[0].day) / kDay);
        if (index < days_.size()) days_[index].ticks += ticks;
        spent_ += 1;
    }

    // As many a time as there were up to `at`, from there to the end.
    void estimate(WallTime at, std::size_t ticks) {
        const double a_second =
            static_cast<double>(ticks) / std::max(1.0, static_cast<double>((at - from_) / 1s));
        while (at < to_) {
            const WallTime until = std::min(to_, day_of(at) + kDay);
            const auto index = static_cast<std::size_t>((day_of(at) - days_[0].day) / kDay);
            if (index >= days_.size()) return;
            days_[index].ticks +=
                static_cast<std::uint64_t>(a_second * static_cast<double>((until - at) / 1s) + 0.5);
            days_[index].estimated = true;
            at = until;
        }
    }

    cluster::Catalog& catalog_;
    runtime::Loop& loop_;
    const WallTime from_;
    const WallTime to_;
    std::move_only_function<void(std::vector<ForecastDay>)> done_;
    std::vector<ForecastDay> days_;
    std::string next_name_;
    std::size_t spent_ = 0;
};

}  // namespace

WallTime day_of(WallTime at) {
    constexpr std::int64_t kSeconds = 86400;
    const std::int64_t seconds = at.seconds();
    return WallTime::from_seconds(seconds - (seconds % kSeconds + kSeconds) % kSeconds);
}

void forecast(cluster::Catalog& catalog, runtime::Loop& loop, WallTime from, WallTime to,
              std::move_only_function<void(std::vector<ForecastDay>)> done) {
    auto work = std::make_shared<Forecast>(catalog, loop, from, to, std::move(done));
    loop.post([work] { work->slice(); });
}

}  // namespace khronos::api

// The ticks of a schedule by brute force: walks the minutes, asks the time-zone library what the
// local time is, and looks whether the fields say so. Shares no code with core/cron, which is what
// it judges. It does not know `H` and `~`, which depend on how the job's name is hashed.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <absl/time/time.h>

#include "core/model/job.h"

namespace khronos::verify {

namespace oracle {
struct Line {
    std::uint64_t seconds = 0, minutes = 0, hours = 0, days = 0, months = 0, weekdays = 0;
    std::vector<int> from_end;  // L is 0, L-2 is 2
    std::vector<int> nearest;   // 15W is 15, LW is 0
    struct Nth {
        int weekday, n;  // n is 1..5, or 0: the last
    };
    std::vector<Nth> nth;
    bool any_day = false, any_weekday = false;
    bool runs_in_gap = false, runs_first = true, runs_second = false;
};
struct Every {
    std::int64_t seconds = 0;
};
struct Once {
    bool never = false;    // by itself
    bool at_once = false;  // @oneway: when it is saved
    std::int64_t at = 0;
};
}  // namespace oracle

class TickOracle {
  public:
    // The error says what it does not know: the checker cannot tell then.
    static std::expected<TickOracle, std::string> parse(const std::string& schedule,
                                                        const std::string& timezone,
                                                        core::DstGap gap, core::DstOverlap overlap);

    // All ticks t with from < t <= to, in order; the first `most` of them.
    std::vector<WallTime> ticks(WallTime from, WallTime to, WallTime anchor,
                                std::size_t most = SIZE_MAX) const;

    // The one tick of `@at` and `@after`.
    std::optional<WallTime> only_tick() const {
        if (!std::holds_alternative<Once>(rule_) || once().never) return std::nullopt;
        return WallTime::from_seconds(once().at);
    }
    bool fires_at_once() const { return std::holds_alternative<Once>(rule_) && once().at_once; }

  private:
    using Line = oracle::Line;
    using Every = oracle::Every;
    using Once = oracle::Once;
    const Once& once() const { return std::get<Once>(rule_); }

    bool day_matches(const Line& line, absl::CivilDay day) const;
    bool matches(const Line& line, absl::CivilSecond local) const;
    bool ticks_at(const Line& line, std::int64_t second) const;
    // The first second after `second` that may be a tick for all one can see from the hour, the
    // day and the month; `second` itself, mostly.
    std::int64_t skip(const Line& line, std::int64_t second) const;
    std::vector<WallTime> line_ticks(const Line& line, std::int64_t from, std::int64_t to,
                                     std::size_t most) const;

    std::variant<Line, Every, Once> rule_;
    absl::TimeZone zone_;
};

}  // namespace khronos::verify

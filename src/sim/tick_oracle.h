// The ticks of a schedule by brute force: walks the minutes, asks the time-zone library what the
// local time is, and looks whether the fields say so. Knows the plain six-field lines,
// `@every`, `@at` and the predefined words; shares no code with core/cron, which is what it
// judges.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <variant>
#include <vector>

#include <absl/time/time.h>

#include "core/model/job.h"

namespace khronos::sim {

namespace oracle {
struct Line {
    std::uint64_t seconds = 0, minutes = 0, hours = 0, days = 0, months = 0, weekdays = 0;
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
                                                        core::DstGap gap,
                                                        core::DstOverlap overlap);

    // All ticks t with from < t <= to, in order.
    std::vector<WallTime> ticks(WallTime from, WallTime to, WallTime anchor) const;

    bool fires_at_once() const { return std::holds_alternative<Once>(rule_) && once().at_once; }

  private:
    using Line = oracle::Line;
    using Every = oracle::Every;
    using Once = oracle::Once;
    const Once& once() const { return std::get<Once>(rule_); }

    bool matches(const Line& line, absl::CivilSecond local) const;
    bool ticks_at(const Line& line, std::int64_t second) const;
    std::vector<WallTime> line_ticks(const Line& line, std::int64_t from, std::int64_t to) const;

    std::variant<Line, Every, Once> rule_;
    absl::TimeZone zone_;
};

}  // namespace khronos::sim

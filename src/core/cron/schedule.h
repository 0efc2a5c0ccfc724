// A parsed schedule: when a job runs by itself.
//
// The text is six cron fields (second minute hour day-of-month month day-of-week) or one of
//   @yearly @annually @monthly @weekly @daily @midnight @hourly @minutely
//   @every <duration>                   T_k = anchor + k * duration, k >= 1
//   @at <RFC 3339>                      once
//   @after <RFC 3339> <<ISO 8601 grace> once, that late at most: `@after 2026-01-01T00:00:00Z
//   <PT2H`
//   @oneway                             once, when the job is saved
//   @manually, or nothing               never by itself
// Before any of them may stand `TZ=<zone>` or `CRON_TZ=<zone>`, which goes before the job's own
// zone.
//
// Invariants: every tick is a whole second of UTC. next() is strictly after, prev() strictly before
// its argument; both see the same set of ticks, never call the allocator and do bounded work. The
// value is immutable, trivially copyable, one cache line, and equal when it means the same ticks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "base/time.h"
#include "core/cron/fields.h"
#include "core/zone/zone.h"

namespace khronos::cron {

// Where a schedule's text is wrong. Offset and length are in bytes of the text as given; a fault of
// the zone that came by the options has length 0.
struct CronError {
    std::size_t offset = 0;
    std::size_t length = 0;
    std::string message;  // a sentence without a full stop
    std::string hint;     // what would be right; may be empty
    bool operator==(const CronError&) const = default;
};
// "message" or "message; hint", for places with no room for a caret.
std::string to_string(const CronError& error);

struct ParseOptions {
    std::string_view timezone = {};  // IANA name; "" is UTC. A TZ= in the text goes before it
    std::uint64_t name_seed = 0;  // stable_hash(job name): resolves `H` and `~`
    DstPolicy dst = {};            // the job's `dst` field
};

// The order is that of the alternatives in Schedule::Rule.
enum class Kind : std::uint8_t { cron, every, at, after, oneway, manual };

struct Every {
    std::int64_t period_s = 0;  // >= 1
    bool operator==(const Every&) const = default;
};
struct At {
    std::int64_t at_s = 0;
    bool operator==(const At&) const = default;
};
struct After {
    std::int64_t at_s = 0;
    std::int64_t grace_s = 0;  // runs until at_s + grace_s, both included
    bool operator==(const After&) const = default;
};
struct OneWay {
    bool operator==(const OneWay&) const = default;
};
struct Manual {
    bool operator==(const Manual&) const = default;
};

// next() and prev() look at most this far, and ticks are from 0001-01-01 to 9999-12-31. The rarest
// cron line (a fifth Sunday in February) has pauses of 40 years.
inline constexpr std::int64_t kHorizonSeconds = 100LL * 366 * 86400;

class Schedule {
  public:
    using Rule = std::variant<Fields, Every, At, After, OneWay, Manual>;

    Schedule() : rule_(Manual{}), zone_(&zone::Zone::utc()) {}
    Schedule(Rule rule, const zone::Zone& zone) : rule_(rule), zone_(&zone) {}

    // Refuses a line that can never run. Bounded work for any text.
    static std::expected<Schedule, CronError> parse(std::string_view text,
                                                    const ParseOptions& options = {});

    // The first tick after `after`. `anchor` is the job's creation time and only matters to
    // @every; its fraction of a second is dropped. @at and @after have one tick, @oneway and
    // manual have none: whoever saves the job starts those.
    std::optional<WallTime> next(WallTime after, WallTime anchor) const;
    // The last tick before `before`.
    std::optional<WallTime> prev(WallTime before, WallTime anchor) const;
    // Whether `t` is a tick.
    bool matches(WallTime t, WallTime anchor) const;

    Kind kind() const { return static_cast<Kind>(rule_.index()); }
    const Rule& rule() const { return rule_; }
    const Fields* fields() const { return std::get_if<Fields>(&rule_); }  // null unless Kind::cron
    const zone::Zone& zone() const { return *zone_; }
    // How late a tick may still start by the schedule itself; only @after has one.
    std::optional<Duration> grace() const;

    bool operator==(const Schedule&) const = default;

  private:
    Rule rule_;
    const zone::Zone* zone_;
};
static_assert(sizeof(Schedule) <= 64 && std::is_trivially_copyable_v<Schedule>);

// In plain English: "at 02:30:00 every day", "every 15 minutes", "at 09:30:00, Monday to Friday".
// The zone follows in brackets unless it is UTC.
std::string describe(const Schedule& schedule);

}  // namespace khronos::cron

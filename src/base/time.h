// Two clocks, two types. WallTime says which ticks are due; MonoTime is what one waits on.
// Neither converts into the other, and nothing here reads a clock.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace khronos {

using Duration = std::chrono::microseconds;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

// Microseconds since 1970-01-01T00:00:00Z, as the machine's real-time clock has it.
// The default, kNever, is Dkron's zero time 0001-01-01T00:00:00Z: "has not happened".
struct WallTime {
    std::int64_t us = kNeverUs;

    static constexpr std::int64_t kNeverUs = -62135596800LL * 1000000;
    static constexpr WallTime from_seconds(std::int64_t s) { return WallTime{s * 1000000}; }
    static constexpr WallTime max() { return WallTime{INT64_MAX}; }

    constexpr auto operator<=>(const WallTime&) const = default;
    constexpr bool is_set() const { return us != kNeverUs; }
    // The whole second at or before this instant.
    constexpr std::int64_t seconds() const {
        return us >= 0 ? us / 1000000 : -((-us + 999999) / 1000000);
    }
    constexpr WallTime floor_second() const { return from_seconds(seconds()); }
};
constexpr WallTime operator+(WallTime t, Duration d) { return WallTime{t.us + d.count()}; }
constexpr WallTime operator-(WallTime t, Duration d) { return WallTime{t.us - d.count()}; }
constexpr Duration operator-(WallTime a, WallTime b) { return Duration(a.us - b.us); }

// Microseconds of CLOCK_BOOTTIME: monotonic, goes on while the machine is suspended.
struct MonoTime {
    std::int64_t us = 0;

    static constexpr MonoTime max() { return MonoTime{INT64_MAX}; }
    constexpr auto operator<=>(const MonoTime&) const = default;
};
constexpr MonoTime operator+(MonoTime t, Duration d) { return MonoTime{t.us + d.count()}; }
constexpr MonoTime operator-(MonoTime t, Duration d) { return MonoTime{t.us - d.count()}; }
constexpr Duration operator-(MonoTime a, MonoTime b) { return Duration(a.us - b.us); }

// What an engine's step is told of the time.
struct Now {
    WallTime wall;
    MonoTime mono;
    bool operator==(const Now&) const = default;
};

// Civil date of the proleptic Gregorian calendar, without any zone.
struct CivilDate {
    std::int64_t year = 1970;
    int month = 1;  // 1..12
    int day = 1;    // 1..31
    bool operator==(const CivilDate&) const = default;
};
std::int64_t days_from_civil(CivilDate date);  // days since 1970-01-01
CivilDate civil_from_days(std::int64_t days);

// RFC 3339, UTC, `Z`, as few fractional digits as needed (none, or 1..6).
std::string to_rfc3339(WallTime t);
// Accepts offsets and up to nine fractional digits (cut to microseconds). Years 0001..9999.
// The error is a sentence that says what is wrong.
std::expected<WallTime, std::string> parse_rfc3339(std::string_view text);

}  // namespace khronos

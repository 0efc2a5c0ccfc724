#include "base/duration.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <optional>

namespace khronos {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t nanoseconds;
};
constexpr std::array kUnits{
    Unit{"ns", 1},           Unit{"us", 1000},        Unit{"\u00b5s", 1000},
    Unit{"\u03bcs", 1000},   Unit{"ms", 1000000},     Unit{"s", 1000000000},
    Unit{"m", 60000000000},  Unit{"h", 3600000000000}, Unit{"d", 86400000000000},
};
constexpr std::int64_t kMaxMicroseconds = 290LL * 365 * 86400 * 1000000;

std::optional<Unit> unit_named(std::string_view name) {
    for (const Unit& unit : kUnits)
        if (unit.name == name) return unit;
    return std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::expected<Duration, std::string> parse_duration(std::string_view text) {
    const auto wrong = [&](std::string_view why) {
        return std::unexpected(fmt::format("'{}' is not a duration such as 90s, 5m or 1h30m: {}",
                                           text.substr(0, 40), why));
    };
    std::string_view rest = text;
    bool negative = false;
    if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
        negative = rest[0] == '-';
        rest.remove_prefix(1);
    }
    if (rest.empty()) return wrong("it is empty");
    if (rest == "0") return Duration(0);
    // Summed in nanoseconds, in 128 bits: nothing a text of any length says can overflow it
    // before the range check below stops it.
    __int128 total = 0;
    while (!rest.empty()) {
        __int128 whole = 0;
        __int128 fraction = 0;
        __int128 scale = 1;
        std::size_t digits = 0;
        std::size_t at = 0;
        for (; at < rest.size() && is_digit(rest[at]); ++at, ++digits) {
            whole = whole * 10 + (rest[at] - '0');
            if (whole > __int128{1} << 80) return wrong("it is too long");
        }
        if (at < rest.size() && rest[at] == '.') {
            for (++at; at < rest.size() && is_digit(rest[at]); ++at, ++digits) {
                if (scale >= 1000000000000000) continue;  // below any unit's nanosecond
                fraction = fraction * 10 + (rest[at] - '0');
                scale *= 10;
            }
        }
        if (digits == 0) return wrong("a number is missing");
        std::size_t end = at;
        while (end < rest.size() && rest[end] != '.' && !is_digit(rest[end])) ++end;
        const std::string_view name = rest.substr(at, end - at);
        if (name.empty()) return wrong("a unit is missing (ms, s, m, h or d)");
        const std::optional<Unit> unit = unit_named(name);
        if (!unit) return wrong("a unit is none of ns, us, ms, s, m, h, d");
        total += whole * unit->nanoseconds + fraction * unit->nanoseconds / scale;
        if (total / 1000 > kMaxMicroseconds) return wrong("it is longer than 290 years");
        rest.remove_prefix(end);
    }
    const auto microseconds = static_cast<std::int64_t>(total / 1000);
    return Duration(negative ? -microseconds : microseconds);
}

std::string format_duration(Duration d) {
    std::int64_t us = d.count();
    if (us == 0) return "0s";
    std::string text;
    if (us < 0) {
        text = "-";
        us = -us;
    }
    if (us < 1000) return text + fmt::format("{}us", us);
    if (us < 1000000) {
        return us % 1000 == 0 ? text + fmt::format("{}ms", us / 1000)
                              : text + fmt::format("{:g}ms", static_cast<double>(us) / 1000);
    }
    const std::int64_t hours = us / 3600000000LL;
    const std::int64_t minutes = us / 60000000 % 60;
    const std::int64_t rest = us % 60000000;
    if (hours > 0) text += fmt::format("{}h", hours);
    if (minutes > 0) text += fmt::format("{}m", minutes);
    if (rest > 0 || (hours == 0 && minutes == 0)) {
        std::string seconds = fmt::format("{}.{:06}", rest / 1000000, rest % 1000000);
        while (seconds.back() == '0') seconds.pop_back();
        if (seconds.back() == '.') seconds.pop_back();
        text += seconds + "s";
    }
    return text;
}

}  // namespace khronos

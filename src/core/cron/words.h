// Numbers, names and lists in English, for describe() and lint().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/cron/fields.h"

namespace khronos::cron {

std::string_view month_name(int month);      // 1 is January
std::string_view weekday_name(int weekday);  // 0 is Sunday
std::string ordinal(int n);                  // "first" .. "fifth"

std::vector<int> values_of(std::uint64_t mask);
// "a", "a and b", "a, b and c".
std::string joined(const std::vector<std::string>& parts, std::string_view last = "and");
// The values with runs of three and more as "a to b", joined.
std::string ranges(std::uint64_t mask, const std::function<std::string(int)>& name);
// n when the mask is 0, n, 2n, ... up to the end of a field of `size`, with n >= 2 and at least two
// values.
std::optional<int> step_of(std::uint64_t mask, int size);
// The values are one unbroken run of at least two.
bool is_run(std::uint64_t mask);

// "2 hours 30 minutes", "hour" for exactly one of a unit.
std::string spelled_period(std::int64_t seconds);
std::string clock_time(std::int64_t second_of_day);  // 02:30:00

}  // namespace khronos::cron

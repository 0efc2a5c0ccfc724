#include "core/cron/words.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <utility>

namespace khronos::cron {

std::string_view month_name(int month) {
    constexpr std::array<std::string_view, 12> kNames{
        "January", "February", "March",     "April",   "May",      "June",
        "July",    "August",   "September", "October", "November", "December"};
    return kNames[static_cast<std::size_t>(month - 1)];
}

std::string_view weekday_name(int weekday) {
    constexpr std::array<std::string_view, 7> kNames{
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
    return kNames[static_cast<std::size_t>(weekday)];
}

std::string ordinal(int n) {
    constexpr std::array<std::string_view, 5> kNames{"first", "second", "third", "fourth", "fifth"};
    return std::string(kNames[static_cast<std::size_t>(n - 1)]);
}

std::vector<int> values_of(std::uint64_t mask) {
    std::vector<int> values;
    for (; mask != 0; mask &= mask - 1) values.push_back(std::countr_zero(mask));
    return values;
}

std::string joined(const std::vector<std::string>& parts, std::string_view last) {
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) text += i + 1 == parts.size() ? fmt::format(" {} ", last) : ", ";
        text += parts[i];
    }
    return text;
}

std::string ranges(std::uint64_t mask, const std::function<std::string(int)>& name) {
    std::vector<std::string> parts;
    const std::vector<int> values = values_of(mask);
    for (std::size_t i = 0; i < values.size();) {
        std::size_t end = i + 1;
        while (end < values.size() && values[end] == values[end - 1] + 1) ++end;
        if (end - i >= 3) {
            parts.push_back(fmt::format("{} to {}", name(values[i]), name(values[end - 1])));
        } else {
            for (std::size_t k = i; k < end; ++k) parts.push_back(name(values[k]));
        }
        i = end;
    }
    return joined(parts);
}

std::optional<int> step_of(std::uint64_t mask, int size) {
    const std::vector<int> values = values_of(mask);
    if (values.size() < 2 || values[0] != 0 || values[1] < 2) return std::nullopt;
    const int step = values[1];
    for (std::size_t i = 0; i < values.size(); ++i)
        if (values[i] != static_cast<int>(i) * step) return std::nullopt;
    return values.back() + step >= size ? std::optional(step) : std::nullopt;
}

bool is_run(std::uint64_t mask) {
    if (mask == 0) return false;
    const std::uint64_t low = mask >> std::countr_zero(mask);
    return low > 1 && (low & (low + 1)) == 0;
}

std::string spelled_period(std::int64_t seconds) {
    constexpr std::array<std::pair<std::int64_t, std::string_view>, 4> kUnits{
        {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}}};
    std::vector<std::string> parts;
    for (const auto& [size, unit] : kUnits) {
        const std::int64_t count = seconds / size;
        seconds %= size;
        if (count == 0) continue;
        if (count == 1 && parts.empty() && seconds == 0) return std::string(unit);
        parts.push_back(fmt::format("{} {}{}", count, unit, count == 1 ? "" : "s"));
    }
    return fmt::format("{}", fmt::join(parts, " "));
}

std::string clock_time(std::int64_t second_of_day) {
    return fmt::format("{:02}:{:02}:{:02}", second_of_day / 3600, second_of_day / 60 % 60,
                       second_of_day % 60);
}

}  // namespace khronos::cron

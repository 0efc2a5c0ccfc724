// A schedule in words, from its masks: the time of day, then the days, then the zone.
#include <fmt/format.h>

#include <bit>

#include "core/cron/schedule.h"
#include "core/cron/words.h"

namespace khronos::cron {
namespace {

// Up to here the times of a day are named one by one.
constexpr int kNamedTimes = 4;

std::string number(int n) { return fmt::format("{}", n); }

std::string plural(std::string_view unit, std::uint64_t mask) {
    return fmt::format("{}{} {}", unit, std::has_single_bit(mask) ? "" : "s", ranges(mask, number));
}

struct TimePhrase {
    std::string text;
    bool is_clock = false;  // names times of day, so that "every day" completes it
};

std::string named_times(const Fields& f) {
    std::vector<std::string> times;
    for (const int h : values_of(f.hours))
        for (const int m : values_of(f.minutes))
            for (const int s : values_of(f.seconds))
                times.push_back(clock_time(h * 3600 + m * 60 + s));
    return "at " + joined(times);
}

// "" for all hours.
std::string hours_phrase(const Fields& f, std::string_view last_minute) {
    if (f.is_elastic()) return "";
    if (is_run(f.hours) || std::has_single_bit(f.hours))
        return fmt::format(" from {:02}:00 to {:02}:{}", std::countr_zero(f.hours),
                           31 - std::countl_zero(f.hours), last_minute);
    return fmt::format(", in {}", plural("hour", f.hours));
}

TimePhrase time_phrase(const Fields& f) {
    const bool whole_minutes = f.seconds == 1;
    if (whole_minutes && f.minutes == 1) {
        if (f.is_elastic()) return {"every hour"};
        if (const auto step = step_of(f.hours, 24); step && 24 % *step == 0)
            return {fmt::format("every {} hours", *step)};
        if (is_run(f.hours) && std::popcount(f.hours) > kNamedTimes)
            return {"every hour" + hours_phrase(f, "00")};
    }
    if (std::popcount(f.hours) * std::popcount(f.minutes) * std::popcount(f.seconds) <= kNamedTimes)
        return {named_times(f), true};
    if (whole_minutes) {
        if (f.minutes == kAllSixty) return {"every minute" + hours_phrase(f, "59")};
        if (const auto step = step_of(f.minutes, 60); step && 60 % *step == 0)
            return {fmt::format("every {} minutes", *step) + hours_phrase(f, "59")};
        const std::string minutes = "at " + plural("minute", f.minutes);
        return {f.is_elastic() ? minutes + " of every hour" : minutes + hours_phrase(f, "59")};
    }
    std::string text;
    const auto step = step_of(f.seconds, 60);
    if (f.seconds == kAllSixty) {
        text = "every second";
    } else if (step && 60 % *step == 0) {
        text = fmt::format("every {} seconds", *step);
    } else {
        text = "at " + plural("second", f.seconds) + " of ";
        text += f.minutes == kAllSixty ? "every minute" : plural("minute", f.minutes);
        return {text + hours_phrase(f, "59")};
    }
    if (f.minutes != kAllSixty) {
        text += ", in " + plural("minute", f.minutes);
        if (f.is_elastic()) text += " of every hour";
    }
    return {text + hours_phrase(f, "59")};
}

std::string month_list(std::uint16_t months) {
    return ranges(months, [](int m) { return std::string(month_name(m)); });
}

bool has_special_days(const Fields& f) { return (f.days_from_end | f.near_weekdays) != 0; }

std::string days_of_month_phrase(const Fields& f) {
    std::vector<std::string> parts;
    if (f.days != 0) parts.push_back(plural("day", f.days) + " of the month");
    for (const int n : values_of(f.days_from_end)) {
        if (n == 0) parts.emplace_back("the last day of the month");
        if (n == 1) parts.emplace_back("the day before the last of the month");
        if (n > 1) parts.push_back(fmt::format("the {}th-last day of the month", n + 1));
    }
    for (const int n : values_of(f.near_weekdays)) {
        if (n == 0) parts.emplace_back("the last working day of the month");
        if (n > 0) parts.push_back(fmt::format("the working day nearest to day {}", n));
    }
    return "on " + joined(parts);
}

std::string weekdays_phrase(const Fields& f) {
    const auto name = [](int d) { return std::string(weekday_name(d)); };
    if (f.nth_weekdays == 0 && is_run(f.weekdays) && std::popcount(f.weekdays) >= 3)
        return ranges(f.weekdays, name);
    std::vector<std::string> parts;
    if (f.weekdays != 0) parts.push_back(ranges(f.weekdays, name));
    for (const int bit : values_of(f.nth_weekdays)) {
        const int weekday = bit >= 40 ? bit - 40 : bit / 5;
        const std::string which = bit >= 40 ? "last" : ordinal(bit % 5 + 1);
        parts.push_back(fmt::format("the {} {} of the month", which, weekday_name(weekday)));
    }
    return "on " + joined(parts);
}

std::string with_days(const TimePhrase& time, const Fields& f) {
    const bool all_months = f.months == kAllMonths;
    std::string text = time.text;
    if (!f.day_restricted && !f.weekday_restricted) {
        if (time.is_clock) text += " every day";
        return all_months ? text : text + " in " + month_list(f.months);
    }
    text += ", ";
    // "on 1 January" reads better than "on day 1 of the month in January".
    if (!f.weekday_restricted && std::has_single_bit(f.months) && !has_special_days(f)) {
        text += fmt::format("on {} {}", ranges(f.days, number), month_list(f.months));
        return text;
    }
    if (f.day_restricted) text += days_of_month_phrase(f);
    if (f.day_restricted && f.weekday_restricted) text += " or ";
    if (f.weekday_restricted) text += weekdays_phrase(f);
    return all_months ? text : text + ", in " + month_list(f.months);
}

std::string at_phrase(std::int64_t at_s, const zone::Zone& zone) {
    return "once, at " + zone::to_rfc3339(WallTime::from_seconds(at_s), zone);
}

}  // namespace

std::string describe(const Schedule& schedule) {
    const Schedule::Rule& rule = schedule.rule();
    switch (schedule.kind()) {
        case Kind::cron: {
            const Fields& fields = std::get<Fields>(rule);
            const std::string text = with_days(time_phrase(fields), fields);
            const zone::Zone& zone = schedule.zone();
            return zone.is_utc() ? text : fmt::format("{} ({})", text, zone.name());
        }
        case Kind::every: return "every " + spelled_period(std::get<Every>(rule).period_s);
        case Kind::at: return at_phrase(std::get<At>(rule).at_s, schedule.zone());
        case Kind::after: {
            const After& after = std::get<After>(rule);
            const std::string text = at_phrase(after.at_s, schedule.zone());
            if (after.grace_s == 0) return text;
            const std::string grace = spelled_period(after.grace_s);
            const bool has_number = grace.find(' ') != std::string::npos;
            return fmt::format("{}, at most {}{} late", text, has_number ? "" : "1 ", grace);
        }
        case Kind::oneway: return "once, when the job is saved";
        case Kind::manual: return "never by itself";
    }
    return "";
}

}  // namespace khronos::cron

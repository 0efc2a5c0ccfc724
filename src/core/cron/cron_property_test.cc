// next() and prev() against the oracle, on random lines near random changes of clocks.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdlib>

#include "core/cron/schedule.h"
#include "core/cron/tick_oracle.h"

namespace khronos::cron {
namespace {

constexpr const char* kZones[] = {
    "UTC",           "Europe/Paris",     "America/New_York", "Australia/Lord_Howe",
    "Asia/Beirut",   "Africa/Cairo",     "Europe/Dublin",    "America/Sao_Paulo",
    "Pacific/Apia",  "Asia/Kathmandu",   "Africa/Casablanca", "America/St_Johns",
    "Asia/Gaza",     "Pacific/Kwajalein", "Africa/Monrovia",  "Antarctica/Troll",
    "America/Nuuk",  "Europe/Lisbon",    "America/Havana",   "Asia/Tehran",
};

// More than the library's hundred, unless the caller says otherwise.
const int kMoreTests = setenv("RC_PARAMS", "max_success=1500 max_discard_ratio=50", 0);

struct Line {
    std::string text;
    OracleSpec spec;
};

int in_range(int low, int high) { return *rc::gen::inRange(low, high + 1); }
bool one_in(int n) { return in_range(1, n) == 1; }

struct FieldText {
    std::string text;
    std::set<int> values;
    bool star = false;
};

// One to three terms; `dense` makes `*` likely.
FieldText random_field(int min, int max, int star_in) {
    if (one_in(star_in)) {
        FieldText field{"*", {}, true};
        for (int v = min; v <= max; ++v) field.values.insert(v);
        return field;
    }
    FieldText field;
    const int terms = one_in(3) ? in_range(2, 3) : 1;
    for (int i = 0; i < terms; ++i) {
        if (i > 0) field.text += ',';
        int low = in_range(min, max);
        int high = low;
        int step = 1;
        switch (in_range(0, 3)) {
            case 0: field.text += fmt::format("{}", low); break;
            case 1:
                high = in_range(low, max);
                field.text += fmt::format("{}-{}", low, high);
                break;
            case 2:
                high = in_range(low, max);
                step = in_range(1, max - min + 1);
                field.text += fmt::format("{}-{}/{}", low, high, step);
                break;
            default:
                low = min;
                high = max;
                step = in_range(2, max - min + 1);
                field.text += fmt::format("*/{}", step);
                break;
        }
        for (int v = low; v <= high; v += step) field.values.insert(v);
    }
    return field;
}

void random_day_extension(Line& line, std::string& day, std::string& weekday) {
    OracleSpec& spec = line.spec;
    const int n = in_range(1, 28);
    switch (in_range(0, 4)) {
        case 0:
            spec.from_end.insert(n % 5);
            day = n % 5 == 0 ? "L" : fmt::format("L-{}", n % 5);
            break;
        case 1:
            spec.near.insert(n);
            day = fmt::format("{}W", n);
            break;
        case 2:
            spec.near.insert(0);
            day = "LW";
            break;
        case 3:
            spec.nth_weekdays.insert({n % 7, 1 + n % 4});
            weekday = fmt::format("{}#{}", n % 7, 1 + n % 4);
            spec.weekdays.clear();
            spec.weekday_restricted = true;
            return;
        default:
            spec.nth_weekdays.insert({n % 7, 0});
            weekday = fmt::format("{}L", n % 7);
            spec.weekdays.clear();
            spec.weekday_restricted = true;
            return;
    }
    spec.days.clear();
    spec.day_restricted = true;
}

Line random_line() {
    const FieldText second = random_field(0, 59, 8);
    const FieldText minute = random_field(0, 59, 4);
    const FieldText hour = one_in(2) ? FieldText{fmt::format("{}", in_range(0, 4)), {}, false}
                                     : random_field(0, 23, 2);
    const FieldText day = random_field(1, 31, 2);
    const FieldText month = random_field(1, 12, 2);
    const FieldText weekday = random_field(0, 6, 2);
    Line line;
    line.spec = {second.values, minute.values, hour.values, day.values, month.values,
                 weekday.values, !day.star, !weekday.star, {}, {}, {}, {}};
    if (hour.values.empty()) line.spec.hours = {std::stoi(hour.text)};
    std::string day_text = day.text;
    std::string weekday_text = weekday.text;
    if (one_in(3)) random_day_extension(line, day_text, weekday_text);
    line.text = fmt::format("{} {} {} {} {} {}", second.text, minute.text, hour.text, day_text,
                            month.text, weekday_text);
    line.spec.dst.gap = static_cast<GapRule>(one_in(2) ? 0 : in_range(0, 2));
    line.spec.dst.overlap = static_cast<OverlapRule>(one_in(2) ? 0 : in_range(0, 3));
    return line;
}

absl::TimeZone load(const std::string& name) {
    absl::TimeZone tz;
    if (!absl::LoadTimeZone(name, &tz)) ADD_FAILURE() << name;
    return tz;
}

std::vector<std::int64_t> forward(const Schedule& schedule, std::int64_t from, std::int64_t to) {
    std::vector<std::int64_t> ticks;
    auto tick = schedule.next(WallTime::from_seconds(from - 1), WallTime{});
    while (tick && tick->seconds() < to) {
        ticks.push_back(tick->seconds());
        tick = schedule.next(*tick, WallTime{});
    }
    return ticks;
}

std::vector<std::int64_t> backward(const Schedule& schedule, std::int64_t from, std::int64_t to) {
    std::vector<std::int64_t> ticks;
    auto tick = schedule.prev(WallTime::from_seconds(to), WallTime{});
    while (tick && tick->seconds() >= from) {
        ticks.push_back(tick->seconds());
        tick = schedule.prev(*tick, WallTime{});
    }
    std::ranges::reverse(ticks);
    return ticks;
}

// As a plain truth value: a failure then prints the line, not a hundred thousand ticks.
bool same(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) { return a == b; }

// A time within a day and a half of some change of the zone, or any time where it has none.
std::int64_t near_a_change(const zone::Zone& zone) {
    const auto segments = zone.segments();
    if (segments.size() == 1) return *rc::gen::inRange<std::int64_t>(-3000000000, 6000000000);
    const int last = static_cast<int>(segments.size()) - 1;
    const int index = in_range(1, one_in(2) ? std::min(last, 250) : last);
    return segments[static_cast<std::size_t>(index)].start +
           *rc::gen::inRange<std::int64_t>(-130000, 130000);
}

TEST(CronProperty, AgreesWithTheOracleNearChangesOfClocks) {
    const bool ok = rc::check([] {
        const std::string name = *rc::gen::elementOf(std::vector<std::string>(
            std::begin(kZones), std::end(kZones)));
        const zone::Zone& zone = **zone::Zone::find(name);
        const Line line = random_line();
        const std::int64_t middle = near_a_change(zone);
        const std::int64_t from = middle - 100000;
        const std::int64_t to = middle + 100000;
        RC_LOG() << line.text << " in " << name << " around " << middle << " gap "
                 << int(line.spec.dst.gap) << " overlap " << int(line.spec.dst.overlap) << "\n";
        const auto schedule =
            Schedule::parse(line.text, {.timezone = name, .dst = line.spec.dst});
        // A line that can never run is refused, and that is not what this test is about.
        RC_PRE(schedule.has_value());
        const auto expected = oracle_ticks(line.spec, load(name), from, to);
        RC_ASSERT(same(forward(*schedule, from, to), expected));
        RC_ASSERT(same(backward(*schedule, from, to), expected));
    });
    EXPECT_TRUE(ok);
}

TEST(CronProperty, AgreesWithTheOracleOverLongTimes) {
    const bool ok = rc::check([] {
        const std::string name = *rc::gen::elementOf(std::vector<std::string>(
            std::begin(kZones), std::end(kZones)));
        Line line = random_line();
        const int hour = in_range(0, 23);
        line.spec.seconds = {0};
        line.spec.minutes = {30};
        line.spec.hours = {hour};
        const std::string days = line.text.substr(line.text.find(' ', line.text.find(' ') + 1));
        line.text = fmt::format("0 30 {}{}", hour, days.substr(days.find(' ', 1)));
        const std::int64_t from = *rc::gen::inRange<std::int64_t>(-2000000000, 15000000000);
        const std::int64_t to = from + 3LL * 366 * 86400;
        RC_LOG() << line.text << " in " << name << " from " << from << "\n";
        const auto schedule =
            Schedule::parse(line.text, {.timezone = name, .dst = line.spec.dst});
        RC_PRE(schedule.has_value());
        const auto expected = oracle_ticks(line.spec, load(name), from, to);
        RC_ASSERT(same(forward(*schedule, from, to), expected));
        RC_ASSERT(same(backward(*schedule, from, to), expected));
    });
    EXPECT_TRUE(ok);
}

TEST(CronProperty, NextAndPrevAreInverses) {
    const bool ok = rc::check([] {
        const std::string name = *rc::gen::elementOf(std::vector<std::string>(
            std::begin(kZones), std::end(kZones)));
        const Line line = random_line();
        const auto schedule =
            Schedule::parse(line.text, {.timezone = name, .dst = line.spec.dst});
        RC_PRE(schedule.has_value());
        const WallTime after{*rc::gen::inRange<std::int64_t>(-3000000000000000, 30000000000000000)};
        const auto tick = schedule->next(after, WallTime{});
        RC_PRE(tick.has_value());
        RC_ASSERT(*tick > after);
        RC_ASSERT(schedule->matches(*tick, WallTime{}));
        const auto before = schedule->prev(*tick, WallTime{});
        if (before) RC_ASSERT(*before <= after);
        RC_ASSERT(schedule->prev(*tick + Duration(1), WallTime{}) == tick);
        if (before) RC_ASSERT(schedule->next(*before, WallTime{}) == tick);
    });
    EXPECT_TRUE(ok);
}

TEST(CronProperty, AnyTextIsAnsweredWithoutHarm) {
    const std::string letters = "0123456789*/,-?~#LWHlwh()@ \tTZ=:<PJANSUNeveryat\n\x80";
    const bool ok = rc::check([&] {
        const auto size = static_cast<std::size_t>(in_range(0, 300));
        std::string text = *rc::gen::container<std::string>(size, rc::gen::elementOf(letters));
        if (one_in(2)) text = "0 0 0 " + text;
        const auto schedule = Schedule::parse(text, {.name_seed = 7});
        if (!schedule) {
            RC_ASSERT(schedule.error().offset + schedule.error().length <= text.size());
            RC_ASSERT(!schedule.error().message.empty());
            return;
        }
        const auto tick = schedule->next(WallTime::from_seconds(0), WallTime::from_seconds(0));
        if (tick) RC_ASSERT(tick->seconds() > 0);
        RC_ASSERT(!describe(*schedule).empty());
    });
    EXPECT_TRUE(ok);
}

}  // namespace
}  // namespace khronos::cron

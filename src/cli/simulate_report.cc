#include "cli/simulate_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <numeric>
#include <ostream>

#include "base/duration.h"
#include "cli/document.h"
#include "core/schedule/era.h"

namespace khronos::cli {
namespace json = boost::json;
namespace {

using core::Forecast;
using core::JobForecast;

constexpr std::size_t kNamesShown = 5;
constexpr std::size_t kMinutesShown = 10;
// Of more jobs than this, those that nothing is to be said of are left out.
constexpr std::size_t kJobsShown = 40;

WallTime minute_at(const Simulated& s, std::size_t minute) {
    return s.forecast.first_minute + std::chrono::minutes(static_cast<std::int64_t>(minute));
}

// The minutes with the most starts, the fullest first, then the earliest.
std::vector<std::size_t> fullest_minutes(const Forecast& f) {
    std::vector<std::size_t> minutes(f.starts.size());
    std::iota(minutes.begin(), minutes.end(), std::size_t{0});
    const std::size_t count = std::min(kMinutesShown, minutes.size());
    std::partial_sort(minutes.begin(), minutes.begin() + static_cast<std::ptrdiff_t>(count),
                      minutes.end(), [&](std::size_t a, std::size_t b) {
                          return f.starts[a] != f.starts[b] ? f.starts[a] > f.starts[b] : a < b;
                      });
    minutes.resize(count);
    std::erase_if(minutes, [&](std::size_t m) { return f.starts[m] == 0; });
    return minutes;
}

std::vector<std::uint64_t> starts_per_hour(const Forecast& f) {
    std::vector<std::uint64_t> hours((f.starts.size() + 59) / 60);
    for (std::size_t minute = 0; minute < f.starts.size(); ++minute)
        hours[minute / 60] += f.starts[minute];
    return hours;
}

std::string names_due_at(const Simulated& s, WallTime at) {
    std::string names;
    std::size_t count = 0;
    for (const core::ForecastJob& job : s.jobs) {
        const auto schedule = core::compile(job.job.spec);
        if (!schedule || job.job.spec.disabled || !schedule->matches(at, job.job.anchor)) continue;
        if (count++ < kNamesShown) names += (names.empty() ? "" : ", ") + job.job.spec.name;
    }
    if (count > kNamesShown) names += fmt::format(" and {} more", count - kNamesShown);
    return names;
}

std::string counted(std::uint64_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
    return fmt::format(
        "{:.0f}%",
        whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

// Eight heights of a bar.
std::string bar_of(std::uint64_t value, std::uint64_t most) {
    constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    if (value == 0) return "·";
    return kBars[(value * 8 - 1) / most];
}

void print_hours(std::ostream& out, const Simulated& s) {
    const auto hours = starts_per_hour(s.forecast);
    const std::uint64_t most = *std::ranges::max_element(hours);
    if (most == 0 || hours.size() < 24) return;
    out << fmt::format("\nRuns in each hour; the fullest has {}:\n", most);
    for (std::size_t day = 0; day * 24 < hours.size(); ++day) {
        const std::size_t end = std::min(day * 24 + 24, hours.size());
        std::string bars;
        std::uint64_t total = 0;
        for (std::size_t hour = day * 24; hour < end; ++hour) {
            bars += bar_of(hours[hour], most);
            total += hours[hour];
        }
        if (end - day * 24 == 1 && total == 0) continue;
        out << fmt::format("  {}  {}  {}\n", to_rfc3339(minute_at(s, day * 24 * 60)).substr(0, 16),
                           bars, total);
    }
}

void print_jobs(Talk& talk, const Simulated& s) {
    Table table({{"JOB"},
                 {"TICKS", true, false},
                 {"RUNS", true, false},
                 {"SKIPPED", true, false},
                 {"LATE", true, false},
                 {"AT ONCE", true, false},
                 {"TAKES", true, false},
                 {"KNOWN BY", false, false},
                 {"REMARK"}});
    std::size_t left_out = 0;
    for (std::size_t i = 0; i < s.jobs.size(); ++i) {
        const JobForecast& job = s.forecast.jobs[i];
        std::string remark;
        if (job.skipped != 0)
            remark = fmt::format("skips first at {}", to_rfc3339(job.first_skip));
        else if (job.late != 0)
            remark = fmt::format("waits up to {} for a slot", format_duration(job.latest));
        else if (s.jobs[i].job.spec.disabled)
            remark = "paused";
        else if (job.most_at_once > 1)
            remark = "its runs overlap";
        if (remark.empty() && s.jobs.size() > kJobsShown && talk.options().format != Format::wide) {
            ++left_out;
            continue;
        }
        table.add({s.jobs[i].job.spec.name, std::to_string(job.ticks), std::to_string(job.runs),
                   std::to_string(job.skipped), std::to_string(job.late),
                   std::to_string(job.most_at_once), format_duration(s.jobs[i].duration),
                   s.sources[i], remark});
    }
    if (table.rows() > 0) talk.print(table);
    if (left_out > 0)
        talk.remark(fmt::format("{} that nothing is to be said of {} left out; -o wide shows all",
                                counted(left_out, "job"), left_out == 1 ? "is" : "are"));
}

json::value time_or_null(WallTime at) {
    return at.is_set() ? json::value(json::string(to_rfc3339(at))) : json::value(nullptr);
}

}  // namespace

json::object in_json(const Simulated& s) {
    const Forecast& f = s.forecast;
    json::array jobs;
    for (std::size_t i = 0; i < s.jobs.size(); ++i) {
        const JobForecast& job = f.jobs[i];
        jobs.push_back(json::object{{"name", s.jobs[i].job.spec.name},
                                    {"ticks", job.ticks},
                                    {"runs", job.runs},
                                    {"skipped", job.skipped},
                                    {"first_skip", time_or_null(job.first_skip)},
                                    {"late", job.late},
                                    {"first_late", time_or_null(job.first_late)},
                                    {"longest_wait", format_duration(job.latest)},
                                    {"most_at_once", job.most_at_once},
                                    {"duration", format_duration(s.jobs[i].duration)},
                                    {"duration_source", s.sources[i]}});
    }
    json::array minutes;
    for (const std::size_t minute : fullest_minutes(f))
        minutes.push_back(json::object{{"at", to_rfc3339(minute_at(s, minute))},
                                       {"runs", f.starts[minute]},
                                       {"running", f.running[minute]}});
    json::array seconds;
    for (const Forecast::Second& second : f.fullest)
        seconds.push_back(json::object{{"at", to_rfc3339(second.at)}, {"ticks", second.ticks}});
    json::array hours;
    for (const std::uint64_t runs : starts_per_hour(f))
        hours.push_back(runs);
    json::array changes;
    for (const std::string& change : s.clock_changes)
        changes.push_back(json::string(change));
    return {{"from", to_rfc3339(s.rules.from)},
            {"until", to_rfc3339(s.rules.until)},
            {"slots", s.rules.slots},
            {"ticks", f.ticks},
            {"runs", f.runs},
            {"skipped", f.skipped},
            {"late", f.late},
            {"waiting_at_end", f.waiting},
            {"at_second_zero", f.at_second_zero},
            {"at_minute_zero", f.at_minute_zero},
            {"most_running", f.most_running},
            {"most_running_at", time_or_null(f.most_running_at)},
            {"fullest_minutes", std::move(minutes)},
            {"fullest_seconds", std::move(seconds)},
            {"runs_per_hour", std::move(hours)},
            {"clock_changes", std::move(changes)},
            {"jobs", std::move(jobs)}};
}

void print_report(Talk& talk, const Simulated& s) {
    std::ostream& out = talk.session().out;
    const Forecast& f = s.forecast;
    out << fmt::format("{} to {}: {} of {}, {}, {} skipped, {} late\n", to_rfc3339(s.rules.from),
                       to_rfc3339(s.rules.until), counted(f.ticks, "tick"),
                       counted(s.jobs.size(), "job"), counted(f.runs, "run"), f.skipped, f.late);
    if (f.waiting != 0)
        out << fmt::format(
            "Still waiting for a slot at the end: {}; {} too few\n", counted(f.waiting, "run"),
            s.rules.slots == 1 ? "1 slot is" : fmt::format("{} slots are", s.rules.slots));
    if (f.runs != 0) {
        const auto minutes = fullest_minutes(f);
        out << fmt::format("Fullest minute: {} with {}; {:.1f} on average\n",
                           to_rfc3339(minute_at(s, minutes.front())),
                           counted(f.starts[minutes.front()], "run"),
                           static_cast<double>(f.runs) * 60.0 /
                               std::chrono::duration<double>(s.rules.until - s.rules.from).count());
        out << fmt::format("Most at once: {} at {}{}\n", counted(f.most_running, "run"),
                           to_rfc3339(f.most_running_at),
                           s.rules.slots == 0 ? ""
                                              : fmt::format("; the workers have {}",
                                                            counted(s.rules.slots, "slot")));
    }
    if (!f.fullest.empty()) {
        const Forecast::Second& second = f.fullest.front();
        out << printable(fmt::format("Fullest second: {} with {} ({})", to_rfc3339(second.at),
                                     counted(second.ticks, "tick"), names_due_at(s, second.at)))
            << '\n';
        out << fmt::format("The herd: {} of the ticks come in second 0 of a minute, {} on the hour",
                           percent(f.at_second_zero, f.ticks), percent(f.at_minute_zero, f.ticks));
        if (second.ticks >= 10) out << "; `H` in a field or `spread` moves them apart";
        out << '\n';
    }
    print_hours(out, s);
    if (!s.clock_changes.empty()) {
        out << "\nClocks change:\n";
        for (const std::string& change : s.clock_changes)
            out << "  " << printable(change) << '\n';
    }
    out << '\n';
    print_jobs(talk, s);
}

}  // namespace khronos::cli

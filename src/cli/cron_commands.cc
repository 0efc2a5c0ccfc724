#include "cli/cron_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <istream>
#include <ostream>
#include <string_view>

#include "base/ids.h"
#include "base/limits.h"
#include "core/cron/lint.h"
#include "core/cron/schedule.h"

namespace khronos::cli {
namespace {

using cron::CronError;
using cron::Schedule;

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
// How much of a wrong schedule is shown around the place.
constexpr std::size_t kShown = 76;
constexpr std::size_t kShownBefore = 50;

int usage_error(std::ostream& err, std::string_view message) {
    err << "error: " << message << '\n';
    return kUsage;
}

// One column for each byte, so that the caret stands where it should.
std::string one_column_each(std::string_view text) {
    std::string shown(text);
    for (char& c : shown)
        if (c < 0x20 || c > 0x7e) c = c == '\t' ? ' ' : '?';
    return shown;
}

void print_fault(std::ostream& err, std::string_view text, const CronError& error) {
    err << "error: " << error.message << '\n';
    if (!text.empty()) {
        const std::size_t start = error.offset > kShownBefore ? error.offset - kShownBefore : 0;
        const std::string_view window = text.substr(start, kShown);
        const std::string_view more = start > 0 ? "..." : "";
        const std::size_t column = error.offset - start;
        const std::size_t width =
            std::min(std::max<std::size_t>(error.length, 1),
                     std::max<std::size_t>(window.size(), column + 1) - column);
        err << "  " << more << one_column_each(window)
            << (start + kShown < text.size() ? "..." : "") << '\n'
            << "  " << std::string(more.size() + column, ' ') << std::string(width, '^') << '\n';
    }
    if (!error.hint.empty()) err << "hint: " << error.hint << '\n';
}

std::expected<Schedule, CronError> parse(std::string_view text, std::string_view timezone,
                                         std::string_view name) {
    return Schedule::parse(text, {.timezone = timezone, .name_seed = stable_hash(name)});
}

// Calls `print` with each of the first `count` times after `from`.
template <class Print>
std::uint64_t each_time(const Schedule& schedule, WallTime from, std::uint64_t count, bool utc,
                        Print print) {
    const zone::Zone& zone = utc ? zone::Zone::utc() : schedule.zone();
    std::optional<WallTime> t = from;
    for (std::uint64_t i = 0; i < count; ++i) {
        t = schedule.next(*t, from);
        if (!t) return i;
        print(zone::to_rfc3339(*t, zone));
    }
    return count;
}

// The next line without its end; of a longer one than a schedule can be, the first bytes only.
bool read_line(std::istream& in, std::string& line) {
    line.clear();
    std::streambuf* const buffer = in.rdbuf();
    for (bool some = false;; some = true) {
        const int c = buffer->sbumpc();
        if (c == std::streambuf::traits_type::eof()) return some;
        if (c == '\n') break;
        if (line.size() <= limits::kScheduleBytes + 1) line.push_back(static_cast<char>(c));
    }
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return true;
}

int answer_lines(const CronNextArgs& args, std::istream& in, std::ostream& out, WallTime from) {
    const std::uint64_t count = args.count.value_or(1);
    std::string line;
    while (read_line(in, line)) {
        if (const auto schedule = parse(line, args.timezone, args.name)) {
            std::string_view separator;
            each_time(*schedule, from, count, args.utc, [&](const std::string& time) {
                out << separator << time;
                separator = " ";
            });
        } else {
            out << "error: " << cron::to_string(schedule.error());
        }
        // A program at the other end may wait for the answer before it asks again.
        out << '\n' << std::flush;
        if (!out) return kFailed;
    }
    return kDone;
}

int answer_spec(const CronNextArgs& args, std::ostream& out, std::ostream& err, WallTime from) {
    const auto schedule = parse(*args.spec, args.timezone, args.name);
    if (!schedule) {
        print_fault(err, *args.spec, schedule.error());
        return kFailed;
    }
    const std::uint64_t printed = each_time(*schedule, from, args.count.value_or(5), args.utc,
                                            [&](const std::string& time) { out << time << '\n'; });
    if (printed == 0)
        err << "note: no time after " << to_rfc3339(from) << "; runs " << describe(*schedule)
            << '\n';
    return out ? kDone : kFailed;
}

}  // namespace

int cron_next(const CronNextArgs& args, std::istream& in, std::ostream& out, std::ostream& err,
              WallTime now) {
    WallTime from = now;
    if (args.from) {
        const auto time = parse_rfc3339(*args.from);
        if (!time) return usage_error(err, "--from: " + time.error());
        from = *time;
    }
    if (args.count && (*args.count == 0 || *args.count > kCronNextCountMax))
        return usage_error(err, fmt::format("-n: a number from 1 to {}", kCronNextCountMax));
    if (const auto zone = zone::Zone::find(args.timezone); !zone)
        return usage_error(err, fmt::format("--tz: {}", zone.error()));
    return args.spec ? answer_spec(args, out, err, from) : answer_lines(args, in, out, from);
}

int cron_check(const CronTextArgs& args, std::istream&, std::ostream& out, std::ostream& err,
               WallTime now) {
    const auto schedule = parse(args.spec, args.timezone, args.name);
    if (!schedule) {
        print_fault(err, args.spec, schedule.error());
        return kFailed;
    }
    out << "ok: " << describe(*schedule) << '\n';
    for (const std::string& remark : lint(*schedule, now))
        out << "note: " << remark << '\n';
    return kDone;
}

int cron_describe(const CronTextArgs& args, std::istream&, std::ostream& out, std::ostream& err,
                  WallTime) {
    const auto schedule = parse(args.spec, args.timezone, args.name);
    if (!schedule) {
        print_fault(err, args.spec, schedule.error());
        return kFailed;
    }
    out << describe(*schedule) << '\n';
    return kDone;
}

}  // namespace khronos::cli

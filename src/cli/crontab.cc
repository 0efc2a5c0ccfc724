#include "cli/crontab.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/utf8.h"
#include "core/zone/zone.h"

namespace khronos::cli {
namespace {

using Weight = CrontabRemark::Weight;

constexpr std::string_view kBlanks = " \t";

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

// The next word; `text` goes on behind it and its blanks.
std::string_view take_word(std::string_view& text) {
    const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    return word;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        lines.push_back(line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

bool is_space_line(std::string_view line) {
    return trimmed(line).empty();
}
bool is_comment(std::string_view line) {
    return trimmed(line).starts_with('#');
}

// `NAME = value`, `"NAME"="a b"`: a line that begins with a name or a text in quotes and an `=`.
std::optional<std::pair<std::string, std::string>> setting_of(std::string_view line) {
    std::string_view rest = trimmed(line);
    std::string name;
    if (!rest.empty() && (rest[0] == '"' || rest[0] == '\'')) {
        const std::size_t close = rest.find(rest[0], 1);
        if (close == rest.npos) return std::nullopt;
        name = rest.substr(1, close - 1);
        rest.remove_prefix(close + 1);
    } else {
        const std::size_t end = std::min(rest.find_first_of(" \t="), rest.size());
        name = rest.substr(0, end);
        rest.remove_prefix(end);
    }
    rest = trimmed(rest);
    if (name.empty() || !rest.starts_with('=')) return std::nullopt;
    rest = trimmed(rest.substr(1));
    const bool quoted =
        rest.size() >= 2 && (rest[0] == '"' || rest[0] == '\'') && rest.back() == rest[0];
    if (quoted) rest = rest.substr(1, rest.size() - 2);
    return std::pair(std::move(name), std::string(rest));
}

// What stands in the place of the user, if there is one: the sixth word, or the second behind @.
struct SixthWord {
    std::string_view word;
    bool more = false;  // something follows
};
std::optional<SixthWord> sixth_word(std::string_view line) {
    std::string_view rest = trimmed(line);
    if (rest.empty() || rest[0] == '#' || setting_of(rest)) return std::nullopt;
    for (int i = rest[0] == '@' ? 4 : 0; i < 5; ++i)
        take_word(rest);
    if (rest.empty()) return std::nullopt;
    const std::string_view word = take_word(rest);
    return SixthWord{word, !rest.empty()};
}

bool looks_like_a_user(std::string_view word) {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    if (word.empty() || word.size() > 64 || !is_letter(word[0])) return false;
    word = word.substr(0, word.find_first_of(":/"));
    return std::all_of(word.begin(), word.end(), [&](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '$';
    });
}

// Users that every Debian or its daemons bring; nobody's programs are called so.
constexpr std::string_view kWellKnownUsers[] = {
    "root",   "daemon", "www-data", "nobody", "mail",  "backup",   "postgres", "mysql",
    "list",   "nagios", "munin",    "puppet", "redis", "rabbitmq", "logcheck", "smmsp",
    "apache", "nginx",  "jenkins",  "git",    "uucp",  "cyrus",    "amavis",   "debian-sa1"};

bool is_system_path(std::string_view path) {
    return path == "/etc/crontab" || path.find("/cron.d/") != path.npos ||
           path.starts_with("cron.d/");
}

bool is_user_path(std::string_view path) {
    return path.find("/cron/crontabs/") != path.npos;
}

bool has_user_column(std::string_view text, const CrontabOptions& options) {
    if (options.system) return *options.system;
    if (is_system_path(options.path)) return true;
    if (is_user_path(options.path)) return false;
    bool some_known = false;
    for (const std::string_view line : lines_of(text)) {
        const auto sixth = sixth_word(line);
        if (!sixth) continue;
        if (!sixth->more || !looks_like_a_user(sixth->word)) return false;
        const std::string_view name = sixth->word.substr(0, sixth->word.find_first_of(":/"));
        some_known = some_known ||
                     std::ranges::find(kWellKnownUsers, name) != std::end(kWellKnownUsers) ||
                     (options.is_user && options.is_user(name));
    }
    return some_known;
}

// The command up to the first bare `%`, and behind it the input, in which each `%` ends a line.
void split_at_percent(std::string_view text, CrontabEntry& entry) {
    std::string* to = &entry.command;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '%') {
            *to += text[++i];
        } else if (text[i] != '%') {
            *to += text[i];
        } else if (!entry.input) {
            to = &entry.input.emplace();
        } else {
            *to += '\n';
        }
    }
    // A program that reads lines gets whole ones.
    if (entry.input && !entry.input->empty() && entry.input->back() != '\n') *entry.input += '\n';
    entry.command = trimmed(entry.command);
}

class Reader {
  public:
    explicit Reader(bool system) { crontab_.system = system; }

    Crontab read(std::string_view text) {
        const auto lines = lines_of(text);
        for (number_ = 1; number_ <= lines.size(); ++number_) {
            const std::string_view line = lines[number_ - 1];
            if (is_comment(line)) {
                note_comment(line);
                continue;
            }
            if (!is_space_line(line)) {
                if (!is_valid_utf8(line) || line.find('\0') != line.npos)
                    remark(Weight::wrong, "the line is no UTF-8 text");
                else if (const auto setting = setting_of(line))
                    set(setting->first, setting->second);
                else
                    read_entry(trimmed(line));
            }
            comment_.clear();
        }
        return std::move(crontab_);
    }

  private:
    void remark(Weight weight, std::string message) {
        crontab_.remarks.push_back({number_, weight, std::move(message)});
    }

    void note_comment(std::string_view line) {
        std::string_view text = trimmed(line);
        while (text.starts_with('#'))
            text.remove_prefix(1);
        text = trimmed(text);
        // A rule, the heading of the columns, or a line that was taken out says nothing of the
        // next one.
        const bool words = std::ranges::any_of(
            text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
        const bool heading = text.starts_with("m h") || text.find("dow") != text.npos ||
                             text.starts_with("|") || text.starts_with("*") ||
                             text.starts_with(".---") || text.starts_with("min");
        const bool entry = !text.empty() && (text[0] == '@' || (text[0] >= '0' && text[0] <= '9'));
        if (!words || heading || entry || !is_valid_utf8(text)) {
            comment_.clear();
            return;
        }
        if (!comment_.empty()) comment_ += ' ';
        comment_ += text;
    }

    void set(const std::string& name, const std::string& value) {
        if (name == "MAILTO") {
            defaults_.mail_to = value;
            if (!value.empty())
                remark(Weight::changed,
                       fmt::format("MAILTO={} is kept as owner_email: mail goes out as the agents "
                                   "are set up to, not with the output of every run",
                                   value));
        } else if (name == "CRON_TZ") {
            const auto zone = zone::Zone::find(value);
            zone_fault_ = zone ? "" : zone.error();
            defaults_.timezone = value;
            if (!zone) remark(Weight::wrong, fmt::format("CRON_TZ: {}", zone.error()));
        } else if (name == "SHELL") {
            defaults_.shell = value.empty() ? "/bin/sh" : value;
        } else if (name == "RANDOM_DELAY") {
            std::uint32_t minutes = 0;
            const auto [end, error] =
                std::from_chars(value.data(), value.data() + value.size(), minutes);
            if (error != std::errc{} || end != value.data() + value.size() || minutes > 24 * 60)
                return remark(Weight::wrong, "RANDOM_DELAY is no number of minutes in a day");
            defaults_.random_delay_minutes = minutes;
        } else if (name == "LOGNAME" || name == "MAILFROM" || name == "CONTENT_TYPE" ||
                   name == "CONTENT_TRANSFER_ENCODING") {
            remark(Weight::changed, fmt::format("{} is for cron itself and not passed on", name));
        } else {
            if (name == "TZ")
                remark(Weight::changed,
                       "TZ is passed to the commands and, as with cron, does not move the "
                       "schedules; CRON_TZ or --tz does");
            auto& all = defaults_.environment;
            const auto at = std::ranges::find(all, name, &Environment::value_type::first);
            if (at == all.end())
                all.emplace_back(name, value);
            else
                at->second = value;
        }
    }

    void read_entry(std::string_view rest) {
        CrontabEntry entry = defaults_;
        entry.line = number_;
        entry.comment = comment_;
        // A leading - keeps some crons from logging the line.
        if (rest.starts_with('-')) rest.remove_prefix(1);
        if (rest.starts_with('@')) {
            const std::string_view word = take_word(rest);
            const auto schedule = crontab_nickname(word);
            if (!schedule) return remark(Weight::wrong, schedule.error());
            if (schedule->empty())
                return remark(Weight::no_job,
                              "@reboot: a start of the machine is no time; let the system's "
                              "service manager run this");
            entry.schedule = *schedule;
            if (schedule->starts_with("@every"))
                remark(Weight::changed,
                       fmt::format("{} is counted from one start to the next, not from the end "
                                   "of a run",
                                   word));
        } else {
            std::string_view fields[5];
            for (std::string_view& field : fields)
                field = take_word(rest);
            if (fields[4].empty())
                return remark(Weight::wrong,
                              "neither a setting NAME=value nor five time fields and a command");
            const auto times = crontab_times(fields);
            if (!times) return remark(Weight::wrong, times.error());
            entry.schedule = times->schedule;
            entry.guard = times->guard;
        }
        if (crontab_.system) {
            entry.user = take_word(rest);
            if (!looks_like_a_user(entry.user))
                return remark(Weight::wrong,
                              fmt::format("'{}' is no user; if this is a crontab without a column "
                                          "of users, say --no-system",
                                          entry.user));
            if (const std::size_t slash = entry.user.find('/'); slash != entry.user.npos) {
                remark(Weight::changed,
                       fmt::format("the login class of {} is not kept", entry.user));
                entry.user.erase(slash);
            }
        }
        take_flags(rest, entry);
        split_at_percent(rest, entry);
        if (entry.command.empty()) return remark(Weight::wrong, "there is no command");
        if (!zone_fault_.empty())
            return remark(Weight::wrong, fmt::format("its CRON_TZ is wrong: {}", zone_fault_));
        if (entry.guard)
            remark(Weight::changed,
                   "one day field begins with *, so cron wants both to match: the job is due on "
                   "the other's days, and its command first looks whether the day is right");
        crontab_.entries.push_back(std::move(entry));
    }

    // OpenBSD's flags before a command.
    void take_flags(std::string_view& rest, CrontabEntry& entry) {
        while (rest.size() > 2 && rest[0] == '-' && is_blank(rest[2]) &&
               std::string_view("nqs").find(rest[1]) != std::string_view::npos) {
            if (rest[1] == 's') entry.one_at_a_time = true;
            take_word(rest);
        }
    }

    Crontab crontab_;
    CrontabEntry defaults_;
    std::string zone_fault_;
    std::string comment_;
    std::size_t number_ = 0;
};

}  // namespace

Crontab parse_crontab(std::string_view text, const CrontabOptions& options) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    Crontab crontab = Reader(has_user_column(text, options)).read(text);
    crontab.guessed =
        !options.system && !is_system_path(options.path) && !is_user_path(options.path);
    return crontab;
}

}  // namespace khronos::cli

#include "cli/crontab_jobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/crontab_names.h"

namespace khronos::cli {
namespace json = boost::json;
namespace {

using Weight = CrontabRemark::Weight;

std::string shell_quoted(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'')
            quoted += "'\\''";
        else
            quoted += c;
    }
    return quoted + "'";
}

bool is_variable(std::string_view name) {
    const auto is_letter = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
    };
    return !name.empty() && is_letter(name[0]) && std::ranges::all_of(name, [&](char c) {
        return is_letter(c) || (c >= '0' && c <= '9');
    });
}

// Leaves at once on the days that the schedule does not know to leave out. By the time that the
// tick has, not by the clock: a late run belongs to its own day.
std::string guard_text(const DayGuard& guard, const std::string& timezone) {
    std::string days;
    for (int day = 0; day < 32; ++day)
        if (guard.days >> day & 1)
            days +=
                (days.empty() ? "" : "|") +
                (guard.of == DayGuard::Of::month ? fmt::format("{:02}", day) : std::to_string(day));
    return fmt::format(
        "case $(TZ={} date -d \"$KHRONOS_SCHEDULED_AT\" +{}) in {}) ;; *) exit 0 ;; "
        "esac; ",
        timezone.empty() ? "UTC" : timezone, guard.of == DayGuard::Of::month ? "%d" : "%w", days);
}

class Builder {
  public:
    Builder(const CrontabJobRules& rules, std::vector<CrontabRemark>& remarks)
        : rules_(rules), remarks_(remarks) {}

    CrontabJob job(const CrontabEntry& entry) {
        const std::string timezone = entry.timezone.empty() ? rules_.timezone : entry.timezone;
        json::object document{{"name", name(entry)}, {"schedule", entry.schedule}};
        if (!timezone.empty()) document.emplace("timezone", timezone);
        if (!entry.comment.empty()) document.emplace("description", entry.comment);
        if (!entry.mail_to.empty()) document.emplace("owner_email", entry.mail_to);
        const std::string& user = entry.user.empty() ? rules_.user : entry.user;
        if (!user.empty()) document.emplace("run_as", user);
        if (entry.one_at_a_time) document.emplace("concurrency", "forbid");
        if (entry.random_delay_minutes != 0)
            document.emplace("spread", fmt::format("{}m", entry.random_delay_minutes));
        document.emplace("executor", "shell");
        document.emplace("executor_config", executor(entry, timezone));
        if (!rules_.source.empty())
            document.emplace("metadata", json::object{{"crontab", rules_.source}});
        std::string made(document.at("name").as_string());
        return {entry.line, std::move(made), entry.command, std::move(document)};
    }

  private:
    // The command and its user make the name, so that a line keeps its job when its time is
    // changed. A command that comes again gets a tag of its time as well.
    std::string name(const CrontabEntry& entry) {
        const std::string identity = entry.command + '\n' + entry.input.value_or("") + '\n' +
                                     (entry.user.empty() ? rules_.user : entry.user);
        std::string name = fmt::format("{}{}-{}", rules_.prefix, name_of_command(entry.command),
                                       name_tag(identity));
        if (taken_.emplace(name, entry.line).second) return name;
        name += '-' + name_tag(entry.schedule + '\n' + entry.timezone);
        const std::string base = name;
        for (int again = 2; !taken_.emplace(name, entry.line).second; ++again)
            name = fmt::format("{}-{}", base, again);
        return name;
    }

    json::object executor(const CrontabEntry& entry, const std::string& timezone) {
        std::string before;
        std::string env;
        std::string home;
        for (const auto& [key, value] : entry.environment) {
            if (!is_variable(key) || key == "BASH_ENV" || key == "IFS" || key == "ENV_JOB_NAME" ||
                key.starts_with("KHRONOS_")) {
                once(entry.line, fmt::format("{} cannot be set for a job and is left out", key));
                continue;
            }
            if (key == "HOME") home = value;
            // The list in `env` has no way to write a comma, and the loader's variables are not
            // let in by it.
            if (value.find(',') != value.npos || key.starts_with("LD_"))
                before += fmt::format("export {}={}; ", key, shell_quoted(value));
            else
                env += fmt::format("{}{}={}", env.empty() ? "" : ",", key, value);
        }
        if (entry.guard) before += guard_text(*entry.guard, timezone);
        const bool plain_shell =
            entry.shell == "/bin/sh" || entry.shell == "/bin/dash" || entry.shell == "sh";
        const std::string script = before + entry.command;
        json::object config;
        if (plain_shell) {
            config.emplace("shell", "true");
            config.emplace("command", script);
        } else {
            config.emplace("command", fmt::format("{} -c {}", shell_quoted_if_needed(entry.shell),
                                                  shell_quoted(script)));
        }
        if (!env.empty()) config.emplace("env", env);
        if (home.starts_with('/')) config.emplace("cwd", home);
        if (entry.input) config.emplace("payload", base64(*entry.input));
        return config;
    }

    static std::string shell_quoted_if_needed(const std::string& word) {
        const bool plain = std::ranges::all_of(word, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   c == '/' || c == '-' || c == '_' || c == '.';
        });
        return plain ? word : shell_quoted(word);
    }

    // Settings hold for many lines: said at the first.
    void once(std::size_t line, const std::string& message) {
        const bool said = std::ranges::any_of(
            remarks_, [&](const CrontabRemark& r) { return r.message == message; });
        if (!said) remarks_.push_back({line, Weight::changed, message});
    }

    const CrontabJobRules& rules_;
    std::vector<CrontabRemark>& remarks_;
    std::map<std::string, std::size_t> taken_;
};

}  // namespace

std::vector<CrontabJob> crontab_jobs(const Crontab& crontab, const CrontabJobRules& rules,
                                     std::vector<CrontabRemark>& remarks) {
    Builder builder(rules, remarks);
    std::vector<CrontabJob> jobs;
    for (const CrontabEntry& entry : crontab.entries)
        jobs.push_back(builder.job(entry));
    return jobs;
}

std::string base64(std::string_view bytes) {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group =
                group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k)
            text += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
    }
    return text;
}

}  // namespace khronos::cli

#include "app/client_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <thread>

#include "app/client_machine.h"
#include "app/version.h"
#include "base/duration.h"
#include "cli/commands.h"
#include "cli/cron_commands.h"
#include "cli/curl/curl_client.h"

namespace khronos::app {
namespace {

// Everything the words can say. The chosen command is left in `run`.
struct Words {
    CLI::App app{"A fault-tolerant distributed job scheduler", "khronos"};
    cli::Options options;
    std::string format = "table";
    std::string token_file, ca_file;
    std::string timeout;  // of a wait
    bool server_named = false;
    std::function<int(cli::Session&)> run;
    std::string wrong;  // what CLI11 cannot see

    cli::JobListArgs list;
    cli::JobApplyArgs apply;
    cli::JobRunArgs run_args;
    cli::JobNextArgs next;
    cli::ExecutionListArgs executions;
    cli::ExecutionLogsArgs logs;
    cli::CronNextArgs cron_next;
    cli::CronTextArgs cron_text;
    std::string name;
    std::vector<std::string> names;

    CLI::App* command(CLI::App* parent, const std::string& what, const std::string& does) {
        CLI::App* sub = parent->add_subcommand(what, does);
        sub->fallthrough();
        return sub;
    }
    void on(CLI::App* sub, std::function<int(cli::Session&)> what) {
        sub->callback([this, what = std::move(what)] { run = what; });
    }

    // The wait's limit; nothing, and `wrong`, where it is no duration.
    Duration wait_limit() {
        if (timeout.empty()) return Duration(0);
        const auto limit = parse_duration(timeout);
        if (!limit) wrong = "--timeout: " + limit.error();
        return limit.value_or(Duration(0));
    }
};

WallTime wall_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return WallTime{std::chrono::duration_cast<std::chrono::microseconds>(now).count()};
}

MonoTime mono_now() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return MonoTime{std::chrono::duration_cast<std::chrono::microseconds>(now).count()};
}

void add_common(Words& w) {
    CLI::App& app = w.app;
    app.fallthrough();
    app.require_subcommand(1);
    app.set_help_flag("-h,--help", "this text");
    app.set_help_all_flag("--help-all", "the help of every command");
    app.add_option("--server", w.options.server, "address of an agent")
        ->envname("KHRONOS_SERVER")
        ->capture_default_str();
    app.add_option("--token-file", w.token_file, "file with the token to show")
        ->envname("KHRONOS_TOKEN_FILE");
    app.add_option("--ca-file", w.ca_file, "authorities that the agent's certificate is held to")
        ->envname("KHRONOS_CA_FILE");
    app.add_option("-o,--output", w.format, "table, wide, json, yaml or name")
        ->check(CLI::IsMember({"table", "wide", "json", "yaml", "name"}))
        ->capture_default_str();
    app.add_flag("--quiet", w.options.quiet, "say nothing but what was asked for");
    app.add_flag("-y,--yes", w.options.yes, "do not ask before something is deleted");
    app.footer(
        "khronos agent starts an agent, khronos config shows its settings; both have a "
        "--help of their own.\nExit codes: 0 done, 1 failed, 2 wrong usage.");
}

void add_job_reading(Words& w, CLI::App* job) {
    CLI::App* list = w.command(job, "list", "the jobs");
    list->add_option("--contains", w.list.contains, "only those with this in their name");
    list->add_option("--status", w.list.status,
                     "only those with this status: success, failed, running or untriggered");
    list->add_option("-l,--label", w.list.labels, "only those with this metadata, KEY=VALUE");
    list->add_option("--sort", w.list.sort, "column to sort by")
        ->check(CLI::IsMember({"name", "displayname", "schedule", "success_count", "error_count",
                               "last_success", "last_error", "next"}))
        ->capture_default_str();
    list->add_flag("--descending", w.list.descending, "the other way round");
    list->add_option("--limit", w.list.limit, "at most so many");
    w.on(list, [&w](cli::Session& s) { return cli::job_list(w.options, w.list, s); });

    CLI::App* get = w.command(job, "get", "one job");
    get->add_option("NAME", w.name)->required();
    w.on(get, [&w](cli::Session& s) { return cli::job_get(w.options, w.name, s); });

    CLI::App* next = w.command(job, "next", "when a job runs next");
    next->add_option("NAME", w.next.name)->required();
    next->add_option("-n", w.next.count, "how many times")->capture_default_str();
    next->add_option("--from", w.next.from, "from this time on, RFC 3339; else from now");
    w.on(next, [&w](cli::Session& s) { return cli::job_next(w.options, w.next, s); });

    CLI::App* history = w.command(job, "history", "what a job's ticks and runs became");
    history->add_option("NAME", w.executions.job)->required();
    history->add_option("--limit,-n", w.executions.limit, "at most so many")->capture_default_str();
    w.on(history,
         [&w](cli::Session& s) { return cli::execution_list(w.options, w.executions, s); });
}

void add_job_writing(Words& w, CLI::App* job) {
    CLI::App* apply = w.command(job, "apply", "make the jobs be as files say");
    apply->add_option("-f,--file", w.apply.files, "a file, a directory, or - for standard input");
    apply->add_flag("--dry-run", w.apply.dry_run, "only say what would change");
    w.on(apply, [&w](cli::Session& s) { return cli::job_apply(w.options, w.apply, s); });

    CLI::App* remove = w.command(job, "delete", "delete jobs");
    remove->add_option("NAME", w.names)->required();
    w.on(remove, [&w](cli::Session& s) { return cli::job_delete(w.options, w.names, s); });

    for (const bool paused : {true, false}) {
        CLI::App* pause = paused ? w.command(job, "pause", "stop jobs from running by themselves")
                                 : w.command(job, "resume", "let jobs run by themselves again");
        pause->add_option("NAME", w.names)->required();
        w.on(pause, [&w, paused](cli::Session& s) {
            return cli::job_pause(w.options, w.names, paused, s);
        });
    }

    CLI::App* run = w.command(job, "run", "run a job now");
    run->add_option("NAME", w.run_args.name)->required();
    run->add_option("--payload", w.run_args.payload, "JSON for this run only");
    run->add_option("--idempotency-key", w.run_args.idempotency_key,
                    "the same key runs the job only once");
    run->add_flag("--wait", w.run_args.wait,
                  "print its output, wait for its end and exit as the job did");
    run->add_option("--timeout", w.timeout, "of the wait, such as 5m; then exit 124");
    w.on(run, [&w](cli::Session& s) {
        w.run_args.timeout = w.wait_limit();
        return w.wrong.empty() ? cli::job_run(w.options, w.run_args, s) : cli::kUsage;
    });
}

void add_executions(Words& w) {
    CLI::App* execution = w.command(&w.app, "execution", "what runs and what ran");
    execution->require_subcommand(1);
    CLI::App* list = w.command(execution, "list", "executions, newest first within a job");
    list->add_option("JOB", w.executions.job, "only of this job");
    list->add_option("--status", w.executions.status,
                     "only with one of these, with commas between: waiting, running, retry_wait, "
                     "succeeded, failed, timed_out, cancelled, lost, skipped, coalesced");
    list->add_option("--since", w.executions.since, "scheduled at or after this RFC 3339 time");
    list->add_option("--limit", w.executions.limit, "at most so many")->capture_default_str();
    w.on(list, [&w](cli::Session& s) { return cli::execution_list(w.options, w.executions, s); });

    CLI::App* get = w.command(execution, "get", "one execution");
    get->add_option("ID", w.name)->required();
    w.on(get, [&w](cli::Session& s) { return cli::execution_get(w.options, w.name, s); });

    CLI::App* logs = w.command(execution, "logs", "its output");
    logs->add_option("ID", w.logs.id)->required();
    logs->add_flag("-f,--follow", w.logs.follow, "go on until it is over, and exit as it did");
    logs->add_option("--timeout", w.timeout, "of the following, such as 5m; then exit 124");
    w.on(logs, [&w](cli::Session& s) {
        w.logs.timeout = w.wait_limit();
        return w.wrong.empty() ? cli::execution_logs(w.options, w.logs, s) : cli::kUsage;
    });

    CLI::App* cancel = w.command(execution, "cancel", "end executions that are not over");
    cancel->add_option("ID", w.names)->required();
    w.on(cancel, [&w](cli::Session& s) { return cli::execution_cancel(w.options, w.names, s); });
}

void add_rest(Words& w) {
    CLI::App* why = w.command(&w.app, "why", "why a tick ran, or did not");
    why->add_option("JOB@TIME", w.name,
                    "such as backup@2026-01-31T08:30:00Z; JOB alone: its latest")
        ->required();
    w.on(why, [&w](cli::Session& s) { return cli::why(w.options, w.name, s); });

    CLI::App* status = w.command(&w.app, "status", "whether the agent is well");
    w.on(status, [&w](cli::Session& s) { return cli::status(w.options, s); });

    CLI::App* version = w.command(&w.app, "version", "of this program, and of --server's agent");
    w.on(version, [&w](cli::Session& s) {
        return cli::version(w.options, std::string(kVersion), w.server_named, s);
    });
}

void add_cron(Words& w) {
    CLI::App* cron = w.command(&w.app, "cron", "questions about schedules; needs no agent");
    cron->require_subcommand(1);
    CLI::App* next = w.command(cron, "next", "when a schedule is due");
    next->add_option("SPEC", w.cron_next.spec,
                     "such as \"0 30 2 * * *\"; without it, one a line of standard input");
    next->add_option("--tz", w.cron_next.timezone, "time zone, such as Europe/Paris");
    next->add_option("--from", w.cron_next.from, "after this RFC 3339 time; else after now");
    next->add_option("-n", w.cron_next.count, "how many times; 5, and 1 for each line");
    next->add_flag("--utc", w.cron_next.utc, "print in UTC");
    next->add_option("--name", w.cron_next.name, "job name that H and ~ are resolved by");
    w.on(next, [&w](cli::Session& s) {
        return cli::cron_next(w.cron_next, s.in, s.out, s.err, wall_now());
    });
    for (const bool check : {true, false}) {
        CLI::App* sub = check ? w.command(cron, "check", "whether a schedule is right")
                              : w.command(cron, "describe", "a schedule in words");
        sub->add_option("SPEC", w.cron_text.spec)->required();
        sub->add_option("--tz", w.cron_text.timezone, "time zone, such as Europe/Paris");
        sub->add_option("--name", w.cron_text.name, "job name that H and ~ are resolved by");
        w.on(sub, [&w, check](cli::Session& s) {
            return check ? cli::cron_check(w.cron_text, s.in, s.out, s.err, wall_now())
                         : cli::cron_describe(w.cron_text, s.in, s.out, s.err, wall_now());
        });
    }
}

std::unique_ptr<Words> all_words() {
    auto words = std::make_unique<Words>();
    add_common(*words);
    CLI::App* job = words->command(&words->app, "job", "the jobs: what to run and when");
    job->require_subcommand(1);
    add_job_reading(*words, job);
    add_job_writing(*words, job);
    add_executions(*words);
    add_rest(*words);
    add_cron(*words);
    return words;
}

int run(Words& words) {
    const Terminal terminal = this_terminal();
    words.options.format = *cli::format_from_text(words.format);
    words.options.width = terminal.width;
    words.options.color = terminal.color;
    words.options.interactive = terminal.interactive;
    cli::CurlClient::Config config;
    config.server = words.options.server;
    config.ca_file = words.ca_file;
    config.user_agent = fmt::format("khronos/{}", kVersion);
    if (!words.token_file.empty()) {
        auto token = read_first_line(words.token_file);
        if (!token) {
            std::cerr << "error: " << words.token_file << ": " << token.error() << '\n';
            return cli::kFailed;
        }
        config.token = std::move(*token);
    }
    cli::CurlClient http(std::move(config));
    cli::Session session{
        http, std::cin, std::cout, std::cerr, read_sources, mono_now, [](Duration d) {
            std::this_thread::sleep_for(d);
        }};
    const int code = words.run(session);
    if (!words.wrong.empty()) std::cerr << "error: " << words.wrong << '\n';
    // A full disk or a closed pipe must not look like success.
    if (!std::cout.flush() && code == cli::kDone) return cli::kFailed;
    return code;
}

}  // namespace

int client_command(const std::vector<std::string>& words) {
    auto all = all_words();
    // CLI11 takes them last first.
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    try {
        all->app.parse(std::move(reversed));
    } catch (const CLI::ParseError& error) {
        const int code = all->app.exit(error, std::cout, std::cerr);
        return code == 0 ? cli::kDone : cli::kUsage;
    }
    all->server_named = all->app.get_option("--server")->count() > 0;
    return run(*all);
}

}  // namespace khronos::app

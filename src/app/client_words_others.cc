// All commands but `khronos job`, as words.
#include "app/client_words.h"

#include <ostream>

#include "app/client_machine.h"
#include "app/client_tree.h"
#include "app/version.h"

namespace khronos::app {

void add_execution_words(Words& w) {
    CLI::App* execution = w.command(&w.app, "execution", "what runs and what ran");
    execution->require_subcommand(1);
    CLI::App* list = w.command(execution, "list", "executions, newest first within a job");
    list->add_option("JOB", w.executions.job, "only of this job");
    list->add_option("--status", w.executions.status,
                     "only with one of these, with commas between: waiting, running, retry_wait, "
                     "succeeded, failed, timed_out, cancelled, lost, skipped, coalesced");
    list->add_option("--since", w.executions.since, "scheduled at or after this RFC 3339 time");
    list->add_option("--limit", w.executions.limit, "at most so many")->capture_default_str();
    w.watchable(list);
    Words::examples(list, {"khronos execution list backup --status failed,timed_out",
                           "khronos execution list --since 2026-01-31T00:00:00Z --limit 100"});
    w.on(list, [&w](cli::Session& s) { return cli::execution_list(w.options, w.executions, s); });

    CLI::App* get = w.command(execution, "get", "one execution");
    get->add_option("ID", w.name)->required();
    w.watchable(get);
    w.on(get, [&w](cli::Session& s) { return cli::execution_get(w.options, w.name, s); });

    CLI::App* logs = w.command(execution, "logs", "its output");
    logs->add_option("ID", w.logs.id)->required();
    logs->add_flag("-f,--follow", w.logs.follow,
                   "go on until it is over, and exit as it did; 124 on --timeout");
    Words::examples(logs, {"khronos execution logs -f ID; echo $?"});
    w.on(logs, [&w](cli::Session& s) { return cli::execution_logs(w.options, w.logs, s); });

    CLI::App* retry = w.command(execution, "retry", "run executions that are over once more");
    retry->add_option("ID", w.retry.ids)->required();
    retry->add_flag("--wait", w.retry.wait,
                    "print its output, wait for its end and exit as it did; 124 on --timeout");
    w.on(retry, [&w](cli::Session& s) { return cli::execution_retry(w.options, w.retry, s); });

    CLI::App* cancel = w.command(execution, "cancel", "end executions that are not over");
    cancel->add_option("ID", w.names)->required();
    w.on(cancel, [&w](cli::Session& s) { return cli::execution_cancel(w.options, w.names, s); });
}

void add_simulate_words(Words& w) {
    CLI::App* simulate = w.command(&w.app, "simulate", "the coming week, on a virtual clock");
    simulate->add_option("-f,--file", w.simulate.files,
                         "jobs of a file, a directory or - instead of the agent's");
    simulate->add_option("--from", w.simulate.from, "from this RFC 3339 time on; else from now");
    simulate->add_option("--days", w.simulate.days, "how many days")->capture_default_str();
    simulate->add_option("--slots", w.simulate.slots,
                         "runs that the workers take at once, 0: no limit; else what they have");
    simulate->add_option("--duration", w.simulate.durations,
                         "NAME=30s: how long a job's runs take; else as measured");
    simulate
        ->add_option("--default-duration", w.simulate.duration_otherwise,
                     "of jobs that have not run yet")
        ->capture_default_str();
    simulate->add_flag("!--no-measure", w.simulate.measured, "do not ask how long runs took");
    Words::examples(simulate, {"khronos simulate", "khronos simulate -f jobs/ --slots 8",
                               "khronos simulate --from 2027-03-25T00:00:00Z --days 7 -o json"});
    w.on(simulate, [&w](cli::Session& s) { return cli::simulate(w.options, w.simulate, s); });
}

void add_other_words(Words& w) {
    CLI::App* why = w.command(&w.app, "why", "why a tick ran, or did not");
    why->add_option("JOB@TIME", w.name,
                    "such as backup@2026-01-31T08:30:00Z; JOB alone: its latest")
        ->required();
    Words::examples(why, {"khronos why backup", "khronos why backup@2026-01-31T02:30:00Z"});
    w.on(why, [&w](cli::Session& s) { return cli::why(w.options, w.name, s); });

    CLI::App* status = w.command(&w.app, "status", "whether the agent is well");
    w.watchable(status);
    Words::examples(status, {"khronos status --watch", "khronos status -o json"});
    w.on(status, [&w](cli::Session& s) { return cli::status(w.options, s); });

    CLI::App* completion = w.command(&w.app, "completion", "words for the shell's completion");
    completion->add_option("SHELL", w.name, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    Words::examples(
        completion,
        {"source <(khronos completion bash)", "khronos completion zsh > ~/.zfunc/_khronos",
         "khronos completion fish > ~/.config/fish/completions/khronos.fish"});
    w.on(completion, [&w](cli::Session& s) {
        s.out << cli::completion_script(command_tree(w.app), w.name);
        return cli::kDone;
    });

    CLI::App* man = w.command(&w.app, "man", "the manual's page, for man(1)");
    Words::examples(man, {"khronos man | man -l -"});
    w.on(man, [&w](cli::Session& s) {
        s.out << cli::man_page(command_tree(w.app), kVersion);
        return cli::kDone;
    });

    CLI::App* version = w.command(&w.app, "version", "of this program, and of --server's agent");
    w.on(version, [&w](cli::Session& s) {
        return cli::version(w.options, std::string(kVersion), w.server_named, s);
    });
}

void add_cron_words(Words& w) {
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
    Words::examples(next, {"khronos cron next \"0 30 2 * * *\" --tz Europe/Paris -n 3",
                           "khronos cron next < schedules.txt"});
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

void add_import_words(Words& w) {
    CLI::App* import = w.group(&w.app, "import", "take jobs over from another scheduler");

    CLI::App* crontab = w.command(import, "crontab", "make a job of each line of a crontab");
    crontab
        ->add_option("FILE", w.crontab.files, "crontabs, folders of them, or - for standard input")
        ->required();
    CLI::Option* system = crontab->add_flag_callback(
        "--system", [&w] { w.crontab.system = true; },
        "a user's name stands before each command; else found out");
    crontab
        ->add_flag_callback(
            "--no-system", [&w] { w.crontab.system = false; }, "no user's name stands there")
        ->excludes(system);
    crontab->add_option("--prefix", w.crontab.prefix, "before the name of every job");
    crontab->add_option("--tz", w.crontab.timezone,
                        "time zone of lines without CRON_TZ; else this machine's");
    crontab->add_option("--user", w.crontab.user, "run_as of jobs from a crontab without users");
    crontab->add_flag("--dry-run", w.crontab.dry_run,
                      "ask no agent; with -o json or yaml, print what would be saved");
    Words::examples(crontab, {"khronos import crontab --dry-run /etc/crontab /etc/cron.d",
                              "khronos import crontab /var/spool/cron/crontabs",
                              "crontab -l | khronos import crontab --user $USER -",
                              "khronos import crontab --dry-run -o yaml my.crontab > jobs.yaml"});
    w.on(crontab, [&w, crontab](cli::Session& s) {
        if (crontab->get_option("--tz")->count() == 0) w.crontab.timezone = machine_timezone();
        w.crontab.is_user = is_user_of_this_machine;
        cli::Session with_crontabs = s;
        with_crontabs.read = read_crontabs;
        return cli::import_crontab(w.options, w.crontab, with_crontabs);
    });

    CLI::App* dkron = w.command(import, "dkron", "save the jobs that a Dkron had");
    dkron->add_option("FILE", w.dkron.files, "what its GET /v1/jobs answered; - is standard input")
        ->required();
    dkron->add_flag("--dry-run", w.dkron.dry_run, "only let the agent check them");
    Words::examples(
        dkron, {"curl -s http://dkron:8080/v1/jobs > dkron.json",
                "khronos import dkron --dry-run dkron.json", "khronos import dkron dkron.json"});
    w.on(dkron, [&w](cli::Session& s) { return cli::import_dkron(w.options, w.dkron, s); });
}

}  // namespace khronos::app

// `khronos job`, as words.
#include "app/client_words.h"

namespace khronos::app {
namespace {

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
    w.watchable(list);
    Words::examples(
        list, {"khronos job list --status failed -o wide", "khronos job list -l team=shop --watch",
               "khronos job list -o name | xargs khronos job pause"});
    w.on(list, [&w](cli::Session& s) { return cli::job_list(w.options, w.list, s); });

    CLI::App* get = w.command(job, "get", "one job");
    get->add_option("NAME", w.name)->required();
    w.watchable(get);
    Words::examples(get, {"khronos job get backup -o yaml > backup.yaml"});
    w.on(get, [&w](cli::Session& s) { return cli::job_get(w.options, w.name, s); });

    CLI::App* next = w.command(job, "next", "when a job runs next");
    next->add_option("NAME", w.next.name)->required();
    next->add_option("-n", w.next.count, "how many times")->capture_default_str();
    next->add_option("--from", w.next.from, "from this time on, RFC 3339; else from now");
    Words::examples(next, {"khronos job next backup -n 10"});
    w.on(next, [&w](cli::Session& s) { return cli::job_next(w.options, w.next, s); });

    CLI::App* history = w.command(job, "history", "what a job's ticks and runs became");
    history->add_option("NAME", w.executions.job)->required();
    history->add_option("--limit,-n", w.executions.limit, "at most so many")->capture_default_str();
    w.watchable(history);
    Words::examples(history, {"khronos job history backup -n 50"});
    w.on(history,
         [&w](cli::Session& s) { return cli::execution_list(w.options, w.executions, s); });
}

void add_job_writing(Words& w, CLI::App* job) {
    CLI::App* apply = w.command(job, "apply", "make the jobs be as files say");
    apply->add_option("-f,--file", w.apply.files,
                      "a file (JSON, YAML or TOML), a directory of them, or - for standard input");
    apply->add_flag("--dry-run", w.apply.dry_run, "only say what would change");
    Words::examples(apply, {"khronos job apply -f jobs.yaml", "khronos job apply -f jobs/",
                            "khronos job get backup -o json | khronos job apply -f -"});
    w.on(apply, [&w](cli::Session& s) { return cli::job_apply(w.options, w.apply, s); });

    CLI::App* plan = w.command(job, "plan", "what apply would change; exit 0 nothing, 1 something");
    plan->add_option("-f,--file", w.apply.files, "a file, a directory, or - for standard input");
    Words::examples(
        plan, {"khronos job plan -f jobs/", "khronos job plan -f jobs/ -o json | jq .[].ticks"});
    w.on(plan, [&w](cli::Session& s) { return cli::job_plan(w.options, w.apply, s); });

    CLI::App* remove = w.command(job, "delete", "delete jobs");
    remove->add_option("NAME", w.names)->required();
    Words::examples(remove, {"khronos job delete backup report --yes"});
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
                  "print its output, wait for its end and exit as the job did, 124 on --timeout");
    Words::examples(run, {"khronos job run backup --wait --timeout 5m; echo $?",
                          "khronos job run resize --payload '{\"width\": 640}'"});
    w.on(run, [&w](cli::Session& s) { return cli::job_run(w.options, w.run_args, s); });
}

}  // namespace

void add_job_words(Words& w) {
    CLI::App* job = w.group(&w.app, "job", "the jobs: what to run and when");
    add_job_reading(w, job);
    add_job_writing(w, job);
}

}  // namespace khronos::app

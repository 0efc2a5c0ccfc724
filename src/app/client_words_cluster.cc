// `khronos worker-list|drain|token|backup|restore`, as words.
#include "app/client_machine.h"
#include "app/client_words.h"
#include "app/version.h"

namespace khronos::app {
namespace {

void add_workers(Words& w) {
    CLI::App* list = w.command(&w.app, "worker-list", "the workers, and how much they have to do");
    w.watchable(list);
    w.on(list, [&w](cli::Session& s) { return cli::worker_list(w.options, s); });

    CLI::App* drain = w.command(&w.app, "drain", "give workers, or an agent, no new work");
    drain->add_option("WORKER", w.drain.workers, "ids or nodes, as worker-list shows them");
    drain->add_flag("--undo", w.drain.undo, "let them take new runs again");
    drain->add_flag("--wait", w.drain.wait, "until their last run is over; 124 on --timeout");
    drain->add_flag("--agent", w.drain.agent,
                    "the agent of --server hands its shards over and ends");
    Words::examples(drain,
                    {"khronos drain web-3 --wait --timeout 10m", "khronos drain --undo web-3",
                     "khronos drain --agent --server http://10.0.0.3:10001 --yes"});
    w.on(drain, [&w](cli::Session& s) { return cli::drain(w.options, w.drain, s); });
}

void add_tokens(Words& w) {
    CLI::App* token = w.group(&w.app, "token", "who may do what at the agents");

    CLI::App* create = w.command(token, "create", "make a token; its secret is shown this once");
    create->add_option("NAME", w.token.name, "what, or whom, it is for")->required();
    create->add_option("--role", w.token.role, "viewer, runner, editor or admin")
        ->required()
        ->check(CLI::IsMember({"viewer", "runner", "editor", "admin"}));
    create->add_option("--owner", w.token.owner, "who answers for it");
    create->add_option("--expires", w.token.expires,
                       "after a duration such as 720h, or at an RFC 3339 time; else never");
    Words::examples(create, {"khronos token create ci --role editor --expires 2160h > ci.token",
                             "khronos job list --token-file ci.token"});
    w.on(create, [&w](cli::Session& s) { return cli::token_create(w.options, w.token, s); });

    CLI::App* list = w.command(token, "list", "the tokens, without their secrets");
    w.on(list, [&w](cli::Session& s) { return cli::token_list(w.options, s); });

    CLI::App* revoke = w.command(token, "revoke", "end tokens");
    revoke->add_option("ID", w.names)->required();
    w.on(revoke, [&w](cli::Session& s) { return cli::token_revoke(w.options, w.names, s); });
}

void add_backups(Words& w) {
    CLI::App* backup = w.command(&w.app, "backup", "every job in one file, paused ones too");
    backup->add_option("FILE", w.backup.path, "where to; else standard output");
    Words::examples(backup, {"khronos backup khronos-$(date +%F).json",
                             "khronos backup | gzip > jobs.json.gz"});
    w.on(backup, [&w](cli::Session& s) {
        w.backup.version = std::string(kVersion);
        w.backup.write = write_private_file;
        return cli::backup(w.options, w.backup, s);
    });

    CLI::App* restore = w.command(&w.app, "restore", "save the jobs of a backup");
    restore->add_option("FILE", w.restore.path, "that backup wrote; - is standard input")
        ->required();
    restore->add_flag("--dry-run", w.restore.dry_run, "only say what would change");
    restore->add_flag("--once-again", w.restore.once_again,
                      "also jobs that ran once by their schedule, which runs them again");
    Words::examples(restore, {"khronos restore --dry-run khronos-2026-01-31.json",
                              "khronos restore --yes khronos-2026-01-31.json"});
    w.on(restore, [&w](cli::Session& s) { return cli::restore(w.options, w.restore, s); });
}

}  // namespace

void add_cluster_words(Words& w) {
    add_workers(w);
    add_tokens(w);
    add_backups(w);
}

}  // namespace khronos::app

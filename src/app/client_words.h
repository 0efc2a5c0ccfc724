// The words of the client's command line, as CLI11's tree. Each subject has a file that adds its
// commands; client_command.cc puts them together and runs the one that was chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/cron_commands.h"

namespace khronos::app {

inline constexpr const char* kCommonOptions =
    "--server, --token-file, -o, --quiet, --timeout and others: see khronos --help";

// Everything the words can say. The chosen command is left in `run`.
struct Words {
    CLI::App app{"A fault-tolerant distributed job scheduler", "khronos"};
    cli::Options options;
    std::string format = "table";
    std::string token_file, ca_file, cert_file, key_file;
    std::string timeout;  // of a wait where the command has one, else of each request
    bool server_named = false;
    bool watch = false;
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
    cli::ImportCrontabArgs crontab;
    cli::ImportDkronArgs dkron;
    cli::SimulateArgs simulate;
    cli::ExecutionRetryArgs retry;
    cli::DrainArgs drain;
    cli::TokenCreateArgs token;
    cli::BackupArgs backup;
    cli::RestoreArgs restore;
    std::string name;
    std::vector<std::string> names;

    CLI::App* command(CLI::App* parent, const std::string& what, const std::string& does) {
        CLI::App* sub = parent->add_subcommand(what, does);
        sub->fallthrough();
        sub->footer(kCommonOptions);
        return sub;
    }
    // A command that only groups others.
    CLI::App* group(CLI::App* parent, const std::string& what, const std::string& does) {
        CLI::App* sub = command(parent, what, does);
        sub->require_subcommand(1);
        return sub;
    }
    void on(CLI::App* sub, std::function<int(cli::Session&)> what) {
        sub->callback([this, what = std::move(what)] { run = what; });
    }
    void watchable(CLI::App* sub) {
        sub->add_flag("-w,--watch", watch, "go on, and show it again whenever it changes");
    }
    // What the help ends with: lines to type.
    static void examples(CLI::App* sub, const std::vector<std::string>& lines) {
        std::string text = "Examples:";
        for (const std::string& line : lines)
            text += "\n  " + line;
        sub->footer(text + '\n' + kCommonOptions);
    }

    // --timeout, 0 where it is not given; `wrong` where it is no duration.
    Duration limit();
};

void add_job_words(Words& w);
void add_execution_words(Words& w);
void add_import_words(Words& w);
void add_cron_words(Words& w);
void add_simulate_words(Words& w);
void add_cluster_words(Words& w);  // worker-list, drain, token, backup, restore
void add_other_words(Words& w);

WallTime wall_now();
MonoTime mono_now();

}  // namespace khronos::app

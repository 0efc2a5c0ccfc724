#include "app/client_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <thread>

#include "app/client_machine.h"
#include "app/client_words.h"
#include "app/config_nearest.h"
#include "app/version.h"
#include "base/duration.h"
#include "cli/curl/curl_client.h"
#include "cli/watch.h"

namespace khronos::app {

Duration Words::limit() {
    if (timeout.empty()) return Duration(0);
    const auto limit = parse_duration(timeout);
    if (!limit) wrong = "--timeout: " + limit.error();
    return limit.value_or(Duration(0));
}

WallTime wall_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return WallTime{std::chrono::duration_cast<std::chrono::microseconds>(now).count()};
}

MonoTime mono_now() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return MonoTime{std::chrono::duration_cast<std::chrono::microseconds>(now).count()};
}

namespace {

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
    app.add_option("--cert", w.cert_file, "certificate to show to the agent, PEM")
        ->envname("KHRONOS_CERT_FILE");
    app.add_option("--key", w.key_file, "its private key, PEM")->envname("KHRONOS_KEY_FILE");
    app.add_option("--timeout", w.timeout,
                   "such as 5m: of a wait or a watch; else of each request, 30s");
    app.add_option("-o,--output", w.format, "table, wide, json, yaml or name")
        ->check(CLI::IsMember({"table", "wide", "json", "yaml", "name"}))
        ->capture_default_str();
    app.add_flag("--quiet", w.options.quiet, "say nothing but what was asked for");
    app.add_flag("-y,--yes", w.options.yes, "do not ask before something is deleted");
    app.footer(
        "Examples:\n  khronos agent -e local\n  khronos job apply -f jobs.yaml\n"
        "  khronos job run backup --wait\n  khronos why backup@2026-01-31T02:30:00Z\n"
        "  khronos simulate\n"
        "Exit codes: 0 done, 1 failed, 2 wrong usage, 124 time is up. KHRONOS_SERVER and "
        "KHRONOS_TOKEN_FILE\nsave typing; `khronos man` has all of it.");
}

// Commands whose words are read before these: here they only have their place in the help.
void add_own_parsers(Words& w) {
    const auto add = [&w](CLI::App* parent, const std::string& what, const std::string& does) {
        CLI::App* sub = w.command(parent, what, does);
        w.on(sub, [what](cli::Session& s) {
            s.err << "error: `khronos " << what << "` stands before all options\n";
            return cli::kUsage;
        });
        return sub;
    };
    add(&w.app, "agent", "run an agent: the scheduler, the API, a worker; has a --help of its own");
    add(&w.app, "worker", "run executions for a cluster's agents; has a --help of its own");
    CLI::App* config = add(&w.app, "config", "the settings that an agent would have");
    add(config, "show", "all of them; with --origin, where each comes from");
    CLI::App* verify = add(&w.app, "verify",
                           "hold recorded history against the promises; has a --help of its own");
    verify->add_option("--job", w.name, "only this job");
    CLI::App* migrate =
        add(&w.app, "migrate", "move a store to etcd or back; has a --help of its own");
    migrate->add_option("--to", w.name, "where to; the source is the other one")
        ->check(CLI::IsMember({"etcd", "embedded"}));
    migrate->add_flag_callback(
        "--owners-are-dead", [] {}, "the agents that did not give their shards back are gone");
}

std::unique_ptr<Words> all_words() {
    auto words = std::make_unique<Words>();
    add_common(*words);
    add_own_parsers(*words);
    add_job_words(*words);
    add_execution_words(*words);
    add_import_words(*words);
    add_simulate_words(*words);
    add_cluster_words(*words);
    add_other_words(*words);
    add_cron_words(*words);
    return words;
}

int run(Words& words) {
    const Terminal terminal = this_terminal();
    words.options.format = *cli::format_from_text(words.format);
    words.options.width = terminal.width;
    words.options.color = terminal.color;
    words.options.interactive = terminal.interactive;
    words.options.progress = terminal.progress;
    cli::CurlClient::Config config;
    config.server = words.options.server;
    config.ca_file = words.ca_file;
    config.cert_file = words.cert_file;
    config.key_file = words.key_file;
    const Duration limit = words.limit();
    if (!words.wrong.empty()) {
        std::cerr << "error: " << words.wrong << '\n';
        return cli::kUsage;
    }
    const bool waits = words.watch || words.run_args.wait || words.logs.follow ||
                       words.retry.wait || words.drain.wait;
    if (limit.count() > 0 && !waits) config.timeout = limit;
    words.run_args.timeout = words.logs.timeout = limit;
    words.retry.timeout = words.drain.timeout = limit;
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
    cli::Session session{http,
                         std::cin,
                         std::cout,
                         std::cerr,
                         read_sources,
                         mono_now,
                         [](Duration d) { std::this_thread::sleep_for(d); },
                         parse_source,
                         wall_now};
    const int code =
        words.watch ? cli::watch(words.options, limit, session, words.run) : words.run(session);
    // A full disk or a closed pipe must not look like success.
    if (!std::cout.flush() && code == cli::kDone) return cli::kFailed;
    return code;
}

// The first word that is no command or option where it stands, with the nearest that is.
std::string misspelt(const CLI::App& root, const std::vector<std::string>& words) {
    const CLI::App* at = &root;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        const auto commands = at->get_subcommands([](const CLI::App*) { return true; });
        if (word == "--") return "";
        if (word.starts_with('-') && word.size() > 1) {
            const std::string name = word.substr(0, word.find('='));
            const CLI::Option* option = nullptr;
            std::vector<std::string> known;
            for (const CLI::App* app = at; app != nullptr; app = app->get_parent())
                for (const CLI::Option* one : app->get_options()) {
                    if (one->check_name(name)) option = one;
                    for (const std::string& long_name : one->get_lnames())
                        known.push_back("--" + long_name);
                }
            // `-ojson` and `-wf` are left to the parser.
            if (!option && name.starts_with("--"))
                return fmt::format("there is no option {}{}", name, did_you_mean(name, known));
            if (option && option->get_expected_max() > 0 && word.size() == name.size()) ++i;
            continue;
        }
        if (commands.empty()) continue;  // what the command is about
        const auto found = std::ranges::find(commands, word, &CLI::App::get_name);
        if (found == commands.end()) {
            std::vector<std::string> known;
            for (const CLI::App* command : commands)
                known.push_back(command->get_name());
            return fmt::format("there is no command {}{}\nnote: {} --help lists them",
                               at == &root ? word : at->get_name() + " " + word,
                               did_you_mean(word, known),
                               at == &root ? "khronos" : "khronos " + at->get_name());
        }
        at = *found;
    }
    return "";
}

}  // namespace

int client_command(const std::vector<std::string>& words) {
    auto all = all_words();
    // CLI11 takes them last first.
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    try {
        all->app.parse(std::move(reversed));
    } catch (const CLI::ParseError& error) {
        if (const std::string better = misspelt(all->app, words);
            !better.empty() && error.get_exit_code() != 0) {
            std::cerr << "error: " << better << '\n';
            return cli::kUsage;
        }
        const int code = all->app.exit(error, std::cout, std::cerr);
        return code == 0 ? cli::kDone : cli::kUsage;
    }
    all->server_named = all->app.get_option("--server")->count() > 0;
    return run(*all);
}

}  // namespace khronos::app

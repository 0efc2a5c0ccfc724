#include "app/store_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <future>
#include <iostream>
#include <optional>

#include "app/client_machine.h"
#include "app/config_command.h"
#include "app/loop_thread.h"
#include "app/store_source.h"
#include "cli/commands.h"
#include "cli/verify_report.h"
#include "cluster/migrate.h"
#include "cluster/verify.h"
#include "runtime/asio/system_entropy.h"
#include "runtime/spdlog/spdlog_log.h"

namespace khronos::app {
namespace {

constexpr const char* kMigrateHelp =
    R"(usage: khronos migrate --to etcd|embedded [--owners-are-dead] [OPTIONS OF khronos agent]

Moves everything of the embedded store into an etcd keyspace, or back. The options, environment and
file of `khronos agent` say where both are: --data-dir, --backend-machine, --keyspace and the rest.

No agent may run on either meanwhile: a source that is in use, or whose shards were not given back, is
refused, and so is a target that is not empty. All that was copied is read back and compared before
the target can be used. The source stays as it is: start no agent on it again.

  --to STORE           where to: etcd or embedded; the source is the other one
  --owners-are-dead    the agents that did not give their shards back were killed, and are gone

Example:
  khronos migrate --to etcd --data-dir /var/lib/khronos --backend-machine 10.0.0.1:2379
)";

constexpr const char* kVerifyHelp =
    R"(usage: khronos verify [--job NAME] [-o table|json] [--quiet] [OPTIONS OF khronos agent]

Derives every tick of every job again from its saved versions, and holds all records against the
promises: each tick decided once, no overlap, nothing after a success, tokens that grow, and so on.
Reads only. An etcd store may be in use; an embedded one may not, its agent has to be stopped.

What was forgotten (history_limit, erased history) is UNKNOWN, which is no violation.
Exit codes: 0 no violation, 1 violations or not carried out, 2 wrong usage.

  --job NAME      only this job
  -o FORMAT       table or json
  --quiet         of the jobs only those that break a promise

Example:
  khronos verify --backend etcd --backend-machine 10.0.0.1:2379
)";

int fail(const char* command, const std::string& message) {
    std::cerr << "khronos " << command << ": " << message << '\n';
    return cli::kFailed;
}
int wrong_usage(const char* command, const std::string& message) {
    std::cerr << "khronos " << command << ": " << message << "\nSee khronos " << command
              << " --help\n";
    return cli::kUsage;
}

// Takes our own words out of those for the agent's configuration.
class OwnWords {
  public:
    explicit OwnWords(std::vector<std::string> all) : rest_(std::move(all)) {}

    bool flag(std::string_view name) { return std::erase(rest_, name) > 0; }
    // `--name VALUE` or `--name=VALUE`; `missing` is set where the value is.
    std::optional<std::string> value(const std::string& name) {
        for (auto at = rest_.begin(); at != rest_.end(); ++at) {
            if (at->starts_with(name + "=")) {
                std::string value = at->substr(name.size() + 1);
                rest_.erase(at);
                return value;
            }
            if (*at != name) continue;
            if (at + 1 == rest_.end()) {
                missing = name;
                return std::nullopt;
            }
            std::string value = at[1];
            rest_.erase(at, at + 2);
            return value;
        }
        return std::nullopt;
    }
    const std::vector<std::string>& rest() const { return rest_; }
    std::string missing;

  private:
    std::vector<std::string> rest_;
};

std::string name_of(const AgentConfig& config) {
    if (config.backend == Backend::embedded) return config.data_dir + "/store";
    std::string machines;
    for (const HostPort& machine : config.backend_machines)
        machines += fmt::format("{}{}:{}", machines.empty() ? "" : ",", machine.host, machine.port);
    return fmt::format("the keyspace {} of etcd {}", config.keyspace, machines);
}

// What it takes to speak to stores: a loop with a thread, and a log that says only what is wrong.
struct Tools {
    static runtime::SpdlogConfig quiet() {
        runtime::SpdlogConfig config;
        config.level = runtime::LogLevel::error;
        return config;
    }
    runtime::SpdlogLog log{quiet()};
    runtime::SystemEntropy entropy;
    LoopThread loop{"khronos-store"};
};

// A store for one command, and its handle on the loop.
class OpenStore {
  public:
    static std::expected<std::unique_ptr<OpenStore>, Error> open(const AgentConfig& config,
                                                                 Tools& tools) {
        auto source = StoreSource::open(config, tools.entropy, tools.log);
        if (!source) return std::unexpected(source.error());
        return std::make_unique<OpenStore>(std::move(*source), tools);
    }
    OpenStore(std::unique_ptr<StoreSource> source, Tools& tools)
        : source_(std::move(source)), loop_(tools.loop) {
        loop_.call([this] { handle_ = source_->handle(loop_.loop()); });
    }
    ~OpenStore() {
        loop_.call([this] { handle_.reset(); });
    }
    OpenStore(const OpenStore&) = delete;
    OpenStore& operator=(const OpenStore&) = delete;

    store::Store& store() { return *handle_; }

  private:
    std::unique_ptr<StoreSource> source_;
    LoopThread& loop_;
    std::unique_ptr<store::Store> handle_;
};

// Opening an embedded store makes it where there is none: not what a reader of it wants.
std::optional<std::string> not_there(const AgentConfig& config) {
    if (config.backend != Backend::embedded) return std::nullopt;
    std::error_code error;
    if (std::filesystem::exists(config.data_dir + "/store", error)) return std::nullopt;
    return fmt::format("there is no store in {}; --data-dir says where one is", config.data_dir);
}

int leave(const Leave& how) {
    std::cout << how.out;
    std::cerr << how.err;
    return how.status;
}

// On a terminal only, over itself.
class ProgressLine {
  public:
    void show(const std::string& text) {
        if (!shown_) return;
        std::fprintf(stderr, "\r%s\x1b[K", text.c_str());
        std::fflush(stderr);
    }
    ~ProgressLine() {
        if (shown_) std::fputs("\r\x1b[K", stderr);
    }

  private:
    const bool shown_ = this_terminal().progress;
};

std::expected<cluster::Migrated, Error> migrate(Tools& tools, OpenStore& from, OpenStore& to,
                                                cluster::MigrateOptions options) {
    using Result = std::expected<cluster::Migrated, Error>;
    ProgressLine progress;
    std::promise<Result> promise;
    auto result = promise.get_future();
    tools.loop.loop().post([&] {
        cluster::migrate(
            from.store(), to.store(), tools.loop.loop(), options,
            [&progress](const cluster::MigrateProgress& now) {
                progress.show(now.compared == 0 ? fmt::format("copied {} keys", now.copied)
                                                : fmt::format("compared {} of {} keys",
                                                              now.compared, now.copied));
            },
            [&promise](Result done) { promise.set_value(std::move(done)); });
    });
    return result.get();
}

std::expected<cluster::Verified, Error> verify(Tools& tools, OpenStore& store,
                                               cluster::VerifyOptions options,
                                               cli::VerifyReport& report) {
    using Result = std::expected<cluster::Verified, Error>;
    ProgressLine progress;
    std::promise<Result> promise;
    auto result = promise.get_future();
    tools.loop.loop().post([&] {
        cluster::verify_store(
            store.store(), tools.loop.loop(), std::move(options),
            [&report](const cluster::VerifiedJob& job) { report.add(job); },
            [&progress](const cluster::VerifyProgress& now) {
                if (now.done % 100 == 0)
                    progress.show(fmt::format("looked at {} of {} jobs", now.done, now.of));
            },
            [&promise](Result done) { promise.set_value(std::move(done)); });
    });
    return result.get();
}

}  // namespace

int migrate_command(const std::vector<std::string>& arguments) {
    OwnWords words(arguments);
    if (words.flag("--help") || words.flag("-h")) {
        std::cout << kMigrateHelp;
        return cli::kDone;
    }
    cluster::MigrateOptions options;
    options.owners_are_dead = words.flag("--owners-are-dead");
    const std::string to = words.value("--to").value_or("");
    if (to != "etcd" && to != "embedded")
        return wrong_usage("migrate", "--to says where to: etcd or embedded");

    // Both stores' options are wanted: those of an agent on etcd are.
    std::vector<std::string> rest = words.rest();
    rest.insert(rest.end(), {"--backend", "etcd"});
    auto loaded = agent_config_from(rest, this_machine());
    if (!loaded) return leave(loaded.error());
    AgentConfig etcd = loaded->config, embedded = loaded->config;
    embedded.backend = Backend::embedded;
    const AgentConfig& from_config = to == "etcd" ? embedded : etcd;
    const AgentConfig& to_config = to == "etcd" ? etcd : embedded;
    if (const auto missing = not_there(from_config)) return fail("migrate", *missing);
    if (to == "embedded") std::filesystem::create_directories(embedded.data_dir);

    Tools tools;
    auto from = OpenStore::open(from_config, tools);
    if (!from) return fail("migrate", from.error().message);
    auto target = OpenStore::open(to_config, tools);
    if (!target) return fail("migrate", target.error().message);
    const auto moved = migrate(tools, **from, **target, options);
    if (!moved) return fail("migrate", moved.error().message);
    std::cout << fmt::format(
        "Moved {} keys, {} bytes, from {} to {}; all were read back and are the same.\n",
        moved->keys, moved->bytes, name_of(from_config), name_of(to_config));
    if (moved->open > 0)
        std::cout << fmt::format("{} executions are not over and go on there.\n", moved->open);
    std::cout << "Start agents on the new store only: the old one is as it was.\n";
    return cli::kDone;
}

int verify_command(const std::vector<std::string>& arguments) {
    OwnWords words(arguments);
    if (words.flag("--help") || words.flag("-h")) {
        std::cout << kVerifyHelp;
        return cli::kDone;
    }
    const bool quiet = words.flag("--quiet");
    cluster::VerifyOptions options;
    options.only_job = words.value("--job").value_or("");
    std::string format = words.value("-o").value_or("");
    if (format.empty()) format = words.value("--output").value_or("table");
    if (!words.missing.empty()) return wrong_usage("verify", words.missing + " needs a value");
    if (format != "table" && format != "json")
        return wrong_usage("verify", "-o is table or json, not '" + format + "'");
    auto loaded = agent_config_from(words.rest(), this_machine());
    if (!loaded) return leave(loaded.error());
    const AgentConfig& config = loaded->config;
    if (const auto missing = not_there(config)) return fail("verify", *missing);

    Tools tools;
    auto store = OpenStore::open(config, tools);
    if (!store) return fail("verify", store.error().message);
    cli::VerifyReport report(std::cout, format == "json", quiet);
    const auto verified = verify(tools, **store, std::move(options), report);
    if (!verified) return fail("verify", verified.error().message);
    const int status = report.end(*verified);
    // A full disk or a closed pipe must not look like success.
    return std::cout.flush() ? status : cli::kFailed;
}

}  // namespace khronos::app

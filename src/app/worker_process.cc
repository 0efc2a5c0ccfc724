#include "app/worker_process.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <future>

#include "wire/inproc_link.h"
#include "worker/curl/http_executor.h"
#include "worker/linux/file_journal.h"
#include "worker/linux/identity.h"
#include "worker/linux/runner_host.h"
#include "worker/linux/secret_files.h"
#include "worker/noop.h"
#include "worker/worker.h"

namespace khronos::app {

struct WorkerProcess::Parts {
    LoopThread& thread;
    std::unique_ptr<worker::RunnerHost> host;
    std::unique_ptr<worker::FileJournal> journal;
    std::unique_ptr<worker::HttpExecutor> http;
    std::unique_ptr<worker::Noop> noop;
    std::unique_ptr<worker::Worker> worker;
    std::unique_ptr<AgentLinks> links;
    runtime::TimerId drain_timer;

    explicit Parts(LoopThread& t) : thread(t) {}

    // Until nothing is held any more: an ended run is held until its end is in the store.
    void look_drained(MonoTime until, const std::function<void(std::uint64_t left)>& done) {
        runtime::Loop& loop = thread.loop();
        const std::uint64_t held = worker->stats().held;
        if (held == 0 || loop.mono_now() >= until) return done(held);
        drain_timer = loop.call_after(std::chrono::milliseconds(50),
                                      [this, until, done] { look_drained(until, done); });
    }
};

namespace {

// The runner lies beside the program.
std::string runner_program() {
    std::error_code error;
    return (std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "khronos-runner")
        .string();
}

}  // namespace

std::expected<std::unique_ptr<WorkerProcess>, Error> WorkerProcess::start(Config config,
                                                                          LoopThread& thread,
                                                                          wire::WorkerEnd* link,
                                                                          runtime::Entropy& entropy,
                                                                          runtime::Log& log) {
    std::error_code error;
    std::filesystem::create_directories(config.data_dir, error);
    if (error)
        return std::unexpected(Error{ErrorKind::unavailable, "",
                                     fmt::format("the worker's directory {} cannot be made: {}",
                                                 config.data_dir, error.message())});
    const auto id = worker::worker_id(config.data_dir, entropy);
    if (!id) return std::unexpected(id.error());

    auto parts = std::make_unique<Parts>(thread);
    auto started = thread.call([&]() -> std::expected<void, Error> {
        runtime::Loop& loop = thread.loop();
        worker::RunnerHostConfig hosting;
        hosting.program = runner_program();
        hosting.directory = config.data_dir + "/runner";
        hosting.log = [&log](const std::string& line) { log.warn(line); };
        if (auto valid = hosting.validate(); !valid) return valid;
        parts->host = std::make_unique<worker::RunnerHost>(hosting, loop);
        parts->journal = std::make_unique<worker::FileJournal>(
            worker::FileJournalConfig{config.data_dir + "/attempts.journal",
                                      worker::machine_boot_id()},
            loop);
        parts->http = std::make_unique<worker::HttpExecutor>(
            worker::HttpExecutorConfig{config.any_address ? worker::AddressPolicy::allow_all()
                                                          : worker::AddressPolicy()},
            loop);
        parts->noop = std::make_unique<worker::Noop>(loop);
        worker::WorkerConfig working;
        working.id = *id;
        working.boot_id = worker::new_boot_id(entropy);
        working.node = config.node;
        for (const auto& [key, value] : config.tags)
            working.tags.emplace(key, value);
        working.slots = config.slots;
        working.secrets = worker::secrets_in(config.secrets_dir);
        working.applications = config.applications;
        working.type_quotas = config.type_quotas;
        working.on_rejected = config.on_rejected;
        if (auto valid = working.validate(); !valid) return valid;
        parts->worker = std::make_unique<worker::Worker>(
            working, loop, *parts->host, *parts->journal,
            std::map<std::string, worker::Executor*>{{"http", parts->http.get()},
                                                     {"noop", parts->noop.get()}},
            link ? std::vector{link} : std::vector<wire::WorkerEnd*>{});
        parts->links = std::make_unique<AgentLinks>(std::move(config.agents), loop, entropy, log,
                                                    *parts->worker);
        if (auto begun = parts->worker->start(); !begun) return begun;
        parts->links->start();
        return {};
    });
    std::unique_ptr<WorkerProcess> made(new WorkerProcess(std::move(parts)));
    if (!started) return std::unexpected(started.error());
    return made;
}

WorkerProcess::WorkerProcess(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

WorkerProcess::~WorkerProcess() {
    Parts& parts = *parts_;
    if (parts.worker) {
        std::promise<void> stopped;
        parts.thread.loop().post(
            [&parts, &stopped] { parts.worker->stop([&stopped] { stopped.set_value(); }); });
        stopped.get_future().wait();
    }
    parts.thread.call([&parts] {
        parts.thread.loop().cancel(parts.drain_timer);
        parts.links.reset();
        parts.worker.reset();
        parts.http.reset();
        parts.noop.reset();
        parts.journal.reset();
        parts.host.reset();
    });
}

void WorkerProcess::set_agents(std::set<std::string> addresses) {
    parts_->thread.loop().post([parts = parts_.get(), addresses = std::move(addresses)] {
        if (parts->links) parts->links->set_agents(addresses);
    });
}

void WorkerProcess::drain(Duration at_most, std::function<void(std::uint64_t left)> done) {
    parts_->thread.loop().post([parts = parts_.get(), at_most, done = std::move(done)] {
        parts->worker->drain(true);
        parts->look_drained(parts->thread.loop().mono_now() + at_most, done);
    });
}

}  // namespace khronos::app

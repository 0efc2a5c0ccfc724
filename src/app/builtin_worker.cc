#include "app/builtin_worker.h"

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

struct BuiltinWorker::Parts {
    LoopThread& thread;
    std::unique_ptr<worker::RunnerHost> host;
    std::unique_ptr<worker::FileJournal> journal;
    std::unique_ptr<worker::HttpExecutor> http;
    std::unique_ptr<worker::Noop> noop;
    std::unique_ptr<worker::Worker> worker;

    explicit Parts(LoopThread& t) : thread(t) {}
};

namespace {

// The runner lies beside the program.
std::string runner_program() {
    std::error_code error;
    return (std::filesystem::read_symlink("/proc/self/exe", error).parent_path() /
            "khronos-runner")
        .string();
}

// What is kept of an output as one text.
std::string in_one(const worker::Output& output) {
    const std::uint64_t kept = output.head.size() + output.tail.size();
    if (output.total <= kept) return output.head + output.tail;
    return fmt::format("{}\n[... {} bytes left out ...]\n{}", output.head, output.total - kept,
                       output.tail);
}

api::OutputPart part_of(const worker::Output& output, const api::OutputRange& range, bool ended) {
    api::OutputPart part;
    part.complete = ended;
    if (range.as_written) {
        // Head and tail stand for themselves; what lies between is skipped.
        const std::uint64_t tail_at = output.total - output.tail.size();
        const bool in_head = range.offset < output.head.size();
        part.size = output.total;
        part.offset = in_head ? range.offset
                              : std::min(std::max(range.offset, tail_at), output.total);
        part.bytes = in_head ? output.head.substr(part.offset, range.length)
                             : output.tail.substr(part.offset - tail_at, range.length);
        return part;
    }
    const std::string text = in_one(output);
    part.size = text.size();
    part.offset = range.from_end ? text.size() - std::min<std::uint64_t>(range.length, text.size())
                                 : std::min<std::uint64_t>(range.offset, text.size());
    part.bytes = text.substr(part.offset, range.length);
    return part;
}

}  // namespace

std::expected<std::unique_ptr<BuiltinWorker>, Error> BuiltinWorker::start(Config config,
                                                                          LoopThread& thread,
                                                                          wire::WorkerEnd& link,
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
        for (const auto& [key, value] : config.tags) working.tags.emplace(key, value);
        working.slots = config.slots;
        working.secrets = worker::secrets_in(config.secrets_dir);
        if (auto valid = working.validate(); !valid) return valid;
        parts->worker = std::make_unique<worker::Worker>(
            working, loop, *parts->host, *parts->journal,
            std::map<std::string, worker::Executor*>{
                {"http", parts->http.get()},
                {"noop", parts->noop.get()}},
            std::vector<wire::WorkerEnd*>{&link});
        return parts->worker->start();
    });
    std::unique_ptr<BuiltinWorker> made(new BuiltinWorker(std::move(parts)));
    if (!started) return std::unexpected(started.error());
    return made;
}

BuiltinWorker::BuiltinWorker(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

BuiltinWorker::~BuiltinWorker() {
    Parts& parts = *parts_;
    if (parts.worker) {
        std::promise<void> stopped;
        parts.thread.loop().post([&parts, &stopped] {
            parts.worker->stop([&stopped] { stopped.set_value(); });
        });
        stopped.get_future().wait();
    }
    parts.thread.call([&parts] {
        parts.worker.reset();
        parts.http.reset();
        parts.noop.reset();
        parts.journal.reset();
        parts.host.reset();
    });
}

void BuiltinWorker::read_output(const core::Execution& execution, api::OutputRange range,
                                runtime::Loop& answer_on, api::Done<api::OutputPart> done) {
    const core::AttemptId id{execution.id, execution.attempt};
    const bool ended = !core::is_open(execution.state);
    parts_->thread.loop().post([this, id, range, ended, &answer_on,
                                done = std::move(done)]() mutable {
        parts_->worker->read_output(
            id, [range, ended, &answer_on, done = std::move(done)](auto output) mutable {
                answer_on.post([range, ended, output = std::move(output),
                                done = std::move(done)]() mutable {
                    if (!output) return done(std::unexpected(output.error()));
                    done(part_of(*output, range, ended));
                });
            });
    });
}

}  // namespace khronos::app

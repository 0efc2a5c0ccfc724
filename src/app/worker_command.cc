#include "app/worker_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "app/signals.h"
#include "app/version.h"
#include "app/worker_options.h"
#include "app/worker_port.h"
#include "runtime/asio/system_entropy.h"
#include "runtime/spdlog/spdlog_log.h"

namespace khronos::app {
namespace {

int fail(const std::string& message) {
    std::fprintf(stderr, "khronos worker: %s\n", message.c_str());
    return 1;
}

runtime::SpdlogConfig logging_of(const WorkerOptions& options) {
    runtime::SpdlogConfig logging;
    logging.format = options.log_format == LogFormat::json ? runtime::SpdlogConfig::Format::json
                                                           : runtime::SpdlogConfig::Format::text;
    switch (options.log_level) {
        case LogLevel::trace:
        case LogLevel::debug:
            logging.level = runtime::LogLevel::debug;
            break;
        case LogLevel::info:
            logging.level = runtime::LogLevel::info;
            break;
        case LogLevel::warn:
            logging.level = runtime::LogLevel::warn;
            break;
        case LogLevel::error:
            logging.level = runtime::LogLevel::error;
            break;
    }
    return logging;
}

// One process for a data directory: two of them would be the same worker. Held until the end.
std::string lock_directory(const std::string& directory) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    const std::string path = directory + "/worker.lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fmt::format("{} cannot be written: {}; choose another with --data-dir", path,
                           std::strerror(errno));
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return {};
    ::close(fd);
    return fmt::format("{} is used by another worker; give this one a --data-dir of its own",
                       directory);
}

}  // namespace

int worker_command(const std::vector<std::string>& arguments) {
    auto options = worker_options_from(arguments, this_machine());
    if (!options) {
        std::fputs(options.error().out.c_str(), stdout);
        std::fputs(options.error().err.c_str(), stderr);
        return options.error().status;
    }
    WorkerProcess::Config& config = options->worker;
    auto tls = link_tls(options->tls_ca, options->tls_cert, options->tls_key);
    if (!tls) return fail(tls.error().message);
    config.agents.tls = *tls;
    if (const std::string why = lock_directory(config.data_dir); !why.empty()) return fail(why);

    Signals signals;
    runtime::SpdlogLog log(logging_of(*options));
    runtime::SystemEntropy entropy;
    std::atomic<bool> rejected = false;
    config.on_rejected = [&](const std::string& why) {
        log.error("the agents turned this worker away", {runtime::field::error(why)});
        rejected = true;
        signals.tell_stopped();
    };
    {
        LoopThread thread("khronos-worker");
        auto worker = WorkerProcess::start(config, thread, nullptr, entropy, log);
        if (!worker) return fail(worker.error().message);
        std::printf("khronos %s worker %s is running. Data: %s\n", std::string(kVersion).c_str(),
                    config.node.c_str(), config.data_dir.c_str());
        std::fflush(stdout);

        bool stopping = false;
        for (int signal = signals.wait(); signal != 0; signal = signals.wait()) {
            if (signal == SIGHUP) continue;  // there is nothing to read again
            if (stopping) {
                log.warn("a second signal: stopping at once");
                break;
            }
            stopping = true;
            log.info("stopping: no more runs are taken", {{"signal", ::strsignal(signal)}});
            (*worker)->drain(options->drain_timeout, [&](std::uint64_t left) {
                if (left > 0)
                    log.warn("runs go on without the worker; the next start takes them up again",
                             {{"running", left}});
                signals.tell_stopped();
            });
        }
        worker->reset();
    }
    log.info("stopped");
    return rejected ? 1 : 0;
}

}  // namespace khronos::app

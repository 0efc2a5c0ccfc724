#include "app/agent_command.h"

#include <csignal>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "app/agent.h"
#include "app/config_command.h"
#include "app/config_reload.h"
#include "app/signals.h"
#include "app/version.h"
#include "runtime/spdlog/spdlog_log.h"

namespace khronos::app {
namespace {

runtime::LogLevel level_of(LogLevel level) {
    switch (level) {
        case LogLevel::trace:
        case LogLevel::debug: return runtime::LogLevel::debug;
        case LogLevel::info: return runtime::LogLevel::info;
        case LogLevel::warn: return runtime::LogLevel::warn;
        case LogLevel::error: return runtime::LogLevel::error;
    }
    return runtime::LogLevel::info;
}

int fail(const std::string& message) {
    std::fprintf(stderr, "khronos agent: %s\n", message.c_str());
    return 1;
}

std::string url_of(const AgentConfig& config, std::uint16_t port) {
    const bool v6 = config.bind_ip.find(':') != std::string::npos;
    return fmt::format("{}://{}:{}/", config.tls_cert.empty() ? "http" : "https", v6 ? "[" + config.bind_ip + "]" : config.bind_ip, port);
}

// A changed file takes effect as far as it can; a wrong one changes nothing.
void reload(const std::vector<std::string>& arguments, AgentConfig& config,
            runtime::SpdlogLog& log) {
    const auto loaded = agent_config_from(arguments, this_machine());
    if (!loaded) {
        log.error("the configuration was not reloaded, the old one stays in force",
                  {runtime::field::error(loaded.error().err)});
        return;
    }
    const Reload change = app::reload(config, loaded->config,
                                      agent_options(config.env, this_machine()));
    for (const Change& option : change.needs_restart)
        log.warn("a changed setting takes effect with the next start",
                 {{"setting", option.option}, {"from", option.from}, {"to", option.to}});
    config = change.config;
    log.set_level(level_of(config.log_level));
    log.info("configuration reloaded");
}

}  // namespace

int agent_command(const std::vector<std::string>& arguments) {
    auto loaded = agent_config_from(arguments, this_machine());
    if (!loaded) {
        std::fputs(loaded.error().out.c_str(), stdout);
        std::fputs(loaded.error().err.c_str(), stderr);
        return loaded.error().status;
    }
    AgentConfig& config = loaded->config;
    std::error_code error;
    std::filesystem::create_directories(config.data_dir, error);
    if (error)
        return fail(fmt::format("the data directory {} cannot be made: {}; choose another with "
                                "--data-dir",
                                config.data_dir, error.message()));

    Signals signals;
    runtime::SpdlogConfig logging;
    logging.format = config.log_format == LogFormat::json ? runtime::SpdlogConfig::Format::json
                                                          : runtime::SpdlogConfig::Format::text;
    logging.level = level_of(config.log_level);
    runtime::SpdlogLog log(logging);
    {
        Agent agent(config, log);
        if (auto started = agent.start(); !started) return fail(started.error().message);
        std::printf("khronos %s (%s) is running. Page and API: %s   Workers: %s   Data: %s\n",
                    std::string(kVersion).c_str(), std::string(to_text(config.env)).c_str(),
                    url_of(config, agent.http_port()).c_str(),
                    agent.worker_address().empty() ? "none but its own" : agent.worker_address().c_str(),
                    config.data_dir.c_str());
        std::fflush(stdout);
        log.info("agent started", {{"node", config.node}, {"version", kVersion}});

        bool stopping = false;
        for (int signal = signals.wait(); signal != 0; signal = signals.wait()) {
            if (signal == SIGHUP) {
                reload(arguments, config, log);
                agent.reload_certificates();
            } else if (stopping) {
                log.warn("a second signal: stopping at once");
                break;
            } else {
                stopping = true;
                log.info("stopping", {{"signal", ::strsignal(signal)}});
                agent.stop([&signals] { signals.tell_stopped(); });
            }
        }
    }
    log.info("stopped");
    return 0;
}

}  // namespace khronos::app

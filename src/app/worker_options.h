// How a worker is set up: its options as texts, and their meaning.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "app/config_command.h"
#include "app/config_sources.h"
#include "app/worker_process.h"

namespace khronos::app {

struct WorkerOptions {
    WorkerProcess::Config worker;  // without its links' TLS
    std::string tls_ca;            // PEM files
    std::string tls_cert;
    std::string tls_key;
    Duration drain_timeout{};
    LogLevel log_level = LogLevel::info;
    LogFormat log_format = LogFormat::text;
};

// Flags win over KHRONOS_* in the environment, that over the defaults. The other case is the help,
// or everything that is wrong.
std::expected<WorkerOptions, Leave> worker_options_from(const std::vector<std::string>& arguments,
                                                        const Machine& machine);

}  // namespace khronos::app

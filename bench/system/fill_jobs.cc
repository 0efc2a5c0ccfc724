// Fills an empty data directory with jobs, by the transactions that the API makes, so that a
// system can be measured with a million of them.
//
//   fill_jobs DATA-DIR COUNT SCHEDULE EXECUTOR
//
// SCHEDULE may hold `{}`, which becomes each job's number. Prints the seconds it took.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/schedule/versioning.h"
#include "runtime/manual_loop.h"
#include "store/embedded/embedded_backend.h"
#include "store/embedded/embedded_store.h"
#include "store/txns.h"

int main(int argc, char** argv) {
    using namespace khronos;
    if (argc != 5) {
        std::fputs("usage: fill_jobs DATA-DIR COUNT SCHEDULE EXECUTOR\n", stderr);
        return 2;
    }
    const std::string directory = argv[1];
    const std::size_t count = std::strtoull(argv[2], nullptr, 10);
    const std::string schedule = argv[3];
    std::filesystem::create_directories(directory);
    const auto begin = std::chrono::steady_clock::now();
    auto backend = store::EmbeddedBackend::open(directory + "/store");
    if (!backend) {
        std::fprintf(stderr, "%s\n", backend.error().message.c_str());
        return 1;
    }
    const auto wall = WallTime{std::chrono::duration_cast<std::chrono::microseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count()};
    {
        runtime::ManualLoop loop;
        store::EmbeddedStore store(**backend, loop);
        constexpr std::size_t kUnderWay = 10000;
        std::size_t sent = 0;
        std::size_t done = 0;
        std::size_t failed = 0;
        const auto uid_base = static_cast<std::uint64_t>(wall.us / 1000) << 20;
        while (done < count) {
            while (sent < count && sent - done < kUnderWay) {
                core::JobSpec spec;
                spec.name = fmt::format("job-{:07}", sent);
                spec.schedule = schedule;
                if (const auto at = spec.schedule.find("{}"); at != std::string::npos)
                    spec.schedule.replace(at, 2, std::to_string(sent));
                spec.executor = argv[4];
                if (spec.executor == "shell") spec.executor_config["command"] = "true";
                spec.history_limit = 10;
                store::txns::PutJob put;
                put.next = core::first_version(std::move(spec), JobUid(uid_base + sent), wall, {},
                                               "fill_jobs");
                store.write(store::txns::put_job(put), [&](store::WriteOutcome outcome) {
                    ++done;
                    if (!std::holds_alternative<store::Applied>(outcome)) ++failed;
                });
                ++sent;
            }
            loop.run_one_blocking();
        }
        if (failed != 0) {
            std::fprintf(stderr, "%zu jobs were not written\n", failed);
            return 1;
        }
    }
    fmt::print("{:.2f}\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
                               .count());
    return 0;
}

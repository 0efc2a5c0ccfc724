// Fills an empty store with jobs, by the transactions that the API makes, so that a system can be
// measured with a million of them.
//
//   fill_jobs DATA-DIR|etcd://HOST:PORT COUNT SCHEDULE EXECUTOR [APPLICATION]
//
// SCHEDULE may hold `{}`, which becomes each job's number. Prints the seconds it took.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cluster/meta.h"
#include "core/schedule/versioning.h"
#include "runtime/asio/system_entropy.h"
#include "runtime/manual_loop.h"
#include "store/embedded/embedded_backend.h"
#include "store/embedded/embedded_store.h"
#include "store/etcd/etcd_backend.h"
#include "store/txns.h"

int main(int argc, char** argv) {
    using namespace khronos;
    if (argc != 5 && argc != 6) {
        std::fputs("usage: fill_jobs DATA-DIR|etcd://HOST:PORT COUNT SCHEDULE EXECUTOR "
                   "[APPLICATION]\n", stderr);
        return 2;
    }
    const std::string where = argv[1];
    const std::size_t count = std::strtoull(argv[2], nullptr, 10);
    const std::string schedule = argv[3];
    const auto begin = std::chrono::steady_clock::now();
    runtime::NoLog log;
    runtime::SystemEntropy entropy;
    runtime::ManualLoop loop;
    std::unique_ptr<store::EmbeddedBackend> embedded;
    std::unique_ptr<store::EtcdBackend> etcd;
    std::unique_ptr<store::Store> store;
    const auto fail = [](const Error& error) {
        std::fprintf(stderr, "%s\n", error.message.c_str());
        return 1;
    };
    if (where.starts_with("etcd://")) {
        store::EtcdOptions options;
        options.endpoints = {where.substr(7)};
        auto opened = store::EtcdBackend::open(options, entropy, log);
        if (!opened) return fail(opened.error());
        etcd = std::move(*opened);
        store = std::make_unique<store::EtcdStore>(*etcd, loop);
    } else {
        std::filesystem::create_directories(where);
        auto opened = store::EmbeddedBackend::open(where + "/store");
        if (!opened) return fail(opened.error());
        embedded = std::move(*opened);
        store = std::make_unique<store::EmbeddedStore>(*embedded, loop);
    }
    std::optional<std::expected<store::Meta, Error>> meta;
    cluster::open_meta(*store, loop, entropy, [&](auto result) { meta = std::move(result); });
    while (!meta) loop.run_one_blocking();
    if (!*meta) return fail(meta->error());

    const auto wall = WallTime{std::chrono::duration_cast<std::chrono::microseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count()};
    const std::size_t under_way = etcd ? 256 : 10000;
    std::size_t sent = 0;
    std::size_t done = 0;
    std::size_t failed = 0;
    const auto uid_base = static_cast<std::uint64_t>(wall.us / 1000) << 20;
    while (done < count) {
        while (sent < count && sent - done < under_way) {
            core::JobSpec spec;
            spec.name = fmt::format("job-{:07}", sent);
            spec.schedule = schedule;
            if (const auto at = spec.schedule.find("{}"); at != std::string::npos)
                spec.schedule.replace(at, 2, std::to_string(sent));
            spec.executor = argv[4];
            if (spec.executor == "shell") spec.executor_config["command"] = "true";
            if (argc == 6) spec.application = argv[5];
            spec.history_limit = 10;
            store::txns::PutJob put;
            put.next = core::first_version(std::move(spec), JobUid(uid_base + sent), wall, {},
                                           "fill_jobs");
            store->write(store::txns::put_job(put), [&](store::WriteOutcome outcome) {
                ++done;
                if (!std::holds_alternative<store::Applied>(outcome)) ++failed;
            });
            ++sent;
        }
        loop.run_one_blocking();
    }
    store.reset();
    if (failed != 0) {
        std::fprintf(stderr, "%zu jobs were not written\n", failed);
        return 1;
    }
    fmt::print("{:.2f}\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
                               .count());
    return 0;
}

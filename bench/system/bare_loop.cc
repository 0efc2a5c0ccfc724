// What the store alone needs for the writes of N executions: the fire transactions, and for each
// execution a claim and an end, so many at a time. No engine, no worker, no process.
//
//   bare_loop EXECUTIONS AT-A-TIME
//
// Prints the seconds from the first write to the last durable end.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "runtime/manual_loop.h"
#include "store/embedded/embedded_backend.h"
#include "store/embedded/embedded_store.h"
#include "store/keys.h"
#include "store/txns.h"

namespace {

using namespace khronos;

core::Execution execution(std::size_t number) {
    core::Execution e;
    e.id = {JobUid(number + 1), {core::TriggerKind::tick, WallTime::from_seconds(1800000000), 0}, 0};
    e.job_name = fmt::format("job-{:07}", number);
    e.generation = Generation(1);
    e.scheduled_at = e.decided_at = WallTime::from_seconds(1800000000);
    e.decided_by = "bench";
    e.nonce = number;
    return e;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: bare_loop EXECUTIONS AT-A-TIME\n", stderr);
        return 2;
    }
    const std::size_t count = std::strtoull(argv[1], nullptr, 10);
    const std::size_t at_a_time = std::strtoull(argv[2], nullptr, 10);
    std::string directory = "/tmp/khronos-bench-XXXXXX";
    if (!::mkdtemp(directory.data())) return 1;
    double seconds = 0;
    {
        auto backend = store::EmbeddedBackend::open(directory);
        if (!backend) return 1;
        runtime::ManualLoop loop;
        store::EmbeddedStore store(**backend, loop);
        const auto begin = std::chrono::steady_clock::now();

        std::size_t fires = 0;
        std::size_t fired = 0;
        for (std::size_t first = 0; first < count; first += 40, ++fires) {
            store::Txn txn;
            txn.operations.push_back(store::Put{fmt::format("cursor/{}", fires), "cursor", {}});
            for (std::size_t i = first; i < std::min(first + 40, count); ++i) {
                const core::Execution e = execution(i);
                txn.operations.push_back(
                    store::Put{store::keys::execution(e.id), store::encode(e), {}});
                txn.operations.push_back(
                    store::Put{store::keys::open(ShardId(0), e.id), "", {}});
            }
            store.write(std::move(txn), [&](store::WriteOutcome) { ++fired; });
        }
        loop.run_until([&] { return fired == fires; });

        std::size_t sent = 0;
        std::size_t ended = 0;
        const auto claim = [&](std::size_t number) {
            core::Execution e = execution(number);
            e.state = core::ExecutionState::claimed;
            store.write({{}, {store::Put{store::keys::execution(e.id), store::encode(e), {}}}},
                        [&, e](store::WriteOutcome) mutable {
                            e.state = core::ExecutionState::succeeded;
                            store.write({{},
                                         {store::Put{store::keys::execution(e.id),
                                                     store::encode(e), {}},
                                          store::Erase{store::keys::open(ShardId(0), e.id)},
                                          store::Put{store::keys::stats(e.id.uid),
                                                     store::encode(core::JobStats{}), {}}}},
                                        [&](store::WriteOutcome) { ++ended; });
                        });
        };
        while (ended < count) {
            while (sent < count && sent - ended < at_a_time) claim(sent++);
            loop.run_one_blocking();
        }
        seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }
    std::filesystem::remove_all(directory);
    fmt::print("{:.3f}\n", seconds);
    return 0;
}

// What an etcd does with nothing around it: transactions of BATCH puts of 300 bytes each, to keys
// of their own, UNDER-WAY at a time, for SECONDS. Prints transactions a second.
//
//   etcd_raw HOST:PORT BATCH UNDER-WAY SECONDS
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "runtime/asio/system_entropy.h"
#include "runtime/manual_loop.h"
#include "store/etcd/etcd_backend.h"

int main(int argc, char** argv) {
    using namespace khronos;
    using Clock = std::chrono::steady_clock;
    if (argc != 5) {
        std::fputs("usage: etcd_raw HOST:PORT BATCH UNDER-WAY SECONDS\n", stderr);
        return 2;
    }
    const std::size_t batch = std::strtoull(argv[2], nullptr, 10);
    const std::size_t under_way = std::strtoull(argv[3], nullptr, 10);
    const auto length = std::chrono::seconds(std::strtoll(argv[4], nullptr, 10));
    runtime::NoLog log;
    runtime::SystemEntropy entropy;
    runtime::ManualLoop loop;
    store::EtcdOptions options;
    options.endpoints = {argv[1]};
    options.keyspace = fmt::format("/raw-{}", entropy.next());  // an empty one
    auto backend = store::EtcdBackend::open(options, entropy, log);
    if (!backend) {
        std::fprintf(stderr, "%s\n", backend.error().message.c_str());
        return 1;
    }
    std::size_t applied = 0;
    std::size_t others = 0;
    {
        store::EtcdStore store(**backend, loop);
        const std::string value(300, 'x');
        std::size_t open = 0;
        std::size_t key = 0;
        const auto begin = Clock::now();
        while (Clock::now() - begin < length || open > 0) {
            while (open < under_way && Clock::now() - begin < length) {
                store::Txn txn;
                for (std::size_t i = 0; i < batch; ++i)
                    txn.operations.push_back(
                        store::Put{fmt::format("k{:09}", key++ % 1'000'000), value, {}});
                ++open;
                store.write(std::move(txn), [&](store::WriteOutcome outcome) {
                    --open;
                    ++(std::holds_alternative<store::Applied>(outcome) ? applied : others);
                });
            }
            loop.run_one_blocking();
        }
    }
    if (others != 0) std::fprintf(stderr, "%zu were not applied\n", others);
    fmt::print("{:.0f}\n", static_cast<double>(applied) / static_cast<double>(length.count()));
    return applied > 0 ? 0 : 1;
}

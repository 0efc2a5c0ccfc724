// Transactions a second on a real etcd that syncs to the disk under /tmp: `Transactions/members/
// in_flight`, each a compare and a put of 100 bytes to a key of its own, as a scheduler's are.
// `Raw` is the same load by gRPC alone, without router, handle or loop; bench/etcd/run.sh adds
// what etcd's own load generator reaches.
#include <benchmark/benchmark.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "store/etcd/grpc_member.h"
#include "store/etcd/messages.h"
#include "store/etcd/testing/etcd_client.h"
#include "store/etcd/testing/etcd_cluster.h"

namespace khronos::store::etcd {
namespace {

// One at a time, so that they do not share the disk.
struct Bench {
    explicit Bench(std::size_t members) : cluster({.members = members}), client(options()) {}
    EtcdOptions options() const {
        EtcdOptions options;
        options.endpoints = cluster.endpoints();
        return options;
    }
    EtcdCluster cluster;
    EtcdClient client;
};
Bench& bench_of(std::size_t members) {
    static std::unique_ptr<Bench> bench;
    if (!bench || bench->cluster.size() != members) {
        bench.reset();
        bench = std::make_unique<Bench>(members);
    }
    return *bench;
}

void Transactions(benchmark::State& state) {
    EtcdClient& client = bench_of(static_cast<std::size_t>(state.range(0))).client;
    const auto in_flight = static_cast<std::size_t>(state.range(1));
    static std::uint64_t next_key = 0;
    const std::string value(100, 'x');
    std::uint64_t unanswered = 0, failed = 0;
    for (auto _ : state) {
        const std::string key = "k" + std::to_string(next_key++);
        ++unanswered;
        client.store().write(
            {{Compare{key, Compare::Target::mod_revision, Revision{}}}, {Put{key, value, {}}}},
            [&](WriteOutcome outcome) {
                --unanswered;
                failed += !std::holds_alternative<Applied>(outcome);
            });
        client.loop().run_until([&] { return unanswered < in_flight; });
    }
    client.loop().run_until([&] { return unanswered == 0; });
    state.SetItemsProcessed(state.iterations());
    state.counters["failed"] = static_cast<double>(failed);
}
BENCHMARK(Transactions)
    ->ArgsProduct({{1, 3}, {1, 8, 64, 256}})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

void Raw(benchmark::State& state) {
    Bench& bench = bench_of(static_cast<std::size_t>(state.range(0)));
    const auto in_flight = static_cast<std::uint64_t>(state.range(1));
    const auto member = make_grpc_member(bench.cluster.endpoint(0), std::nullopt);
    const Messages messages("/raw");
    std::mutex mutex;
    std::condition_variable answered;
    std::uint64_t unanswered = 0, failed = 0;
    static std::uint64_t next_key = 0;
    const std::string value(100, 'x');
    auto wait_for_fewer_than = [&](std::uint64_t limit) {
        std::unique_lock lock(mutex);
        answered.wait(lock, [&] { return unanswered < limit; });
    };
    for (auto _ : state) {
        const std::string key = "k" + std::to_string(next_key++);
        {
            const std::lock_guard lock(mutex);
            ++unanswered;
        }
        member->txn(messages.txn({{Compare{key, Compare::Target::mod_revision, Revision{}}},
                                  {Put{key, value, {}}}}),
                    {10s, ""}, [&](RpcStatus status, pb::TxnResponse response) {
                        const std::lock_guard lock(mutex);
                        --unanswered;
                        failed += !status.ok() || !response.succeeded();
                        answered.notify_one();
                    });
        wait_for_fewer_than(in_flight);
    }
    wait_for_fewer_than(1);
    state.SetItemsProcessed(state.iterations());
    state.counters["failed"] = static_cast<double>(failed);
}
BENCHMARK(Raw)
    ->ArgsProduct({{1, 3}, {1, 8, 64, 256}})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

void Reads(benchmark::State& state) {
    EtcdClient& client = bench_of(static_cast<std::size_t>(state.range(0))).client;
    client.put("read", "1");
    for (auto _ : state)
        benchmark::DoNotOptimize(client.get("read"));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Reads)->Arg(1)->Arg(3)->UseRealTime()->Unit(benchmark::kMicrosecond);

// The longest time between two writes that were applied, one after the other by compares, when
// the member in use dies (0) or stops (1); what is unknown is read back.
void Gap(benchmark::State& state) {
    const bool stops = state.range(0) == 1;
    for (auto _ : state) {
        Bench bench(3);
        EtcdClient& client = bench.client;
        Revision last;
        auto write_next = [&] {
            const WriteOutcome outcome = client.write(
                {{Compare{"gap", Compare::Target::mod_revision, last}}, {Put{"gap", "", {}}}});
            if (auto* applied = std::get_if<Applied>(&outcome)) {
                last = applied->revision;
                return true;
            }
            const auto got = client.get("gap");
            if (!got || !got->kv || got->kv->mod_revision == last) return false;
            last = got->kv->mod_revision;
            return true;
        };
        for (int i = 0; i < 100;)
            i += write_next();
        const std::size_t victim = bench.cluster.index_of(client.backend().member_in_use());
        auto applied = std::chrono::steady_clock::now();
        if (stops)
            bench.cluster.suspend(victim);
        else
            bench.cluster.kill(victim);
        std::chrono::duration<double> longest{0};
        for (int i = 0; i < 100;) {
            if (!write_next()) continue;
            ++i;
            const auto now = std::chrono::steady_clock::now();
            longest = std::max<std::chrono::duration<double>>(longest, now - applied);
            applied = now;
        }
        state.SetIterationTime(longest.count());
        if (stops) bench.cluster.resume(victim);
    }
}
BENCHMARK(Gap)->Arg(0)->Arg(1)->Iterations(5)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace khronos::store::etcd

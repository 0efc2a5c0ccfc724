// Durable transactions a second by how many are in flight, beside what SQLite itself reaches with
// the same rows and as many of them in one commit; and how long a million keys take to open and
// to read through.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/check.h"
#include "runtime/manual_loop.h"
#include "store/embedded/database.h"
#include "store/embedded/embedded_backend.h"
#include "store/embedded/embedded_store.h"
#include "store/embedded/temporary_directory_testing.h"

namespace khronos::store::embedded {
namespace {

constexpr std::size_t kValueBytes = 300;
constexpr std::uint64_t kKeys = 50'000;

// In the order of a hash, so that pages are hit as at random.
std::string key_of(std::uint64_t number) {
    std::uint64_t mixed = number % kKeys * 0x9e3779b97f4a7c15u;
    return "executions/" + std::to_string(mixed);
}

void BM_DurableTransactions(benchmark::State& state) {
    TemporaryDirectory directory;
    auto backend = EmbeddedBackend::open(directory.path()).value();
    runtime::ManualLoop loop;
    EmbeddedStore store(*backend, loop);
    const auto in_flight = static_cast<std::uint64_t>(state.range(0));
    std::uint64_t sent = 0, done = 0;
    auto send = [&] {
        std::string key = key_of(sent++);
        store.write({{}, {Put{std::move(key), std::string(kValueBytes, 'v'), {}}}},
                    [&](WriteOutcome outcome) {
                        CHECK(std::holds_alternative<Applied>(outcome));
                        ++done;
                    });
    };
    std::uint64_t answered = 0;
    while (answered < in_flight) {
        ++answered;
        send();
    }
    answered = 0;
    for (auto _ : state) {
        loop.run_until([&] { return done > answered; });
        ++answered;
        send();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(answered));
    loop.run_until([&] { return done == sent; });
    StoreStatus status;
    bool told = false;
    store.status([&](StoreStatus s) {
        status = std::move(s);
        told = true;
    });
    loop.run_until([&] { return told; });
    state.counters["txns_per_sync"] =
        static_cast<double>(status.transactions) / static_cast<double>(status.commits);
}
BENCHMARK(BM_DurableTransactions)->Arg(1)->Arg(10)->Arg(100)->Arg(1000)->UseRealTime()->MinTime(3);

void BM_RawSqlite(benchmark::State& state) {
    TemporaryDirectory directory;
    Opened opened = open_database(directory.path(), {}).value();
    Connection& db = *opened.writer;
    Connection checkpointer(database_file(directory.path()), {});
    Statement begin(db, "BEGIN IMMEDIATE"), commit(db, "COMMIT");
    Statement put(db,
                  "REPLACE INTO kv (key, create_revision, mod_revision, lease, checksum, value) "
                  "VALUES (?, ?, ?, ?, ?, ?)");
    const std::string value(kValueBytes, 'v');
    const std::int64_t zero = 0;
    std::uint64_t number = 0;
    for (auto _ : state) {
        begin.execute();
        for (std::int64_t i = 0; i < state.range(0); ++i)
            put.execute(std::string_view(key_of(number++)), zero, zero, zero, zero,
                        std::string_view(value));
        commit.execute();
        if (db.wal_frames() > 4000) checkpointer.checkpoint(SQLITE_CHECKPOINT_PASSIVE);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_RawSqlite)->Arg(1)->Arg(10)->Arg(100)->Arg(1000)->UseRealTime()->MinTime(3);

// A store of a million keys, made once.
class Million {
  public:
    static constexpr std::uint64_t kCount = 1'000'000;

    Million() {
        auto backend = EmbeddedBackend::open(directory_.path()).value();
        runtime::ManualLoop loop;
        EmbeddedStore store(*backend, loop);
        std::uint64_t done = 0;
        for (std::uint64_t at = 0; at < kCount; at += 100) {
            Txn txn;
            for (std::uint64_t i = at; i < at + 100; ++i)
                txn.operations.push_back(Put{"jobs/job-" + std::to_string(1'000'000 + i),
                                             std::string(kValueBytes, 'v'),
                                             {}});
            store.write(std::move(txn), [&](WriteOutcome) { done += 100; });
            if (at % 100'000 == 0) loop.run_until([&] { return done + 100'000 > at; });
        }
        loop.run_until([&] { return done == kCount; });
    }
    const std::string& path() const { return directory_.path(); }

    static Million& instance() {
        static Million million;
        return million;
    }

  private:
    TemporaryDirectory directory_;
};

void BM_OpenAMillionKeys(benchmark::State& state) {
    Million& million = Million::instance();
    for (auto _ : state) {
        auto backend = EmbeddedBackend::open(million.path());
        CHECK(backend.has_value());
        state.PauseTiming();
        backend->reset();
        state.ResumeTiming();
    }
}
BENCHMARK(BM_OpenAMillionKeys)->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(5);

void BM_ReadAMillionKeys(benchmark::State& state) {
    Million& million = Million::instance();
    auto backend = EmbeddedBackend::open(million.path()).value();
    runtime::ManualLoop loop;
    EmbeddedStore store(*backend, loop);
    for (auto _ : state) {
        std::uint64_t count = 0;
        RangeRequest request{.begin = "jobs/", .end = "jobs0"};
        for (bool more = true; more;) {
            bool answered = false;
            store.range(request, [&](std::expected<RangeResult, ReadError> page) {
                count += page->kvs.size();
                more = page->more;
                request.begin = page->kvs.back().key + '\0';
                answered = true;
            });
            loop.run_until([&] { return answered; });
        }
        CHECK(count == Million::kCount);
    }
}
BENCHMARK(BM_ReadAMillionKeys)->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(3);

void BM_QuickCheckOfAMillionKeys(benchmark::State& state) {
    Million& million = Million::instance();
    Connection db(database_file(million.path()), {});
    for (auto _ : state)
        CHECK(db.text("PRAGMA quick_check") == "ok");
}
BENCHMARK(BM_QuickCheckOfAMillionKeys)->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(2);

}  // namespace
}  // namespace khronos::store::embedded

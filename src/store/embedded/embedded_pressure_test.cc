// Full disks, failing disks, slow disks and slow watchers; and that commits are shared.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>

#include "store/embedded/database.h"
#include "store/embedded/embedded_testing.h"
#include "store/embedded/fault_vfs_testing.h"
#include "store/embedded/temporary_directory_testing.h"

namespace khronos::store::embedded {
namespace {

using testing::HasSubstr;

class EmbeddedPressure : public TimeLimitedTest {
  protected:
    TemporaryDirectory directory_;
};
using EmbeddedPressureDeathTest = EmbeddedPressure;

// Answers of many writes that are started before any of them is awaited.
struct Answers {
    std::vector<WriteOutcome> outcomes;

    void start(OpenStore& store, std::vector<Operation> operations) {
        store.store->write({{}, std::move(operations)}, [this](WriteOutcome outcome) {
            outcomes.push_back(std::move(outcome));
        });
    }
    void wait(OpenStore& store, std::size_t count) {
        store.loop.run_until([&] { return outcomes.size() >= count; });
    }
};

TEST_F(EmbeddedPressure, WhatQueuesDuringASyncIsTheNextCommit) {
    FaultVfs vfs("gate");
    OpenStore store(directory_.path(), {.vfs = "gate"});
    std::uint64_t before = store.status().commits;
    Answers answers;
    vfs.hold_syncs();
    answers.start(store, {Put{"first", "1", {}}});
    vfs.wait_for_held_sync();
    for (int i = 0; i < 100; ++i)
        answers.start(store, {Put{"k" + std::to_string(i), "1", {}}});
    EXPECT_TRUE(answers.outcomes.empty()) << "acknowledged before it was synced";
    vfs.release_syncs();
    answers.wait(store, 101);
    StoreStatus status = store.status();
    EXPECT_EQ(status.commits - before, 2u);
    EXPECT_GE(status.transactions, 101u);
}

TEST_F(EmbeddedPressure, NothingIsSeenBeforeItIsSynced) {
    FaultVfs vfs("gate");
    OpenStore store(directory_.path(), {.vfs = "gate"});
    store.put("a", "old");
    Answers answers;
    int events = 0;
    store.store->watch("a", "b", store.get("a")->revision, [&](WatchUpdate) { ++events; });
    vfs.hold_syncs();
    answers.start(store, {Put{"a", "new", {}}});
    vfs.wait_for_held_sync();
    EXPECT_EQ(store.get("a")->kv->value.view(), "old");
    EXPECT_EQ(events, 0);
    vfs.release_syncs();
    answers.wait(store, 1);
    EXPECT_EQ(store.get("a")->kv->value.view(), "new");
    EXPECT_EQ(events, 1) << "the event comes before the answer";
}

TEST_F(EmbeddedPressure, MoreThanMayWaitIsRefusedAsNeverSent) {
    FaultVfs vfs("gate");
    OpenStore store(directory_.path(), {.waiting_requests = 10, .vfs = "gate"});
    Answers answers;
    vfs.hold_syncs();
    answers.start(store, {Put{"first", "1", {}}});
    vfs.wait_for_held_sync();
    for (int i = 0; i < 10; ++i)
        answers.start(store, {Put{"in" + std::to_string(i), "1", {}}});
    answers.start(store, {Put{"out", "1", {}}});
    answers.wait(store, 1);
    EXPECT_EQ(refusal(answers.outcomes[0]), RefusedKind::unreachable);
    vfs.release_syncs();
    answers.wait(store, 12);
    EXPECT_TRUE(store.get("in9")->kv);
    EXPECT_FALSE(store.get("out")->kv);
}

TEST_F(EmbeddedPressure, BytesThatMayWaitAreLimited) {
    FaultVfs vfs("gate");
    OpenStore store(directory_.path(), {.waiting_bytes = 1000, .vfs = "gate"});
    Answers answers;
    vfs.hold_syncs();
    answers.start(store, {Put{"first", "1", {}}});
    vfs.wait_for_held_sync();
    answers.start(store, {Put{"a", std::string(999, 'x'), {}}});
    answers.start(store, {Put{"b", "", {}}});
    answers.wait(store, 1);
    EXPECT_EQ(refusal(answers.outcomes[0]), RefusedKind::unreachable);
    vfs.release_syncs();
    answers.wait(store, 3);
    EXPECT_TRUE(store.get("a")->kv);
}

TEST_F(EmbeddedPressureDeathTest, AFailedSyncEndsTheProcess) {
    EXPECT_EXIT(
        {
            FaultVfs vfs("failing");
            OpenStore store(directory_.path(), {.vfs = "failing"});
            store.put("a", "1");
            vfs.fail_syncs(true);
            store.put("a", "2");
            ::_exit(0);
        },
        testing::ExitedWithCode(74), "could not be written: .*this process ends");
}

TEST_F(EmbeddedPressure, AFullDiskRefusesAndRecoversByItself) {
    FaultVfs vfs("full");
    OpenStore store(directory_.path(), {.reserve_bytes = 1 << 20, .vfs = "full"});
    store.put("old", "1");
    vfs.set_space(vfs.used() + 50'000);
    int written = 0;
    while (applied(store.put("k" + std::to_string(written), std::string(3000, 'x'))))
        ++written;
    EXPECT_EQ(refusal(store.put("more", std::string(3000, 'x'))), RefusedKind::no_space);
    EXPECT_FALSE(store.get("more")->kv);
    EXPECT_EQ(store.get("old")->kv->value.view(), "1");
    StoreStatus status = store.status();
    EXPECT_TRUE(status.no_space);
    EXPECT_TRUE(status.reachable);
    EXPECT_THAT(status.message, HasSubstr("full"));

    vfs.set_space(vfs.used() + 10'000'000);
    EXPECT_TRUE(applied(store.put("more", std::string(3000, 'x'))));
    EXPECT_FALSE(store.status().no_space);
    EXPECT_TRUE(store.get("more")->kv);
    EXPECT_TRUE(applied(store.write({EraseRange{"k", "l"}})));
    EXPECT_FALSE(store.get("k0")->kv);
}

TEST_F(EmbeddedPressure, OnAFullDiskErasuresGoOnAndMakeRoomForPuts) {
    FaultVfs vfs("full");
    OpenStore store(directory_.path(), {.reserve_bytes = 4 << 20, .vfs = "full"});
    // So few that the log is not long enough for a checkpoint, which would give its space back at
    // a moment of its own.
    constexpr int kKeys = 80;
    for (int i = 0; i < kKeys; ++i)
        store.put("k" + std::to_string(i), std::string(1000, 'x'));
    vfs.set_space(vfs.used());
    EXPECT_EQ(refusal(store.put("n", std::string(500'000, 'x'))), RefusedKind::no_space);
    EXPECT_EQ(refusal(store.put("n", std::string(1000, 'x'))), RefusedKind::no_space);
    for (int i = 0; i < kKeys; ++i)
        ASSERT_TRUE(applied(store.write({Erase{"k" + std::to_string(i)}}))) << i;
    EXPECT_TRUE(store.status().no_space);
    EXPECT_TRUE(applied(store.put("n", std::string(1000, 'x')))) << "the file has free pages now";
    EXPECT_EQ(refusal(store.put("m", std::string(900'000, 'x'))), RefusedKind::no_space);
}

TEST_F(EmbeddedPressure, OneThatDoesNotFitDoesNotTakeItsNeighboursAlong) {
    FaultVfs vfs("full and gated");
    OpenStore store(directory_.path(), {.reserve_bytes = 100'000, .vfs = "full and gated"});
    store.put("old", "1");
    Answers answers;
    vfs.hold_syncs();
    answers.start(store, {Put{"first", "1", {}}});
    vfs.wait_for_held_sync();
    answers.start(store, {Erase{"old"}});
    answers.start(store, {Put{"big", std::string(900'000, 'x'), {}}});
    answers.start(store, {Put{"small", "1", {}}});
    vfs.set_space(vfs.used() + 100'000);
    vfs.release_syncs();
    answers.wait(store, 4);
    EXPECT_TRUE(applied(answers.outcomes[1]));
    EXPECT_EQ(refusal(answers.outcomes[2]), RefusedKind::no_space);
    EXPECT_TRUE(applied(answers.outcomes[3]));
    EXPECT_FALSE(store.get("old")->kv);
    EXPECT_TRUE(store.get("small")->kv);
}

TEST_F(EmbeddedPressure, AStoreFilledToTheLimitOpensAgainWhole) {
    std::map<std::string, KeyValue> before;
    {
        FaultVfs vfs("full");
        OpenStore store(directory_.path(), {.reserve_bytes = 100'000, .vfs = "full"});
        vfs.set_space(vfs.used() + 200'000);
        for (int i = 0; i < 100; ++i)
            store.put("k" + std::to_string(i), std::string(5000, 'x'));
        for (int i = 0; i < 10; ++i)
            store.write({Erase{"k" + std::to_string(i)}});
        before = store.all();
        store.store.reset();
        store.backend.reset();
    }
    OpenStore store(directory_.path());
    ASSERT_EQ(store.error, "");
    EXPECT_EQ(store.all(), before);
}

TEST_F(EmbeddedPressure, TheLogIsKeptSmallUnderSteadyWrites) {
    OpenStore store(directory_.path(), {.log_bytes = 1 << 20});
    for (int i = 0; i < 100; ++i) {
        Answers answers;
        for (int k = 0; k < 10; ++k)
            answers.start(store, {Put{"k" + std::to_string(k), std::string(20'000, 'x'), {}}});
        answers.wait(store, 10);
    }
    EXPECT_LT(std::filesystem::file_size(log_file(directory_.path())), 4u << 20);
}

TEST_F(EmbeddedPressure, AHistoryThatIsTooLongForgetsItsBeginning) {
    OpenStore store(directory_.path(), {.history_events = 10});
    std::vector<Revision> revisions;
    for (int i = 0; i < 20; ++i)
        revisions.push_back(std::get<Applied>(store.put("a", "1")).revision);
    bool old_lost = false;
    std::size_t events = 0;
    store.store->watch("a", "b", revisions[5], [&](WatchUpdate update) {
        old_lost = std::holds_alternative<WatchLost>(update);
    });
    store.store->watch("a", "b", revisions[9], [&](WatchUpdate update) {
        events += std::get<WatchBatch>(update).events.size();
    });
    store.loop.run_until([&] { return old_lost && events == 10; });
}

TEST_F(EmbeddedPressure, AWatcherThatDoesNotKeepUpIsLostAfterWhatItHad) {
    OpenStore store(directory_.path(), {.unread_bytes = 10'000});
    runtime::ManualLoop slow_loop;
    EmbeddedStore slow(*store.backend, slow_loop);
    std::size_t events = 0;
    int lost = 0;
    slow.watch("a", "b", store.get("a")->revision, [&](WatchUpdate update) {
        EXPECT_EQ(lost, 0);
        if (const WatchBatch* batch = std::get_if<WatchBatch>(&update))
            events += batch->events.size();
        else
            ++lost;
    });
    for (int i = 0; i < 50; ++i)
        store.put("a", std::string(1000, 'x'));
    slow_loop.run_until([&] { return lost == 1; });
    EXPECT_GT(events, 0u);
    EXPECT_LT(events, 50u);
}

TEST_F(EmbeddedPressure, WatchersShareOneCopyOfAValue) {
    OpenStore store(directory_.path());
    std::vector<const char*> seen;
    for (int i = 0; i < 2; ++i) {
        store.store->watch("a", "b", store.get("a")->revision, [&](WatchUpdate update) {
            seen.push_back(std::get<WatchBatch>(update).events[0].kv.value.view().data());
        });
    }
    store.put("a", "shared");
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0], seen[1]);
}

TEST_F(EmbeddedPressure, HandlesOfSeveralThreadsWorkAtOnce) {
    OpenStore main(directory_.path());
    constexpr int kThreads = 4, kWrites = 200;
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < kThreads; ++t) {
            threads.emplace_back([&, t] {
                runtime::ManualLoop loop;
                EmbeddedStore store(*main.backend, loop);
                int answers = 0, events = 0;
                std::string prefix = "t" + std::to_string(t) + "/";
                store.watch(prefix, prefix_end(prefix), Revision{}, [&](WatchUpdate update) {
                    events += static_cast<int>(std::get<WatchBatch>(update).events.size());
                });
                for (int i = 0; i < kWrites; ++i) {
                    store.write({{}, {Put{prefix + std::to_string(i), "1", {}}}},
                                [&](WriteOutcome outcome) {
                                    EXPECT_TRUE(applied(outcome));
                                    ++answers;
                                });
                    if (i % 20 == 0) store.get(prefix, [](auto) {});
                }
                loop.run_until([&] { return answers == kWrites && events == kWrites; });
            });
        }
    }
    EXPECT_EQ(main.all().size(), static_cast<std::size_t>(kThreads * kWrites));
}

}  // namespace
}  // namespace khronos::store::embedded

// Conformance: watches. Included by store/conformance.h.
#pragma once

#include <map>
#include <set>

#include "store/conformance_driver.h"

namespace khronos::store::conformance {

class StoreWatches : public StoreTest {
  protected:
    using Texts = std::vector<std::string>;
};

TEST_P(StoreWatches, TellsEveryLaterChangeInOrder) {
    Revision now = apply({put("a", "0")});
    auto watcher = watch("a", "z", now);
    Revision first = apply({put("a", "1")});
    Revision second = apply({put("b", "2")});
    Revision third = apply({erase("a")});
    turn([&] { return watcher->events.size() >= 3; });
    EXPECT_EQ(texts(watcher->events),
              (Texts{"put a=1" + at(first), "put b=2" + at(second), "erase a" + at(third)}));
}

TEST_P(StoreWatches, AnEventHasTheKeyAsAReadWouldShowIt) {
    LeaseId lease = grant(60s);
    Revision made = apply({put("a", "0")});
    auto watcher = watch("a", "b", made);
    Revision changed = apply({put("a", "1", lease)});
    turn([&] { return !watcher->events.empty(); });
    EXPECT_EQ(watcher->events[0],
              (WatchEvent{{"a", SharedBytes("1"), made, changed, lease}, false}));
}

TEST_P(StoreWatches, ADeletionHasOnlyTheKeyAndItsRevision) {
    LeaseId lease = grant(60s);
    Revision made = apply({put("a", "1", lease)});
    auto watcher = watch("a", "b", made);
    Revision erased = apply({erase("a")});
    turn([&] { return !watcher->events.empty(); });
    EXPECT_EQ(watcher->events[0], (WatchEvent{{"a", {}, {}, erased, {}}, true}));
}

TEST_P(StoreWatches, TellsOnlyOfItsRangeWhichIsHalfOpen) {
    auto watcher = watch("b", "d", revision());
    Revision at = apply({put("a", "1"), put("b", "1"), put("c", "1"), put("d", "1")});
    settle(*watcher, "c/last");
    watcher->events.pop_back();
    EXPECT_EQ(texts(watcher->events),
              (Texts{"put b=1" + conformance::at(at), "put c=1" + conformance::at(at)}));
}

TEST_P(StoreWatches, AWatchFromThePastReplaysWhatHappenedSince) {
    Revision first = apply({put("a", "1")});
    Revision second = apply({put("a", "2")});
    Revision third = apply({erase("a"), put("b", "1")});
    auto since_first = watch("a", "z", first);
    auto since_second = watch("a", "z", second);
    Revision marker = apply({put("last", "marker")});
    for (Watcher* watcher : {since_first.get(), since_second.get()})
        turn([&] { return watcher->has_seen("last", marker); });
    std::string last = at(third);
    EXPECT_EQ(text(since_first->events[0]), "put a=2" + at(second));
    EXPECT_THAT(texts({since_second->events.begin(), since_second->events.begin() + 2}),
                testing::UnorderedElementsAre("erase a" + last, "put b=1" + last));
    EXPECT_EQ(since_first->events.size(), since_second->events.size() + 1);
}

TEST_P(StoreWatches, AWatchFromTheFutureIsSilentUntilThen) {
    Revision now = revision();
    auto watcher = watch("a", "b", Revision(now.value + 2));
    apply({put("a", "1")});
    apply({put("a", "2")});
    Revision third = apply({put("a", "3")});
    turn([&] { return !watcher->events.empty(); });
    EXPECT_EQ(texts(watcher->events), (Texts{"put a=3" + at(third)}));
}

TEST_P(StoreWatches, NeitherMissesNorRepeatsAnythingWhereReplayMeetsTheLiveStream) {
    Revision start = revision();
    std::vector<std::unique_ptr<Watcher>> watchers;
    std::map<Revision, std::string>
        written;  // writes under way together have no order of their own
    constexpr std::size_t kWrites = 60;
    for (std::size_t i = 0; i < kWrites; ++i) {
        other_->write({{}, {put("a", std::to_string(i))}}, [&, i](WriteOutcome outcome) {
            written[std::get<Applied>(outcome).revision] = std::to_string(i);
        });
        if (i % 6 == 0) watchers.push_back(watch("a", "b", start));
        if (i % 10 == 0) turn([&] { return written.size() > i / 2; });
    }
    turn([&] { return written.size() == kWrites; });
    Revision marker = apply({put("a/last", "marker")});
    for (auto& watcher : watchers) {
        turn([&] { return watcher->lost || watcher->has_seen("a/last", marker); });
        ASSERT_EQ(watcher->events.size(), kWrites + 1);
        auto next = watcher->events.begin();
        for (const auto& [revision, value] : written) {
            EXPECT_EQ(next->kv.mod_revision, revision);
            EXPECT_EQ(next++->kv.value.view(), value);
        }
    }
}

TEST_P(StoreWatches, EventsOfOneRevisionAreNeverSplit) {
    auto watcher = watch("a", "z", revision());
    std::set<Revision> revisions;
    for (int i = 0; i < 20; ++i) {
        std::vector<Operation> operations;
        for (int k = 0; k < 10; ++k)
            operations.push_back(put("k" + std::to_string(k), "1"));
        revisions.insert(apply(operations));
    }
    turn([&] { return watcher->events.size() >= 200; });
    std::set<Revision> seen;
    for (const WatchBatch& batch : watcher->batches) {
        std::set<Revision> of_batch;
        for (const WatchEvent& event : batch.events) {
            of_batch.insert(event.kv.mod_revision);
            EXPECT_LE(event.kv.mod_revision, batch.revision);
        }
        for (Revision r : of_batch)
            EXPECT_TRUE(seen.insert(r).second) << "split" << at(r);
    }
    EXPECT_EQ(seen, revisions);
}

TEST_P(StoreWatches, BatchRevisionsNeverGoBack) {
    auto watcher = watch("a", "b", revision());
    for (int i = 0; i < 20; ++i)
        apply({put(i % 2 ? "a" : "elsewhere", "1")});
    settle(*watcher, "a");
    Revision last;
    for (const WatchBatch& batch : watcher->batches) {
        EXPECT_GE(batch.revision, last);
        for (const WatchEvent& event : batch.events)
            EXPECT_GT(event.kv.mod_revision, last);
        last = batch.revision;
    }
}

TEST_P(StoreWatches, WhatChangesNothingIsNoEvent) {
    Revision now = apply({put("a", "1")});
    auto watcher = watch("a", "z", now);
    write({{absent("a")}, {put("a", "2")}});
    write({{}, {erase("b"), erase_range("c", "d")}});
    write({{}, {put("a", "1"), put("a", "2")}});
    settle(*watcher, "last");
    EXPECT_EQ(watcher->events.size(), 1u);
}

TEST_P(StoreWatches, AnErasedRangeIsOneEventForEachKeyItHad) {
    Revision now = apply({put("a", "1"), put("b", "1"), put("d", "1")});
    auto watcher = watch("a", "z", now);
    Revision erased = apply({erase_range("a", "d")});
    settle(*watcher, "last");
    watcher->events.pop_back();
    EXPECT_THAT(texts(watcher->events),
                testing::UnorderedElementsAre("erase a" + at(erased), "erase b" + at(erased)));
}

TEST_P(StoreWatches, AllWatchersOfAllHandlesAreTold) {
    Revision now = revision();
    auto mine = watch(*store_, "a", "b", now);
    auto also_mine = watch(*store_, "a", "z", now);
    auto theirs = watch(*other_, "a", "b", now);
    apply({put("a", "1")});
    for (Watcher* watcher : {mine.get(), also_mine.get(), theirs.get()})
        turn([&] { return watcher->events.size() == 1; });
}

TEST_P(StoreWatches, NoUpdateComesAfterUnwatch) {
    Revision now = revision();
    auto stopped = watch("a", "b", now);
    auto marker = watch("a", "b", now);
    apply({put("a", "1")});
    turn([&] { return stopped->events.size() == 1 && marker->events.size() == 1; });
    // Events may be on their way already when the watch ends.
    int answers = 0;
    for (int i = 0; i < 10; ++i)
        other_->write({{}, {put("a", "2")}}, [&](WriteOutcome) { ++answers; });
    store_->unwatch(stopped->id);
    turn([&] { return answers == 10; });
    settle(*marker, "a");
    EXPECT_EQ(marker->events.size(), 12u);
    EXPECT_EQ(stopped->events.size(), 1u);
    store_->unwatch(stopped->id);  // again: ignored
    store_->unwatch(WatchId(987654321));
}

TEST_P(StoreWatches, AWatcherMayUnwatchItselfFromWithinAnUpdate) {
    int updates = 0;
    WatchId id;
    auto kept_alive = std::make_shared<int>(7);
    id = store_->watch("a", "b", revision(), [&, kept_alive](WatchUpdate update) {
        if (std::get<WatchBatch>(update).events.empty()) return;
        ++updates;
        store_->unwatch(id);
        EXPECT_EQ(*kept_alive, 7) << "the callback must outlive its own call";
    });
    auto marker = watch("a", "b", revision());
    apply({put("a", "1")});
    turn([&] { return updates > 0; });
    settle(*marker, "a");
    EXPECT_EQ(updates, 1);
}

TEST_P(StoreWatches, AWatcherMayWriteAndWatchFromWithinAnUpdate) {
    std::unique_ptr<Watcher> second;
    bool written = false;
    WatchId first = store_->watch("a", "b", revision(), [&](WatchUpdate update) {
        WatchBatch& batch = std::get<WatchBatch>(update);
        if (batch.events.empty() || second) return;
        second = watch("c", "d", batch.revision);
        store_->write({{}, {put("c", "1")}}, [&](WriteOutcome) { written = true; });
    });
    apply({put("a", "1")});
    turn([&] { return written && second && second->events.size() == 1; });
    store_->unwatch(first);
}

TEST_P(StoreWatches, AWatchFromBeforeACompactionIsLostAndOver) {
    Revision first = apply({put("a", "1")});
    apply({put("a", "2")});
    apply({put("a", "3")});
    Revision last = apply({put("a", "4")});
    if (!backend_->compact(last)) GTEST_SKIP() << "this backend is not told to compact";
    auto lost = watch("a", "b", first);
    turn([&] { return lost->lost; });
    EXPECT_TRUE(lost->events.empty()) << "a watch that cannot tell all must tell nothing";
    auto good = watch("a", "b", last);
    Revision next = apply({put("a", "5")});
    turn([&] { return good->lost || !good->events.empty(); });
    EXPECT_EQ(texts(good->events), (Texts{"put a=5" + at(next)}));
    EXPECT_TRUE(lost->events.empty());
}

TEST_P(StoreWatches, ARunningWatchDoesNotNoticeACompaction) {
    auto watcher = watch("a", "b", revision());
    Revision first = apply({put("a", "1")});
    turn([&] { return watcher->events.size() == 1; });
    if (!backend_->compact(first)) GTEST_SKIP() << "this backend is not told to compact";
    apply({put("a", "2")});
    turn([&] { return watcher->events.size() == 2; });
    EXPECT_FALSE(watcher->lost);
}

}  // namespace khronos::store::conformance

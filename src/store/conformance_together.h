// Conformance: many at once, and handles that come and go. Included by store/conformance.h.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "store/conformance_driver.h"

namespace khronos::store::conformance {

class StoreTogether : public StoreTest {
  protected:
    // Adds one to the number at `key`, reading and trying again until no compare fails.
    void increment(Store& store, const std::string& key, int* left) {
        store.get(key, [&store, key, left, this](std::expected<GetResult, ReadError> got) {
            ASSERT_TRUE(got);
            Revision read = got->kv ? got->kv->mod_revision : Revision{};
            int number = got->kv ? std::stoi(std::string(got->kv->value.view())) : 0;
            Txn txn{{mod_is(key, read)}, {put(key, std::to_string(number + 1))}};
            store.write(std::move(txn), [&store, key, left, this](WriteOutcome outcome) {
                if (is_conflict(outcome)) {
                    increment(store, key, left);
                } else {
                    ASSERT_EQ(refusal(outcome), std::nullopt);
                    --*left;
                }
            });
        });
    }
};

TEST_P(StoreTogether, NoIncrementIsLostAmongCompetingWriters) {
    constexpr int kEach = 25;
    int left = 2 * kEach;
    for (int i = 0; i < kEach; ++i) {
        increment(*store_, "counter", &left);
        increment(*other_, "counter", &left);
    }
    turn([&] { return left == 0; });
    EXPECT_EQ(value("counter"), std::to_string(2 * kEach));
}

TEST_P(StoreTogether, ConcurrentWritesHaveDifferentRevisionsAndAllArePresent) {
    constexpr std::size_t kCount = 300;
    std::map<Revision, std::string> written;
    for (std::size_t i = 0; i < kCount; ++i) {
        std::string key = "k" + std::to_string(i);
        Store& store = i % 2 ? *store_ : *other_;
        store.write({{absent(key)}, {put(key, key)}}, [&written, key](WriteOutcome outcome) {
            ASSERT_TRUE(std::holds_alternative<Applied>(outcome));
            written[std::get<Applied>(outcome).revision] = key;
        });
    }
    turn([&] { return written.size() == kCount; });
    RangeResult all = range({"k", "l"});
    ASSERT_EQ(all.kvs.size(), kCount);
    for (const KeyValue& kv : all.kvs)
        EXPECT_EQ(written[kv.mod_revision], kv.key);
}

TEST_P(StoreTogether, AConflictNeverSeesARevisionOlderThanWhatItLostTo) {
    std::vector<WriteOutcome> outcomes;
    for (int i = 0; i < 50; ++i) {
        Store& store = i % 2 ? *store_ : *other_;
        store.write({{absent("a")}, {put("a", std::to_string(i))}},
                    [&](WriteOutcome outcome) { outcomes.push_back(std::move(outcome)); });
    }
    turn([&] { return outcomes.size() == 50; });
    Revision won = get("a").kv.value().mod_revision;
    EXPECT_EQ(std::ranges::count(outcomes, WriteOutcome(Applied{won})), 1);
    for (const WriteOutcome& outcome : outcomes) {
        if (const Conflict* lost = std::get_if<Conflict>(&outcome)) {
            EXPECT_GE(lost->revision, won);
        }
    }
}

TEST_P(StoreTogether, AWatcherSeesExactlyWhatWasApplied) {
    auto watcher = watch("k", "l", revision());
    std::set<std::pair<Revision, std::string>> applied;
    int answers = 0;
    constexpr int kCount = 200;
    for (int i = 0; i < kCount; ++i) {
        std::string key = "k" + std::to_string(i % 17);
        Txn txn{{}, {put(key, std::to_string(i))}};
        if (i % 3 == 0) txn.compares = {absent(key)};
        if (i % 5 == 0) txn.operations = {erase(key)};
        Store& store = i % 2 ? *store_ : *other_;
        store.write(std::move(txn), [&, key](WriteOutcome outcome) {
            ++answers;
            if (auto* done = std::get_if<Applied>(&outcome)) applied.emplace(done->revision, key);
        });
    }
    turn([&] { return answers == kCount; });
    settle(*watcher, "k last");
    watcher->events.pop_back();
    Revision last;
    for (const WatchEvent& event : watcher->events) {
        EXPECT_GT(event.kv.mod_revision, last);
        last = event.kv.mod_revision;
        EXPECT_TRUE(applied.contains({last, event.kv.key})) << text(event);
    }
    RangeResult now = range({"k", "k last"});
    for (const KeyValue& kv : now.kvs)
        EXPECT_TRUE(watcher->has_seen(kv.key, kv.mod_revision));
}

TEST_P(StoreTogether, ADestroyedHandleDropsItsCompletionsAndWatches) {
    int calls = 0;
    auto count = [&calls](auto&&...) { ++calls; };
    {
        std::unique_ptr<Store> brief = backend_->open(loop_);
        brief->watch("a", "b", Revision{}, count);
        brief->write({{}, {put("a", "1")}}, count);
        brief->get("a", count);
        brief->lease_grant(60s, count);
    }
    auto watcher = watch("a", "b", revision());
    settle(*watcher, "a");
    EXPECT_EQ(calls, 0);
}

TEST_P(StoreTogether, AHandleMayBeDestroyedFromWithinItsOwnCompletion) {
    std::unique_ptr<Store> brief = backend_->open(loop_);
    bool answered = false;
    brief->watch("a", "b", Revision{}, [](WatchUpdate) {});
    brief->write({{}, {put("a", "1")}}, [&](WriteOutcome) {
        brief.reset();
        answered = true;
    });
    turn([&] { return answered; });
    EXPECT_TRUE(exists("a"));
}

TEST_P(StoreTogether, ACompletionMayStartTheNextRequest) {
    std::optional<std::string> found;
    store_->write({{}, {put("a", "1")}}, [&](WriteOutcome) {
        store_->get("a", [&](std::expected<GetResult, ReadError> got) {
            ASSERT_TRUE(got && got->kv);
            found = got->kv->value.view();
        });
    });
    turn([&] { return found.has_value(); });
    EXPECT_EQ(found, "1");
}

}  // namespace khronos::store::conformance

// Conformance: get and range. Included by store/conformance.h.
#pragma once

#include "store/conformance_driver.h"

namespace khronos::store::conformance {

class StoreReads : public StoreTest {
  protected:
    using Keys = std::vector<std::string>;
    void write_letters() {
        apply({put("a", "1"), put("b", "2"), put("c", "3"), put("d", "4"), put("e", "5")});
    }
};

TEST_P(StoreReads, AReadSeesEveryWriteAcknowledgedToAnybody) {
    for (int i = 0; i < 20; ++i) {
        std::string text = std::to_string(i);
        Revision written = apply(i % 2 ? *store_ : *other_, {put("a", text)});
        GetResult got = get(i % 3 ? *store_ : *other_, "a");
        ASSERT_TRUE(got.kv);
        EXPECT_EQ(got.kv->value.view(), text);
        EXPECT_GE(got.revision, written);
    }
}

TEST_P(StoreReads, ARangeIsSortedByKeyAndHalfOpen) {
    write_letters();
    RangeResult result = range({"b", "d"});
    EXPECT_EQ(keys(result), (Keys{"b", "c"}));
    EXPECT_EQ(result.kvs[0].value.view(), "2");
    EXPECT_FALSE(result.more);
}

TEST_P(StoreReads, ARangeHasTheRevisionsAndTheLeaseOfEachKey) {
    LeaseId lease = grant(60s);
    Revision made = apply({put("a", "1")});
    Revision changed = apply({put("a", "2", lease)});
    RangeResult result = range({"a", "b"});
    ASSERT_EQ(result.kvs.size(), 1u);
    EXPECT_EQ(result.kvs[0], (KeyValue{"a", SharedBytes("2"), made, changed, lease}));
    EXPECT_EQ(result.revision, changed);
}

TEST_P(StoreReads, AnEmptyRangeHasTheStoresRevision) {
    Revision now = apply({put("a", "1")});
    RangeResult result = range({"x", "y"});
    EXPECT_TRUE(result.kvs.empty());
    EXPECT_EQ(result.revision, now);
    EXPECT_TRUE(range({"b", "a"}).kvs.empty());
    EXPECT_TRUE(range({"a", "a"}).kvs.empty());
}

TEST_P(StoreReads, ALimitedRangeSaysWhetherThereIsMore) {
    write_letters();
    RangeResult three = range({.begin = "a", .end = "z", .limit = 3});
    EXPECT_EQ(keys(three), (Keys{"a", "b", "c"}));
    EXPECT_TRUE(three.more);
    RangeResult all = range({.begin = "a", .end = "z", .limit = 5});
    EXPECT_EQ(keys(all), (Keys{"a", "b", "c", "d", "e"}));
    EXPECT_FALSE(all.more);
}

TEST_P(StoreReads, ADescendingRangeStartsFromTheEnd) {
    write_letters();
    RangeResult two = range({.begin = "a", .end = "e", .limit = 2, .descending = true});
    EXPECT_EQ(keys(two), (Keys{"d", "c"}));
    EXPECT_TRUE(two.more);
    RangeResult all = range({.begin = "a", .end = "e", .limit = 4, .descending = true});
    EXPECT_EQ(keys(all), (Keys{"d", "c", "b", "a"}));
    EXPECT_FALSE(all.more);
}

TEST_P(StoreReads, KeysOnlyLeavesTheValuesOut) {
    Revision at = apply({put("a", "1"), put("b", "2")});
    RangeResult result = range({.begin = "a", .end = "z", .keys_only = true});
    EXPECT_EQ(keys(result), (Keys{"a", "b"}));
    for (const KeyValue& kv : result.kvs) {
        EXPECT_TRUE(kv.value.empty());
        EXPECT_EQ(kv.mod_revision, at);
    }
}

TEST_P(StoreReads, PagesGoOnFromTheLastKey) {
    std::vector<Operation> operations;
    Keys expected;
    for (int i = 100; i < 200; ++i) {
        expected.push_back("k" + std::to_string(i));
        operations.push_back(put(expected.back(), "1"));
    }
    apply(operations);
    Keys found;
    RangeRequest request{.begin = "k", .end = "l", .limit = 7};
    for (bool more = true; more;) {
        RangeResult page = range(request);
        for (const KeyValue& kv : page.kvs)
            found.push_back(kv.key);
        more = page.more;
        request.begin = found.back() + '\0';
    }
    EXPECT_EQ(found, expected);
}

TEST_P(StoreReads, KeysAreOrderedByTheirBytes) {
    Keys expected = {"A", "a", std::string("a\0", 2), "a/", "a/b", "aa",
                     "b", "é", "\xf0\x9f\x99\x82"};
    std::vector<Operation> operations;
    for (const std::string& key : expected)
        operations.push_back(put(key, key));
    apply({operations.rbegin(), operations.rend()});
    EXPECT_EQ(keys(range({"A", "\xff"})), expected);
    EXPECT_EQ(value("é"), "é");
}

TEST_P(StoreReads, APrefixEndsAtPrefixEnd) {
    apply({put("jobs", "1"), put("jobs/a", "1"), put("jobs/\xf0\x9f\x99\x82", "1"),
           put("jobs0", "1")});
    EXPECT_EQ(keys(range({"jobs/", prefix_end("jobs/")})),
              (Keys{"jobs/a", "jobs/\xf0\x9f\x99\x82"}));
}

TEST_P(StoreReads, ARangeSeesATransactionWholeOrNotAtAll) {
    apply({put("a", "0"), put("z", "0")});
    std::size_t answers = 0;
    for (int i = 1; i <= 30; ++i) {
        std::string text = std::to_string(i);
        other_->write({{}, {put("a", text), put("z", text)}}, [](WriteOutcome) {});
        store_->range({"a", "{"}, [&answers](std::expected<RangeResult, ReadError> result) {
            ++answers;
            ASSERT_TRUE(result);
            ASSERT_EQ(result->kvs.size(), 2u);
            EXPECT_EQ(result->kvs[0].value, result->kvs[1].value);
            EXPECT_LE(result->kvs[0].mod_revision, result->revision);
        });
    }
    turn([&] { return answers == 30; });
}

TEST_P(StoreReads, StatusSaysWhichBackendAnswersAndThatItIsHealthy) {
    apply({put("a", "1")});
    StoreStatus status = wait<StoreStatus>([&](auto done) { store_->status(std::move(done)); });
    EXPECT_TRUE(status.reachable);
    EXPECT_FALSE(status.no_space);
    EXPECT_FALSE(status.backend.empty());
    EXPECT_EQ(status.message, "");
    EXPECT_GE(status.transactions, 1u);
    EXPECT_GE(status.commits, 1u);
    EXPECT_GT(status.bytes, 0u);
}

}  // namespace khronos::store::conformance

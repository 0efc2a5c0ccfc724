// Conformance: transactions. Included by store/conformance.h.
#pragma once

#include <algorithm>

#include "store/conformance_driver.h"

namespace khronos::store::conformance {

class StoreWrites : public StoreTest {};

TEST_P(StoreWrites, AKeyThatWasNeverWrittenIsAbsent) {
    EXPECT_FALSE(exists("a"));
}

TEST_P(StoreWrites, APutIsReadBackWithItsRevisions) {
    Revision at = apply({put("a", "1")});
    GetResult got = get("a");
    ASSERT_TRUE(got.kv);
    EXPECT_EQ(*got.kv, (KeyValue{"a", SharedBytes("1"), at, at, LeaseId{}}));
    EXPECT_EQ(got.revision, at);
}

TEST_P(StoreWrites, EveryAppliedTransactionHasAHigherRevision) {
    Revision first = apply({put("a", "1")});
    Revision second = apply({put("b", "1")});
    Revision third = apply({erase("a")});
    EXPECT_GT(first, Revision{0}) << "0 means absent";
    EXPECT_LT(first, second);
    EXPECT_LT(second, third);
}

TEST_P(StoreWrites, AllWritesOfATransactionHaveOneRevision) {
    Revision at = apply({put("a", "1"), put("b", "2"), put("c", "3")});
    for (const char* key : {"a", "b", "c"}) {
        GetResult got = get(key);
        ASSERT_TRUE(got.kv) << key;
        EXPECT_EQ(got.kv->mod_revision, at);
        EXPECT_EQ(got.kv->create_revision, at);
    }
}

TEST_P(StoreWrites, OverwritingKeepsTheCreateRevision) {
    Revision made = apply({put("a", "1")});
    Revision changed = apply({put("a", "2")});
    KeyValue kv = get("a").kv.value();
    EXPECT_EQ(kv.value.view(), "2");
    EXPECT_EQ(kv.create_revision, made);
    EXPECT_EQ(kv.mod_revision, changed);
}

TEST_P(StoreWrites, WritingTheSameValueAgainIsAWrite) {
    Revision first = apply({put("a", "1")});
    Revision second = apply({put("a", "1")});
    EXPECT_LT(first, second);
    EXPECT_EQ(get("a").kv.value().mod_revision, second);
}

TEST_P(StoreWrites, AKeyMadeAgainAfterItsErasureIsANewKey) {
    apply({put("a", "1")});
    apply({erase("a")});
    EXPECT_FALSE(exists("a"));
    Revision again = apply({put("a", "2")});
    EXPECT_EQ(get("a").kv.value().create_revision, again);
}

TEST_P(StoreWrites, ACompareOfTheModRevisionHoldsOnlyForTheLastWrite) {
    Revision first = apply({put("a", "1")});
    Revision second = apply({put("a", "2")});
    EXPECT_TRUE(is_conflict(write({{mod_is("a", first)}, {put("a", "3")}})));
    EXPECT_EQ(value("a"), "2");
    EXPECT_EQ(refusal(write({{mod_is("a", second)}, {put("a", "3")}})), std::nullopt);
    EXPECT_EQ(value("a"), "3");
}

TEST_P(StoreWrites, ACompareOfTheCreateRevisionOutlivesOverwrites) {
    Revision made = apply({put("a", "1")});
    Revision changed = apply({put("a", "2")});
    EXPECT_TRUE(is_conflict(write({{create_is("a", changed)}, {put("a", "3")}})));
    write({{create_is("a", made)}, {put("a", "3")}});
    EXPECT_EQ(value("a"), "3");
}

TEST_P(StoreWrites, RevisionZeroMeansAbsentInBothCompares) {
    write({{absent("a"), create_is("b", Revision{})}, {put("a", "1"), put("b", "1")}});
    EXPECT_EQ(value("a"), "1");
    EXPECT_TRUE(is_conflict(write({{absent("a")}, {put("a", "2")}})));
    EXPECT_TRUE(is_conflict(write({{create_is("b", Revision{})}, {put("a", "2")}})));
    EXPECT_EQ(value("a"), "1");
}

TEST_P(StoreWrites, AnErasedKeyIsAbsentToACompare) {
    Revision at = apply({put("a", "1")});
    apply({erase("a")});
    EXPECT_TRUE(is_conflict(write({{mod_is("a", at)}, {put("b", "1")}})));
    write({{absent("a")}, {put("b", "1")}});
    EXPECT_EQ(value("b"), "1");
}

TEST_P(StoreWrites, OneFailedCompareOfManyWritesNothing) {
    Revision at = apply({put("a", "1"), put("b", "1")});
    WriteOutcome outcome =
        write({{mod_is("a", at), absent("b"), mod_is("b", at)}, {put("a", "2"), erase("b")}});
    EXPECT_EQ(outcome, WriteOutcome(Conflict{at}));
    EXPECT_EQ(value("a"), "1");
    EXPECT_EQ(value("b"), "1");
}

TEST_P(StoreWrites, AConflictTellsTheStoresRevisionAndDoesNotRaiseIt) {
    apply({put("a", "1")});
    Revision now = apply({put("b", "1")});
    EXPECT_EQ(write({{absent("a")}, {put("a", "2")}}), WriteOutcome(Conflict{now}));
    EXPECT_EQ(revision(), now);
}

TEST_P(StoreWrites, ComparesSeeTheStoreBeforeTheTransaction) {
    WriteOutcome outcome = write({{absent("a")}, {put("a", "1")}});
    EXPECT_EQ(value("a"), "1") << describe(outcome);
}

TEST_P(StoreWrites, ErasingAnAbsentKeyChangesNothing) {
    Revision now = apply({put("a", "1")});
    EXPECT_EQ(write({{}, {erase("b"), erase_range("c", "d")}}), WriteOutcome(Applied{now}));
    EXPECT_EQ(revision(), now);
}

TEST_P(StoreWrites, ATransactionWithoutOperationsOnlyCompares) {
    Revision now = apply({put("a", "1")});
    EXPECT_EQ(write({{mod_is("a", now)}, {}}), WriteOutcome(Applied{now}));
    EXPECT_EQ(write({{absent("a")}, {}}), WriteOutcome(Conflict{now}));
}

TEST_P(StoreWrites, EraseRangeErasesFromItsBeginUpToButNotItsEnd) {
    apply({put("a", "1"), put("b", "1"), put("b/x", "1"), put("c", "1"), put("d", "1")});
    apply({erase_range("b", "d")});
    EXPECT_THAT(keys(range({"a", "z"})), testing::ElementsAre("a", "d"));
}

TEST_P(StoreWrites, AnEmptyOrBackwardRangeErasesNothing) {
    Revision now = apply({put("a", "1"), put("b", "1")});
    EXPECT_EQ(write({{}, {erase_range("a", "a")}}), WriteOutcome(Applied{now}));
    EXPECT_EQ(write({{}, {erase_range("b", "a")}}), WriteOutcome(Applied{now}));
    EXPECT_TRUE(exists("a"));
}

TEST_P(StoreWrites, ATransactionThatWritesAKeyTwiceIsRefusedWhole) {
    std::vector<std::vector<Operation>> mistakes = {
        {put("a", "1"), put("a", "2")},
        {put("a", "1"), erase("a")},
        {erase("a"), erase("a")},
        {erase_range("a", "c"), put("b", "1")},
        {put("a", "1"), erase_range("a", "b")},
        {erase_range("a", "c"), erase_range("b", "d")},
        {erase_range("a", "z"), put("b", "1"), erase_range("c", "d")},
    };
    for (auto& operations : mistakes) {
        operations.push_back(put("x", "1"));
        EXPECT_EQ(refusal(write({{}, operations})), RefusedKind::too_large);
        EXPECT_FALSE(exists("x"));
    }
}

TEST_P(StoreWrites, AKeyAtTheEndOfAnErasedRangeIsNotInIt) {
    apply({put("a", "1"), put("b", "1")});
    apply({erase_range("a", "b"), put("b", "2"), erase_range("c", "d")});
    EXPECT_FALSE(exists("a"));
    EXPECT_EQ(value("b"), "2");
}

TEST_P(StoreWrites, AnEmptyKeyIsRefused) {
    EXPECT_EQ(refusal(write({{}, {put("", "1")}})), RefusedKind::too_large);
}

TEST_P(StoreWrites, TakesAsManyOperationsAsTheLimitAndNotOneMore) {
    std::vector<Operation> operations;
    for (std::size_t i = 0; i < limits::kTxnOperations; ++i)
        operations.push_back(put("k" + std::to_string(i), "1"));
    EXPECT_GT(apply(operations), Revision{});
    operations.push_back(put("one more", "1"));
    EXPECT_EQ(refusal(write({{}, operations})), RefusedKind::too_large);
    EXPECT_FALSE(exists("one more"));
}

TEST_P(StoreWrites, TakesAsManyComparesAsTheLimitBesideItsOperations) {
    Txn txn;
    for (std::size_t i = 0; i < limits::kTxnOperations; ++i) {
        std::string key = "k" + std::to_string(i);
        txn.compares.push_back(absent(key));
        txn.operations.push_back(put(key, "1"));
    }
    EXPECT_EQ(refusal(write(txn)), std::nullopt);
    EXPECT_TRUE(exists("k0"));
    txn.compares.push_back(absent("one more"));
    EXPECT_EQ(refusal(write(txn)), RefusedKind::too_large);
}

TEST_P(StoreWrites, TakesAsManyBytesAsTheLimitAndNotOneMore) {
    std::string most(limits::kTxnBytes - 3, 'x');
    apply({put("a", most), erase("bc")});
    EXPECT_EQ(value("a"), most);
    EXPECT_EQ(refusal(write({{}, {put("a", most), erase("bcd")}})), RefusedKind::too_large);
    EXPECT_EQ(refusal(write({{absent("d")}, {put("a", most), erase("bc")}})),
              RefusedKind::too_large)
        << "keys of compares count";
}

TEST_P(StoreWrites, KeepsEveryByteOfAValueAndEmptyValues) {
    std::string bytes;
    for (int i = 0; i < 256; ++i)
        bytes.push_back(static_cast<char>(i));
    apply({put("bytes", bytes), put("empty", "")});
    EXPECT_EQ(value("bytes"), bytes);
    EXPECT_EQ(value("empty"), "");
}

TEST_P(StoreWrites, ACompletionNeverRunsInsideTheCall) {
    int answers = 0;
    auto count = [&answers](auto&&...) { ++answers; };
    store_->write({{}, {put("a", "1")}}, count);
    store_->write({{}, {put("a", "1"), put("a", "1")}}, count);
    store_->get("a", count);
    store_->range({"a", "b"}, count);
    store_->status(count);
    WatchId id = store_->watch("a", "b", Revision{}, [](WatchUpdate) {});
    EXPECT_EQ(answers, 0);
    turn([&] { return answers == 5; });
    store_->unwatch(id);
}

TEST_P(StoreWrites, ASecondWriterWithTheSameCompareGetsAConflict) {
    Revision at = apply({put("a", "0")});
    std::vector<WriteOutcome> outcomes;
    auto keep = [&outcomes](WriteOutcome outcome) { outcomes.push_back(std::move(outcome)); };
    store_->write({{mod_is("a", at)}, {put("a", "mine")}}, keep);
    other_->write({{mod_is("a", at)}, {put("a", "theirs")}}, keep);
    turn([&] { return outcomes.size() == 2; });
    EXPECT_EQ(std::ranges::count_if(outcomes, is_conflict), 1);
}

}  // namespace khronos::store::conformance

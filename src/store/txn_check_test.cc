#include "store/txn_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"

namespace khronos::store {
namespace {

using testing::HasSubstr;

std::string why(const Txn& txn) {
    auto refused = check_txn(txn);
    if (!refused) return "";
    EXPECT_EQ(refused->kind, RefusedKind::too_large);
    return refused->why;
}

TEST(TxnCheck, CountsTheBytesOfAllKeysAndValues) {
    Txn txn{{{"ab", Compare::Target::mod_revision, Revision{}}},
            {Put{"abc", "1234", {}}, Erase{"x"}, EraseRange{"yy", "zzz"}}};
    EXPECT_EQ(txn_bytes(txn), 2u + 7u + 1u + 5u);
}

TEST(TxnCheck, AnEmptyTransactionMayBeSent) {
    EXPECT_EQ(check_txn({}), std::nullopt);
}

TEST(TxnCheck, SaysHowManyAreTooMany) {
    Txn txn;
    for (std::size_t i = 0; i <= limits::kTxnOperations; ++i)
        txn.operations.push_back(Erase{std::to_string(i)});
    EXPECT_THAT(why(txn), HasSubstr("129 operations; at most 128"));
}

TEST(TxnCheck, NamesTheKeyThatIsWrittenTwice) {
    EXPECT_THAT(why({{}, {Put{"b", "", {}}, Put{"a", "", {}}, Put{"b", "", {}}}}),
                HasSubstr("'b'"));
}

TEST(TxnCheck, FindsAKeyInsideARangeThatBeganLongBefore) {
    Txn txn{{}, {EraseRange{"a", "m"}, Put{"z", "", {}}, Put{"l", "", {}}}};
    EXPECT_THAT(why(txn), HasSubstr("'l'"));
    std::get<Put>(txn.operations[2]).key = "m";
    EXPECT_EQ(why(txn), "");
}

TEST(TxnCheck, RangesMayTouch) {
    EXPECT_EQ(why({{}, {EraseRange{"a", "b"}, EraseRange{"b", "c"}}}), "");
}

TEST(TxnCheck, AnEmptyRangeOverlapsNothing) {
    EXPECT_EQ(why({{}, {Put{"a", "", {}}, EraseRange{"a", "a"}, EraseRange{"b", "a"}}}), "");
}

TEST(PrefixEnd, IsAboveEveryStringWithThePrefixAndNoOther) {
    EXPECT_EQ(prefix_end("jobs/"), "jobs0");
    EXPECT_EQ(prefix_end("a\xff\xff"), "b");
    EXPECT_EQ(prefix_end(""), "\xff");
}

}  // namespace
}  // namespace khronos::store

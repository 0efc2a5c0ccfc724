// Conformance: leases. Included by store/conformance.h.
#pragma once

#include "store/conformance_driver.h"

namespace khronos::store::conformance {

class StoreLeases : public StoreTest {
  protected:
    // Long enough for a backend with a clock of its own to keep it alive in time.
    static constexpr Duration kTtl = 2s;

    static std::optional<RefusedKind> failure(const std::expected<void, ReadError>& result) {
        if (result) return std::nullopt;
        return result.error().kind;
    }
};

TEST_P(StoreLeases, AKeyNamesItsLease) {
    LeaseId lease = grant(kTtl);
    apply({put("a", "1", lease)});
    EXPECT_EQ(get("a").kv.value().lease, lease);
}

TEST_P(StoreLeases, LeasesHaveDifferentNonZeroIds) {
    LeaseId one = grant(kTtl), two = grant(kTtl);
    EXPECT_NE(one, LeaseId{});
    EXPECT_NE(one, two);
}

TEST_P(StoreLeases, AnUnattendedLeaseEndsAndItsKeysAreErased) {
    LeaseId lease = grant(kTtl);
    apply({put("a", "1", lease), put("b", "1", lease), put("c", "1")});
    auto watcher = watch("a", "z", revision());
    let_time_pass(kTtl);
    turn([&] { return watcher->events.size() >= 2; });
    EXPECT_FALSE(exists("a"));
    EXPECT_FALSE(exists("b"));
    EXPECT_EQ(value("c"), "1");
    for (const WatchEvent& event : watcher->events)
        EXPECT_TRUE(event.deleted);
    EXPECT_EQ(failure(keep_alive(lease)), RefusedKind::no_lease);
    EXPECT_EQ(refusal(write({{}, {put("a", "1", lease)}})), RefusedKind::no_lease);
}

TEST_P(StoreLeases, KeepingALeaseAliveExtendsIt) {
    LeaseId kept = grant(kTtl);
    LeaseId left = grant(kTtl);
    apply({put("kept", "1", kept), put("left", "1", left)});
    auto watcher = watch("left", "m", revision());
    let_time_pass(kTtl / 2);
    EXPECT_EQ(failure(keep_alive(kept)), std::nullopt);
    let_time_pass(kTtl / 2);
    turn([&] { return !watcher->events.empty(); });
    EXPECT_TRUE(exists("kept"));
}

TEST_P(StoreLeases, RevokingALeaseErasesItsKeysAtOneRevision) {
    LeaseId lease = grant(kTtl);
    Revision before = apply({put("a", "1", lease), put("b", "1", lease), put("c", "1")});
    auto watcher = watch("a", "c", before);
    EXPECT_EQ(failure(revoke(lease)), std::nullopt);
    EXPECT_FALSE(exists("a"));
    EXPECT_FALSE(exists("b"));
    EXPECT_TRUE(exists("c"));
    turn([&] { return watcher->events.size() == 2; });
    EXPECT_EQ(watcher->events[0].kv.mod_revision, watcher->events[1].kv.mod_revision);
}

TEST_P(StoreLeases, ALeaseThatIsGoneIsNamedAsTheReason) {
    LeaseId lease = grant(kTtl);
    EXPECT_EQ(failure(revoke(lease)), std::nullopt);
    EXPECT_EQ(failure(revoke(lease)), RefusedKind::no_lease);
    EXPECT_EQ(failure(keep_alive(lease)), RefusedKind::no_lease);
    EXPECT_EQ(failure(keep_alive(LeaseId(987654321))), RefusedKind::no_lease);
    EXPECT_EQ(refusal(write({{}, {put("b", "1"), put("a", "1", lease)}})), RefusedKind::no_lease);
    EXPECT_FALSE(exists("a"));
    EXPECT_FALSE(exists("b"));
}

TEST_P(StoreLeases, AFailedCompareCountsBeforeALeaseThatIsGone) {
    apply({put("a", "1")});
    EXPECT_TRUE(is_conflict(write({{absent("a")}, {put("a", "2", LeaseId(987654321))}})));
}

TEST_P(StoreLeases, AKeyOverwrittenWithoutTheLeaseOutlivesIt) {
    LeaseId lease = grant(kTtl);
    apply({put("a", "1", lease)});
    apply({put("a", "2")});
    EXPECT_EQ(get("a").kv.value().lease, LeaseId{});
    revoke(lease);
    EXPECT_EQ(value("a"), "2");
}

TEST_P(StoreLeases, AKeyMovesFromOneLeaseToAnother) {
    LeaseId first = grant(kTtl), second = grant(kTtl);
    apply({put("a", "1", first)});
    apply({put("a", "1", second)});
    revoke(first);
    EXPECT_TRUE(exists("a"));
    revoke(second);
    EXPECT_FALSE(exists("a"));
}

TEST_P(StoreLeases, AnErasedKeyMadeAgainIsNotTheLeases) {
    LeaseId lease = grant(kTtl);
    apply({put("a", "1", lease)});
    apply({erase("a")});
    apply({put("a", "2")});
    revoke(lease);
    EXPECT_EQ(value("a"), "2");
}

TEST_P(StoreLeases, ALeaseWithoutKeysEndsWithoutARevision) {
    LeaseId lease = grant(kTtl);
    Revision before = revision();
    revoke(lease);
    EXPECT_EQ(revision(), before);
}

TEST_P(StoreLeases, ALeaseOutlivesTheHandleThatAskedForItAndStillEnds) {
    LeaseId lease = grant(kTtl);
    apply({put("a", "1", lease)});
    auto watcher = watch(*other_, "a", "b", revision());
    store_.reset();
    EXPECT_TRUE(get(*other_, "a").kv);
    let_time_pass(kTtl);
    turn([&] { return !watcher->events.empty(); });
    EXPECT_FALSE(get(*other_, "a").kv);
}

}  // namespace khronos::store::conformance

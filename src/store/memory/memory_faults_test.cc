// What a FaultPlan can do to a handle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "runtime/manual_loop.h"
#include "store/memory/memory_backend.h"

namespace khronos::store {
namespace {

using Fate = RequestFault::Fate;

class Scripted final : public FaultPlan {
  public:
    RequestFault on_request(const RequestInfo& info) override {
        return only_client.empty() || only_client == info.client ? request : RequestFault{};
    }
    WatchFault on_watch_batch(std::string_view, const WatchBatch&) override { return watch; }

    std::string only_client;
    RequestFault request;
    WatchFault watch;
};

class MemoryFaults : public testing::Test {
  protected:
    MemoryFaults() { backend_.set_faults(&plan_); }

    std::optional<WriteOutcome> start_write() {
        store_.write({{}, {Put{"a", "1", {}}}},
                     [this](WriteOutcome o) { outcome_ = std::move(o); });
        loop_.run_until_idle();
        return outcome_;
    }
    bool applied() const { return backend_.state().get("a").kv.has_value(); }
    bool unknown() const { return outcome_ && std::holds_alternative<Unknown>(*outcome_); }

    void watch() {
        store_.watch("a", "b", backend_.state().revision(), [this](WatchUpdate update) {
            if (auto* batch = std::get_if<WatchBatch>(&update))
                batches_.push_back(std::move(*batch));
            else
                ++lost_;
        });
        loop_.run_until_idle();
    }

    runtime::ManualLoop loop_;
    Scripted plan_;
    MemoryBackend backend_{loop_};
    MemoryStore store_{backend_, loop_, "mine"};
    std::optional<WriteOutcome> outcome_;
    std::vector<WatchBatch> batches_;
    int lost_ = 0;
};

TEST_F(MemoryFaults, ALostRequestIsUnknownAndNotApplied) {
    plan_.request = {Fate::lose_request, 0s, 1s};
    EXPECT_EQ(start_write(), std::nullopt);
    loop_.advance(1s);
    EXPECT_TRUE(unknown());
    EXPECT_FALSE(applied());
}

TEST_F(MemoryFaults, ALostAnswerIsUnknownAndApplied) {
    plan_.request = {Fate::lose_answer, 0s, 1s};
    start_write();
    EXPECT_TRUE(applied());
    EXPECT_FALSE(unknown());
    loop_.advance(1s);
    EXPECT_TRUE(unknown());
}

TEST_F(MemoryFaults, AWriteMayBeAppliedAfterItsCallerGaveUp) {
    plan_.request = {Fate::lose_answer, 5s, 1s};
    start_write();
    loop_.advance(1s);
    EXPECT_TRUE(unknown());
    EXPECT_FALSE(applied());
    loop_.advance(4s);
    EXPECT_TRUE(applied());
}

TEST_F(MemoryFaults, ARefusedRequestWasNeverSent) {
    plan_.request = {Fate::refuse, 0s, 0s};
    start_write();
    EXPECT_EQ(std::get<Refused>(outcome_.value()).kind, RefusedKind::unreachable);
    EXPECT_FALSE(applied());
    std::optional<RefusedKind> read;
    store_.get("a", [&](std::expected<GetResult, ReadError> got) { read = got.error().kind; });
    loop_.run_until_idle();
    EXPECT_EQ(read, RefusedKind::unreachable);
}

TEST_F(MemoryFaults, ASlowRequestIsAnsweredAfterBothDelays) {
    plan_.request = {Fate::carry_out, 1s, 2s};
    start_write();
    loop_.advance(1s);
    EXPECT_TRUE(applied());
    EXPECT_FALSE(outcome_);
    loop_.advance(2s);
    EXPECT_TRUE(std::holds_alternative<Applied>(outcome_.value()));
}

TEST_F(MemoryFaults, AFaultHitsOnlyTheClientThePlanNames) {
    plan_.only_client = "other";
    plan_.request = {Fate::refuse, 0s, 0s};
    start_write();
    EXPECT_TRUE(applied());
}

TEST_F(MemoryFaults, ADroppedBatchIsNeverToldAndTheNextOneIs) {
    watch();
    plan_.watch.fate = WatchFault::Fate::drop;
    start_write();
    plan_.watch.fate = WatchFault::Fate::deliver;
    start_write();
    ASSERT_EQ(batches_.size(), 1u);
    EXPECT_EQ(batches_[0].events.size(), 1u);
    EXPECT_EQ(batches_[0].revision, backend_.state().revision());
}

TEST_F(MemoryFaults, ADuplicatedBatchComesTwice) {
    watch();
    plan_.watch.fate = WatchFault::Fate::duplicate;
    start_write();
    ASSERT_EQ(batches_.size(), 2u);
    EXPECT_EQ(batches_[0].events, batches_[1].events);
}

TEST_F(MemoryFaults, ALostWatchSaysSoOnceAndNothingAfter) {
    watch();
    plan_.watch = {WatchFault::Fate::lose, 1s};
    start_write();
    plan_.watch = {};
    start_write();
    loop_.advance(1s);
    EXPECT_EQ(lost_, 1);
    EXPECT_TRUE(batches_.empty());
}

TEST_F(MemoryFaults, BrokenWatchesAreLost) {
    watch();
    backend_.break_watches("other", "partition");
    loop_.run_until_idle();
    EXPECT_EQ(lost_, 0);
    backend_.break_watches("mine", "partition");
    loop_.run_until_idle();
    EXPECT_EQ(lost_, 1);
}

TEST_F(MemoryFaults, AWatchThatCannotBeOpenedIsLost) {
    plan_.request = {Fate::lose_request, 0s, 1s};
    watch();
    loop_.advance(1s);
    EXPECT_EQ(lost_, 1);
}

TEST_F(MemoryFaults, ProgressIsAnEmptyBatchWithTheStoresRevision) {
    watch();
    MemoryStore other(backend_, loop_);
    other.write({{}, {Put{"elsewhere", "1", {}}}}, [](WriteOutcome) {});
    loop_.run_until_idle();
    EXPECT_TRUE(batches_.empty());
    backend_.send_progress();
    loop_.run_until_idle();
    ASSERT_EQ(batches_.size(), 1u);
    EXPECT_TRUE(batches_[0].events.empty());
    EXPECT_EQ(batches_[0].revision, backend_.state().revision());
}

TEST_F(MemoryFaults, AFullStoreRefusesPutsAndTakesErases) {
    start_write();
    backend_.set_no_space(true);
    start_write();
    EXPECT_EQ(std::get<Refused>(outcome_.value()).kind, RefusedKind::no_space);
    store_.write({{}, {Erase{"a"}}}, [this](WriteOutcome o) { outcome_ = std::move(o); });
    loop_.run_until_idle();
    EXPECT_TRUE(std::holds_alternative<Applied>(outcome_.value()));
    EXPECT_FALSE(applied());
    backend_.set_no_space(false);
    start_write();
    EXPECT_TRUE(applied());
}

TEST_F(MemoryFaults, ALeaseEndedEarlyTakesItsKeysAlong) {
    std::optional<LeaseId> lease;
    store_.lease_grant(60s, [&](std::expected<LeaseId, ReadError> id) { lease = id.value(); });
    loop_.run_until_idle();
    store_.write({{}, {Put{"a", "1", lease.value()}}}, [](WriteOutcome) {});
    loop_.run_until_idle();
    EXPECT_TRUE(applied());
    EXPECT_TRUE(backend_.end_lease(*lease));
    EXPECT_FALSE(applied());
    EXPECT_FALSE(backend_.end_lease(*lease));
}

TEST_F(MemoryFaults, RequestsOnTheirWayWhenTheBackendGoesAreDropped) {
    bool answered = false;
    runtime::ManualLoop loop;
    {
        MemoryBackend backend(loop);
        MemoryStore store(backend, loop);
        store.get("a", [&](auto) { answered = true; });
    }
    loop.run_until_idle();
    EXPECT_FALSE(answered);
}

TEST(MemoryHistory, KeepsAtMostAsManyEventsAsAllowedInWholeRevisions) {
    runtime::ManualLoop loop;
    MemoryBackend backend(loop, {.history_events = 3});
    MemoryStore store(backend, loop);
    std::vector<Revision> revisions;
    for (int i = 0; i < 3; ++i) {
        store.write({{}, {Put{"a", "1", {}}, Put{"b", "1", {}}}}, [&](WriteOutcome outcome) {
            revisions.push_back(std::get<Applied>(outcome).revision);
        });
    }
    loop.run_until_idle();
    EXPECT_EQ(backend.state().compacted(), revisions[1]);
    EXPECT_FALSE(backend.state().events("a", "z", revisions[0]));
    EXPECT_EQ(backend.state().events("a", "z", revisions[1]).value().size(), 2u);
}

}  // namespace
}  // namespace khronos::store

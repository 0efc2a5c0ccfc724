// `queue` and `replace`: who may go, and when.
#include "core/dispatch/dispatch_testing.h"

namespace khronos::core {
namespace {

class Places : public Dispatch {
  protected:
    Places() {
        start();
        hello("w");
    }
    static RunPlan limited(Concurrency policy, std::uint32_t limit) {
        RunPlan p;
        p.run.application = "default";
        p.concurrency = policy;
        p.limit = limit;
        return p;
    }
    static Execution nth(std::int64_t n) {
        Execution e = waiting(1);
        e.id.trigger.at = e.decided_at = e.scheduled_at = at(n);
        return e;
    }
    void begin(std::int64_t n) {
        say("w", Accepted{{nth(n).id, AttemptNo(1)}});
        engine_.write_applied(nth(n).id, Revision(20 + static_cast<std::uint64_t>(n)), now(),
                              effects_);
    }
    void finish(std::int64_t n) {
        Finished f{{nth(n).id, AttemptNo(1)}, engine_.find(nth(n).id)->token, {}};
        f.result.outcome = ExecutionState::succeeded;
        say("w", f);
        engine_.write_applied(nth(n).id, Revision(90), now(), effects_);
    }
};

TEST_F(Places, AQueueGoesOneAfterTheOtherInItsOrder) {
    open(nth(1), limited(Concurrency::queue, 1));
    open(nth(3), limited(Concurrency::queue, 1));
    open(nth(2), limited(Concurrency::queue, 1));
    ASSERT_EQ(sent<Offer>().size(), 1u);
    begin(1);
    EXPECT_TRUE(writes()[0].takes_slot);
    EXPECT_EQ(writes()[0].next.slot, 0);
    EXPECT_EQ(sent<Offer>().size(), 1u);
    effects_.clear();
    finish(1);
    ASSERT_EQ(sent<Offer>().size(), 1u);
    EXPECT_EQ(sent<Offer>()[0].spec.id.execution, nth(2).id);
}

TEST_F(Places, OfAQueueAsManyRunAsMay) {
    for (std::int64_t n : {1, 2, 3}) open(nth(n), limited(Concurrency::queue, 2));
    ASSERT_EQ(sent<Offer>().size(), 2u);
    begin(1);
    begin(2);
    EXPECT_EQ(writes()[1].next.slot, 1);
    effects_.clear();
    finish(1);
    ASSERT_EQ(sent<Offer>().size(), 1u);
    begin(3);
    EXPECT_EQ(writes().back().next.slot, 0);
}

TEST_F(Places, AReplacedRunIsDeadBeforeItsSuccessorGoes) {
    open(nth(1), limited(Concurrency::replace, 1));
    begin(1);
    effects_.clear();
    open(nth(2), limited(Concurrency::replace, 1));
    ASSERT_EQ(sent<Cancel>().size(), 1u);
    EXPECT_EQ(sent<Cancel>()[0].reason, Reason::replaced);
    EXPECT_TRUE(sent<Offer>().empty());
    finish(1);
    ASSERT_EQ(sent<Offer>().size(), 1u);
    EXPECT_EQ(sent<Offer>()[0].spec.id.execution, nth(2).id);
}

TEST_F(Places, WhatHasNotStartedIsReplacedWithoutARun) {
    open(nth(1), limited(Concurrency::replace, 1));
    begin(1);
    open(nth(2), limited(Concurrency::replace, 1));
    effects_.clear();
    open(nth(3), limited(Concurrency::replace, 1));
    ASSERT_EQ(writes().size(), 1u);
    EXPECT_EQ(writes()[0].next.id, nth(2).id);
    EXPECT_EQ(writes()[0].next.state, ExecutionState::cancelled);
    EXPECT_EQ(writes()[0].next.reason, Reason::replaced);
}

TEST_F(Places, ANewOwnerReplacesWhatTheFormerOneDidNotComeTo) {
    engine_.shard_lost(ShardId(0));
    Execution running = nth(1);
    running.state = ExecutionState::claimed;
    running.worker = "w";
    running.slot = 0;
    open(running, limited(Concurrency::replace, 1));
    open(nth(2), limited(Concurrency::replace, 1));
    effects_.clear();
    engine_.shard_loaded(ShardId(0), now(), effects_);
    EXPECT_EQ(sent<Cancel>().size(), 1u);
    EXPECT_TRUE(sent<Offer>().empty());
}

}  // namespace
}  // namespace khronos::core

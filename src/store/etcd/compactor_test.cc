#include "store/etcd/compactor.h"

#include <gtest/gtest.h>

#include "runtime/manual_loop.h"
#include "store/etcd/testing/fake_member.h"

namespace khronos::store::etcd {
namespace {

class CompactorTest : public testing::Test {
  protected:
    CompactorTest() {
        auto member = std::make_unique<FakeMember>("m0");
        member_ = member.get();
        std::vector<std::unique_ptr<Member>> all;
        all.push_back(std::move(member));
        router_ = std::make_unique<Router>(loop_, entropy_, log_,
                                           Router::Config{.patience = 1s, .probe_interval = 1h},
                                           std::move(all), [] {});
        router_->start();
        member_->turn_good();
        loop_.run_until_idle();
    }
    void start(Duration interval) {
        compactor_ =
            std::make_unique<Compactor>(loop_, log_, messages_, *router_, interval, Duration(1s));
        compactor_->start();
        loop_.run_until_idle();
    }
    void see(std::int64_t revision) {
        pb::RangeResponse response;
        response.mutable_header()->set_revision(revision);
        member_->ranges.answer(kOk, response);
        loop_.run_until_idle();
    }

    runtime::ManualLoop loop_;
    FixedEntropy entropy_;
    runtime::NoLog log_;
    Messages messages_{"/k"};
    FakeMember* member_;
    std::unique_ptr<Router> router_;
    std::unique_ptr<Compactor> compactor_;
};

TEST_F(CompactorTest, ForgetsWhatWasCurrentOneIntervalAgo) {
    start(60s);
    see(10);
    loop_.advance(59s);
    EXPECT_EQ(member_->compactions.count, 0);
    loop_.advance(1s);
    ASSERT_EQ(member_->compactions.count, 1);
    EXPECT_EQ(member_->compactions.waiting.front().request.revision(), 10);
    member_->compactions.answer(kOk);
    see(25);
    EXPECT_EQ(compactor_->compactions(), 1u);
    loop_.advance(60s);
    EXPECT_EQ(member_->compactions.waiting.front().request.revision(), 25);
}

TEST_F(CompactorTest, AnotherAgentMayHaveBeenFirst) {
    start(60s);
    see(10);
    loop_.advance(60s);
    member_->compactions.answer(
        {RpcCode::out_of_range, "etcdserver: mvcc: required revision has been compacted"});
    see(25);
    EXPECT_EQ(compactor_->compactions(), 0u);
    loop_.advance(60s);
    EXPECT_EQ(member_->compactions.count, 2);
}

TEST_F(CompactorTest, AfterAnOutageAWholeIntervalIsKeptAgain) {
    start(60s);
    see(10);
    loop_.advance(60s);
    member_->compactions.answer(kOk);
    // The revision could not be read.
    for (int i = 0; i < 4; ++i) {
        member_->ranges.answer(kTimeout);
        loop_.run_until_idle();
        if (!member_->statuses.waiting.empty()) member_->turn_good();
        loop_.run_until_idle();
    }
    loop_.advance(60s);
    EXPECT_EQ(member_->compactions.count, 1);
    see(70);
    loop_.advance(60s);
    EXPECT_EQ(member_->compactions.waiting.front().request.revision(), 70);
}

TEST_F(CompactorTest, AnIntervalOfZeroKeepsEverything) {
    start(0s);
    loop_.advance(24h);
    EXPECT_EQ(member_->ranges.count, 0);
    EXPECT_EQ(member_->compactions.count, 0);
}

}  // namespace
}  // namespace khronos::store::etcd

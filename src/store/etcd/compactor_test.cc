#include "store/etcd/compactor.h"

#include <gtest/gtest.h>

#include "runtime/manual_loop.h"
#include "store/etcd/testing/etcd_client.h"
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
    void start(Duration interval, bool shared = true) {
        compactor_ = std::make_unique<Compactor>(loop_, log_, messages_, *router_,
                                                 Compactor::Config{interval, shared, 1s});
        compactor_->start();
        loop_.run_until_idle();
    }
    void see(std::int64_t revision) {
        pb::RangeResponse response;
        response.mutable_header()->set_revision(revision);
        member_->ranges.answer(kOk, response);
        loop_.run_until_idle();
    }

    // What the look for others finds.
    void others(std::vector<std::string> below, std::vector<std::string> above) {
        pb::TxnResponse response;
        for (const auto& keys : {below, above}) {
            pb::RangeResponse& range = *response.add_responses()->mutable_response_range();
            for (const std::string& key : keys)
                range.add_kvs()->set_key(key);
        }
        member_->txns.answer(kOk, response);
        loop_.run_until_idle();
    }

    runtime::ManualLoop loop_;
    FixedEntropy entropy_;
    KeptLog log_;
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

TEST_F(CompactorTest, AnEtcdOfItsOwnIsCompacted) {
    start(60s, false);
    see(10);
    loop_.advance(60s);
    EXPECT_EQ(member_->compactions.count, 0);
    const auto& looks = member_->txns.waiting.front().request.success();
    ASSERT_EQ(looks.size(), 2);
    EXPECT_EQ(looks[0].request_range().key(), std::string(1, '\0'));
    EXPECT_EQ(looks[0].request_range().range_end(), "/k/");
    EXPECT_EQ(looks[1].request_range().key(), "/k0");
    EXPECT_EQ(looks[1].request_range().range_end(), std::string(1, '\0'));
    others({}, {});
    ASSERT_EQ(member_->compactions.count, 1);
    EXPECT_EQ(member_->compactions.waiting.front().request.revision(), 10);
}

TEST_F(CompactorTest, AnEtcdThatOthersUseIsLeftAlone) {
    for (const bool below : {true, false}) {
        start(60s, false);
        see(10);
        loop_.advance(60s);
        others(below ? std::vector<std::string>{"/a"} : std::vector<std::string>{},
               below ? std::vector<std::string>{} : std::vector<std::string>{"/z"});
        EXPECT_EQ(member_->compactions.count, 0);
        member_->ranges.waiting.clear();
    }
    EXPECT_TRUE(log_.has("keys of others"));
}

TEST_F(CompactorTest, AnEtcdThatWeMayNotSeeAllOfIsLeftAlone) {
    start(60s, false);
    see(10);
    loop_.advance(60s);
    member_->txns.answer({RpcCode::permission_denied, "etcdserver: permission denied"});
    loop_.run_until_idle();
    EXPECT_EQ(member_->compactions.count, 0);
    EXPECT_TRUE(log_.has("may not see"));
}

TEST_F(CompactorTest, AnIntervalOfZeroKeepsEverything) {
    start(0s);
    loop_.advance(24h);
    EXPECT_EQ(member_->ranges.count, 0);
    EXPECT_EQ(member_->compactions.count, 0);
}

}  // namespace
}  // namespace khronos::store::etcd

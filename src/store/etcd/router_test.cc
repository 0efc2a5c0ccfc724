#include "store/etcd/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/manual_loop.h"
#include "store/etcd/testing/fake_member.h"

namespace khronos::store::etcd {
namespace {

using testing::HasSubstr;

class RouterTest : public testing::Test {
  protected:
    struct Answer {
        std::optional<RpcStatus> status;
        bool sent = false;
    };

    void build(Router::Config config, std::size_t members = 2) {
        std::vector<std::unique_ptr<Member>> all;
        for (std::size_t i = 0; i < members; ++i) {
            auto member = std::make_unique<FakeMember>("m" + std::to_string(i));
            members_.push_back(member.get());
            all.push_back(std::move(member));
        }
        router_ = std::make_unique<Router>(loop_, entropy_, log_, std::move(config), std::move(all),
                                           [this] { ++changes_; });
        router_->start();
    }
    // Both members answer, the first one first.
    void build_ready(Router::Config config = {}) {
        build(std::move(config));
        members_[0]->turn_good();
        members_[1]->turn_good();
        loop_.run_until_idle();
    }

    std::shared_ptr<Answer> submit(bool repeatable) {
        auto answer = std::make_shared<Answer>();
        auto call = [](Member& member, const CallOptions& options, RpcDone<pb::TxnResponse> done) {
            member.txn({}, options, std::move(done));
        };
        using Typed = TypedRequest<pb::TxnResponse, decltype(call)>;
        router_->submit(
            std::make_shared<Typed>(repeatable, 1s, call, [answer](std::shared_ptr<Typed> request) {
                EXPECT_FALSE(answer->status) << "twice";
                answer->status = request->status;
                answer->sent = request->sent;
            }));
        loop_.run_until_idle();
        return answer;
    }
    std::shared_ptr<Answer> write() { return submit(false); }
    std::shared_ptr<Answer> read() { return submit(true); }
    void answer(std::size_t member, const RpcStatus& status) {
        members_[member]->txns.answer(status);
        loop_.run_until_idle();
    }
    std::string in_use() const {
        return router_->in_use() ? router_->in_use()->endpoint() : "nobody";
    }

    runtime::ManualLoop loop_;
    FixedEntropy entropy_;
    runtime::NoLog log_;
    std::vector<FakeMember*> members_;
    std::unique_ptr<Router> router_;
    int changes_ = 0;
};

TEST_F(RouterTest, UsesTheMemberThatAnswersFirst) {
    build({});
    EXPECT_EQ(in_use(), "nobody");
    members_[1]->turn_good();
    loop_.run_until_idle();
    EXPECT_EQ(in_use(), "m1");
    EXPECT_GE(changes_, 1);
    members_[0]->turn_good();
    loop_.run_until_idle();
    EXPECT_EQ(in_use(), "m1") << "no change without a reason";
}

TEST_F(RouterTest, AMemberWithoutALeaderIsNotUsed) {
    build({}, 1);
    members_[0]->turn_good("3.5.9", 1, 0);
    loop_.run_until_idle();
    EXPECT_EQ(in_use(), "nobody");
    EXPECT_THAT(router_->trouble(), HasSubstr("knows no leader"));
}

TEST_F(RouterTest, AMemberOfAnotherClusterIsNeverUsed) {
    build({});
    members_[0]->turn_good("3.5.9", 1);
    members_[1]->turn_good("3.5.9", 2);
    loop_.run_until_idle();
    router_->report(*members_[0], kGone);
    loop_.run_until_idle();
    EXPECT_EQ(in_use(), "nobody");
    EXPECT_THAT(router_->trouble(), HasSubstr("belongs to the etcd cluster 2"));
}

TEST_F(RouterTest, AWriteIsSentOnceAndAFailureMovesTheOthersToTheNextMember) {
    build_ready();
    auto failed = write();
    answer(0, kTimeout);
    EXPECT_EQ(failed->status, kTimeout);
    EXPECT_TRUE(failed->sent);
    EXPECT_EQ(members_[1]->txns.count, 0);
    EXPECT_EQ(in_use(), "m1");
    EXPECT_EQ(router_->stats().failovers, 1u);
    auto next = write();
    answer(1, kOk);
    EXPECT_EQ(next->status, kOk);
}

TEST_F(RouterTest, AReadIsTriedAgainOnTheNextMember) {
    build_ready();
    auto result = read();
    answer(0, kGone);
    EXPECT_FALSE(result->status);
    answer(1, kOk);
    EXPECT_EQ(result->status, kOk);
}

TEST_F(RouterTest, AReadIsNotTriedForEver) {
    build_ready();
    auto result = read();
    for (int i = 0; i < 10 && !result->status; ++i) {
        for (std::size_t member = 0; member < 2; ++member) {
            if (!members_[member]->statuses.waiting.empty()) members_[member]->turn_good();
            loop_.run_until_idle();
            if (!members_[member]->txns.waiting.empty()) answer(member, kTimeout);
        }
    }
    EXPECT_EQ(result->status, kTimeout);
    EXPECT_EQ(members_[0]->txns.count + members_[1]->txns.count, 4);
}

TEST_F(RouterTest, WhatEtcdItselfRefusesIsNoFaultOfTheMember) {
    build_ready();
    auto result = read();
    const RpcStatus refused{RpcCode::invalid_argument, "etcdserver: request is too large"};
    answer(0, refused);
    EXPECT_EQ(result->status, refused);
    EXPECT_EQ(in_use(), "m0");
}

TEST_F(RouterTest, WithoutAConnectionAWriteIsNotSentButGoesToTheNextMember) {
    build_ready();
    members_[0]->is_connected = false;
    auto result = write();
    EXPECT_EQ(members_[0]->txns.count, 0);
    ASSERT_EQ(members_[1]->txns.count, 1);
    answer(1, kOk);
    EXPECT_EQ(result->status, kOk);
}

TEST_F(RouterTest, WithoutAMemberAWriteWaitsAndIsThenFinishedUnsent) {
    build({.patience = 1s});
    auto result = write();
    loop_.advance(900ms);
    EXPECT_FALSE(result->status);
    loop_.advance(200ms);
    ASSERT_TRUE(result->status);
    EXPECT_EQ(result->status->code, RpcCode::unavailable);
    EXPECT_FALSE(result->sent);
    EXPECT_THAT(result->status->message, HasSubstr("m0: has not answered yet"));
}

TEST_F(RouterTest, WhatWaitsIsSentAsSoonAsAMemberAnswers) {
    build({.patience = 1s});
    auto result = write();
    loop_.advance(500ms);
    members_[1]->turn_good();
    loop_.run_until_idle();
    answer(1, kOk);
    EXPECT_EQ(result->status, kOk);
    loop_.advance(10s);
}

TEST_F(RouterTest, AFailedMemberIsUsedAgainOnlyAfterItHasAnswered) {
    build({}, 1);
    members_[0]->turn_good();
    loop_.run_until_idle();
    write();
    answer(0, kGone);
    EXPECT_EQ(in_use(), "nobody");
    ASSERT_EQ(members_[0]->statuses.waiting.size(), 1u) << "it is asked at once";
    members_[0]->turn_good();
    loop_.run_until_idle();
    EXPECT_EQ(in_use(), "m0");
}

TEST_F(RouterTest, ALateFailureDoesNotCondemnAMemberThatHasAnsweredSince) {
    build({}, 1);
    members_[0]->turn_good();
    loop_.run_until_idle();
    write();
    write();
    answer(0, kGone);
    members_[0]->turn_good();
    loop_.run_until_idle();
    answer(0, kGone);  // of the second write, from before
    EXPECT_EQ(in_use(), "m0");
}

TEST_F(RouterTest, AMemberThatDoesNotAnswerIsAskedWithGrowingPausesUpToTwoSeconds) {
    build({}, 1);
    std::vector<Duration> pauses;
    for (int i = 0; i < 8; ++i) {
        members_[0]->statuses.answer(kGone);
        loop_.run_until_idle();
        const MonoTime since = loop_.mono_now();
        while (members_[0]->statuses.waiting.empty())
            loop_.advance(10ms);
        pauses.push_back(loop_.mono_now() - since);
    }
    // Half of each is drawn, here always the shortest.
    EXPECT_EQ(pauses, (std::vector<Duration>{50ms, 100ms, 200ms, 400ms, 800ms, 1s, 1s, 1s}));
}

TEST_F(RouterTest, AMemberThatIsNotInUseIsStillAskedNowAndThen) {
    build_ready({.probe_interval = 5s});
    const int before = members_[1]->statuses.count;
    loop_.advance(5s);
    ASSERT_EQ(members_[1]->statuses.count, before + 1);
    members_[1]->statuses.answer(kTimeout);
    loop_.run_until_idle();
    EXPECT_EQ(in_use(), "m0");
}

TEST_F(RouterTest, OnlySoManyAreUnderWayAndTheOthersFollowInOrder) {
    build_ready({.in_flight = 2});
    std::vector<std::shared_ptr<Answer>> all;
    for (int i = 0; i < 5; ++i)
        all.push_back(write());
    EXPECT_EQ(members_[0]->txns.count, 2);
    answer(0, kOk);
    EXPECT_EQ(members_[0]->txns.count, 3);
    for (int i = 0; i < 4; ++i)
        answer(0, kOk);
    for (const auto& one : all)
        EXPECT_EQ(one->status, kOk);
}

TEST_F(RouterTest, WhatADeadMemberHoldsDoesNotKeepOthersFromTheNextOne) {
    build_ready({.in_flight = 2});
    write();
    write();
    auto waiting = write();
    router_->report(*members_[0], kTimeout);
    loop_.run_until_idle();
    EXPECT_EQ(members_[1]->txns.count, 1);
    answer(0, kTimeout);
    answer(0, kTimeout);
    write();
    write();
    EXPECT_EQ(members_[1]->txns.count, 2) << "still two at once";
    answer(1, kOk);
    EXPECT_EQ(waiting->status, kOk);
    EXPECT_EQ(members_[1]->txns.count, 3);
}

TEST_F(RouterTest, AFullQueueRefusesAtOnce) {
    build_ready({.in_flight = 1, .waiting = 2});
    write();
    write();
    write();
    auto one_too_many = write();
    ASSERT_TRUE(one_too_many->status);
    EXPECT_EQ(one_too_many->status->code, RpcCode::resource_exhausted);
    EXPECT_FALSE(one_too_many->sent);
}

// ---- login

class RouterLogin : public RouterTest {
  protected:
    void build_with_user() {
        build({.user = "me", .password = "secret", .patience = 1s}, 1);
        members_[0]->turn_good();
        loop_.run_until_idle();
    }
    void log_in(const std::string& token) {
        pb::AuthenticateResponse response;
        response.set_token(token);
        members_[0]->logins.answer(kOk, response);
        loop_.run_until_idle();
    }
    const RpcStatus invalid_token{RpcCode::unauthenticated, "etcdserver: invalid auth token"};
    const RpcStatus wrong_password{
        RpcCode::invalid_argument,
        "etcdserver: authentication failed, invalid user ID or password"};
};

TEST_F(RouterLogin, NothingIsSentBeforeTheLogin) {
    build_with_user();
    EXPECT_EQ(in_use(), "nobody");
    auto result = write();
    EXPECT_EQ(members_[0]->txns.count, 0);
    EXPECT_EQ(members_[0]->logins.waiting.front().request.name(), "me");
    log_in("t1");
    ASSERT_EQ(members_[0]->txns.count, 1);
    EXPECT_EQ(members_[0]->txns.waiting.front().options.token, "t1");
    answer(0, kOk);
    EXPECT_EQ(result->status, kOk);
}

TEST_F(RouterLogin, AWriteWhoseTokenIsNotKnownIsSentAgainWithANewOne) {
    build_with_user();
    log_in("t1");
    auto result = write();
    answer(0, invalid_token);
    EXPECT_FALSE(result->status);
    log_in("t2");
    EXPECT_EQ(members_[0]->txns.waiting.front().options.token, "t2");
    answer(0, kOk);
    EXPECT_EQ(result->status, kOk);
    EXPECT_EQ(router_->stats().logins, 2u);
}

TEST_F(RouterLogin, ManyRejectionsOfOneTokenAreOneLogin) {
    build_with_user();
    log_in("t1");
    write();
    write();
    answer(0, invalid_token);
    answer(0, invalid_token);
    EXPECT_EQ(members_[0]->logins.count, 2);
    log_in("t2");
    EXPECT_EQ(members_[0]->txns.count, 4);
    EXPECT_EQ(members_[0]->logins.count, 2);
}

TEST_F(RouterLogin, ATokenThatIsNeverAcceptedIsNotFetchedForEver) {
    build_with_user();
    log_in("t");
    auto result = write();
    for (int i = 0; i < 10 && !result->status; ++i) {
        answer(0, invalid_token);
        if (!members_[0]->logins.waiting.empty()) log_in("t" + std::to_string(i));
    }
    EXPECT_EQ(result->status, invalid_token);
    EXPECT_EQ(members_[0]->txns.count, 3);
}

TEST_F(RouterLogin, AWrongPasswordFailsWhatWaitsAndIsTriedAgainLater) {
    build_with_user();
    auto result = write();
    members_[0]->logins.answer(wrong_password);
    loop_.run_until_idle();
    EXPECT_EQ(result->status, wrong_password);
    EXPECT_FALSE(result->sent);
    EXPECT_TRUE(router_->denied());
    EXPECT_EQ(write()->status, wrong_password) << "the next ones, too";
    loop_.advance(5s);
    ASSERT_EQ(members_[0]->logins.count, 2);
    log_in("t1");
    EXPECT_FALSE(router_->denied());
    EXPECT_EQ(in_use(), "m0");
}

TEST_F(RouterLogin, AMemberThatFailsDuringTheLoginIsAskedAgain) {
    build_with_user();
    members_[0]->logins.answer(kTimeout);
    loop_.run_until_idle();
    members_[0]->turn_good();
    loop_.run_until_idle();
    log_in("t1");
    EXPECT_EQ(in_use(), "m0");
}

}  // namespace
}  // namespace khronos::store::etcd

#include "store/etcd/watch_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/manual_loop.h"
#include "store/etcd/testing/fake_member.h"

namespace khronos::store::etcd {
namespace {

using testing::ElementsAre;
using Texts = std::vector<std::string>;

class WatchHubTest : public testing::Test {
  protected:
    void start(const std::string& version = "3.5.9") {
        std::vector<std::unique_ptr<Member>> all;
        for (const char* name : {"m0", "m1"}) {
            auto member = std::make_unique<FakeMember>(name);
            members_.push_back(member.get());
            all.push_back(std::move(member));
        }
        router_ = std::make_unique<Router>(loop_, entropy_, log_, Router::Config{}, std::move(all),
                                           [this] { hub_->on_route_change(); });
        hub_ = std::make_unique<WatchHub>(loop_, messages_, *router_, WatchHub::Config{});
        router_->start();
        for (FakeMember* member : members_)
            member->turn_good(version);
        loop_.run_until_idle();
    }
    // What watch `id` has said: `a=1@5`, `a gone@6`, `| 6` at the end of a batch, `lost`.
    void add(WatchHub::Id id, std::string begin, std::string end, std::uint64_t after) {
        hub_->add(id, std::move(begin), std::move(end), Revision(after),
                  [this, id](WatchUpdate update) {
                      Texts& out = said_[id];
                      if (auto* batch = std::get_if<WatchBatch>(&update)) {
                          for (const WatchEvent& event : batch->events)
                              out.push_back(event.kv.key + (event.deleted ? " gone" : "=") +
                                            std::string(event.kv.value.view()) + "@" +
                                            std::to_string(event.kv.mod_revision.value));
                          out.push_back("| " + std::to_string(batch->revision.value));
                      } else {
                          out.push_back("lost");
                      }
                  });
        loop_.run_until_idle();
    }

    static pb::WatchResponse response(WatchHub::Id id, std::int64_t revision) {
        pb::WatchResponse out;
        out.set_watch_id(id);
        out.mutable_header()->set_revision(revision);
        return out;
    }
    static pb::WatchResponse created(WatchHub::Id id) {
        pb::WatchResponse out = response(id, 100);
        out.set_created(true);
        return out;
    }
    static void put(pb::WatchResponse& to, std::string key, std::string value, std::int64_t at) {
        mvccpb::Event& event = *to.add_events();
        event.mutable_kv()->set_key("/k/" + key);
        event.mutable_kv()->set_value(std::move(value));
        event.mutable_kv()->set_mod_revision(at);
    }
    static pb::WatchResponse one_put(WatchHub::Id id, std::int64_t at) {
        pb::WatchResponse out = response(id, at + 50);
        put(out, "a", std::to_string(at), at);
        return out;
    }
    static Texts creates(const FakeMember::Stream& stream) {
        Texts all;
        for (const pb::WatchRequest& request : stream.sent) {
            if (!request.has_create_request()) continue;
            const pb::WatchCreateRequest& create = request.create_request();
            EXPECT_TRUE(create.fragment());
            all.push_back(std::to_string(create.watch_id()) + " " + create.key() + " " +
                          create.range_end() + " " + std::to_string(create.start_revision()));
        }
        return all;
    }

    runtime::ManualLoop loop_;
    FixedEntropy entropy_;
    runtime::NoLog log_;
    Messages messages_{"/k"};
    std::vector<FakeMember*> members_;
    std::unique_ptr<Router> router_;
    std::unique_ptr<WatchHub> hub_;
    std::map<WatchHub::Id, Texts> said_;
};

TEST_F(WatchHubTest, AsksForOneRevisionTooManyAndDropsWhatIsKnown) {
    start();
    add(7, "a", "b", 5);
    FakeMember::Stream& stream = members_[0]->stream();
    EXPECT_THAT(creates(stream), ElementsAre("7 /k/a /k/b 5"));
    stream.say(created(7));
    pb::WatchResponse events = response(7, 9);
    put(events, "a", "old", 5);
    put(events, "a", "new", 6);
    stream.say(events);
    EXPECT_THAT(said_[7], ElementsAre("a=new@6", "| 6"))
        << "the header's revision may be ahead of events to come";
}

TEST_F(WatchHubTest, WatchesShareOneStream) {
    start();
    add(1, "a", "b", 5);
    add(2, "c", "d", 6);
    ASSERT_EQ(members_[0]->streams.size(), 1u);
    EXPECT_THAT(creates(members_[0]->stream()), ElementsAre("1 /k/a /k/b 5", "2 /k/c /k/d 6"));
    members_[0]->stream().say(one_put(2, 7));
    EXPECT_THAT(said_[1], ElementsAre());
    EXPECT_THAT(said_[2], ElementsAre("a=7@7", "| 7"));
}

TEST_F(WatchHubTest, FragmentsOfOneAnswerAreOneBatch) {
    start();
    add(1, "a", "b", 5);
    pb::WatchResponse first = response(1, 6), second = response(1, 6);
    put(first, "a", "1", 6);
    first.set_fragment(true);
    put(second, "a/", "2", 6);
    members_[0]->stream().say(first);
    EXPECT_THAT(said_[1], ElementsAre());
    members_[0]->stream().say(second);
    EXPECT_THAT(said_[1], ElementsAre("a=1@6", "a/=2@6", "| 6"));
}

TEST_F(WatchHubTest, AStreamThatBreaksGoesOnWithAnotherMemberWhereItWas) {
    start();
    add(1, "a", "b", 5);
    members_[0]->stream().say(created(1));
    members_[0]->stream().say(one_put(1, 8));
    pb::WatchResponse half = response(1, 9);
    put(half, "a", "half", 9);
    half.set_fragment(true);
    members_[0]->stream().say(half);
    members_[0]->stream().end(kGone);
    loop_.run_until_idle();
    ASSERT_EQ(members_[1]->streams.size(), 1u);
    EXPECT_THAT(creates(members_[1]->stream()), ElementsAre("1 /k/a /k/b 8"));
    pb::WatchResponse whole = response(1, 9);
    put(whole, "a", "8", 8);
    put(whole, "a", "half", 9);
    put(whole, "a/", "other half", 9);
    members_[1]->stream().say(whole);
    EXPECT_THAT(said_[1], ElementsAre("a=8@8", "| 8", "a=half@9", "a/=other half@9", "| 9"));
}

TEST_F(WatchHubTest, AStreamMovesWithTheRouter) {
    start();
    add(1, "a", "b", 5);
    router_->report(*members_[0], kTimeout);
    loop_.run_until_idle();
    EXPECT_FALSE(members_[0]->stream().open);
    EXPECT_THAT(creates(members_[1]->stream()), ElementsAre("1 /k/a /k/b 5"));
}

TEST_F(WatchHubTest, ASignOfLifeIsAskedForEverySecondAndASilentMemberIsLeft) {
    start();
    add(1, "a", "b", 5);
    for (int second = 1; second <= 5; ++second) {
        loop_.advance(1s);
        EXPECT_EQ(members_[0]->stream().progress_requests(), static_cast<std::size_t>(second));
        members_[0]->stream().say(response(-1, 5));
    }
    loop_.advance(2s);
    EXPECT_TRUE(members_[0]->stream().open);
    loop_.advance(1s);
    EXPECT_FALSE(members_[0]->stream().open);
    EXPECT_EQ(hub_->stats().stalls, 1u);
    EXPECT_EQ(members_[1]->streams.size(), 1u);
    EXPECT_EQ(router_->in_use(), members_[1]);
}

TEST_F(WatchHubTest, ProgressIsToldWhereEtcdsWordCanBeTrusted) {
    start("3.5.8");
    add(1, "a", "b", 5);
    add(2, "c", "d", 20);
    FakeMember::Stream& stream = members_[0]->stream();
    stream.say(response(-1, 9));
    EXPECT_THAT(said_[1], ElementsAre()) << "the watch is not there yet";
    stream.say(created(1));
    stream.say(created(2));
    stream.say(response(-1, 9));
    stream.say(response(-1, 9));
    EXPECT_THAT(said_[1], ElementsAre("| 9"));
    EXPECT_THAT(said_[2], ElementsAre()) << "it is further already";
}

TEST_F(WatchHubTest, AnOlderEtcdsAnswerToAProgressRequestIsOnlyASignOfLife) {
    start("3.4.23");
    add(1, "a", "b", 5);
    members_[0]->stream().say(created(1));
    members_[0]->stream().say(response(-1, 9));
    EXPECT_THAT(said_[1], ElementsAre());
    members_[0]->stream().say(response(1, 9));  // of the watch itself: never ahead of its events
    EXPECT_THAT(said_[1], ElementsAre("| 9"));
}

TEST_F(WatchHubTest, ACompactedWatchIsLostAndTheOthersGoOn) {
    start();
    add(1, "a", "b", 5);
    add(2, "a", "b", 30);
    FakeMember::Stream& stream = members_[0]->stream();
    stream.say(created(1));
    stream.say(created(2));
    pb::WatchResponse canceled = response(1, 40);
    canceled.set_canceled(true);
    canceled.set_compact_revision(20);
    stream.say(canceled);
    EXPECT_THAT(said_[1], ElementsAre("lost"));
    stream.say(one_put(1, 31));
    stream.say(one_put(2, 31));
    EXPECT_THAT(said_[1], ElementsAre("lost"));
    EXPECT_THAT(said_[2], ElementsAre("a=31@31", "| 31"));
}

TEST_F(WatchHubTest, AnOldEtcdThatDoesNotNameTheWatchItRefusesIsUnderstood) {
    start();
    add(1, "a", "b", 5);
    add(2, "c", "d", 5);
    members_[0]->stream().say(created(1));
    pb::WatchResponse refused = response(-1, 5);
    refused.set_created(true);
    refused.set_canceled(true);
    refused.set_cancel_reason("etcdserver: permission denied");
    members_[0]->stream().say(refused);
    EXPECT_THAT(said_[1], ElementsAre());
    EXPECT_THAT(said_[2], ElementsAre("lost"));
}

TEST_F(WatchHubTest, ARemovedWatchIsCanceledAndTheLastOneTakesTheStreamAlong) {
    start();
    add(1, "a", "b", 5);
    add(2, "c", "d", 5);
    FakeMember::Stream& stream = members_[0]->stream();
    hub_->remove(1);
    EXPECT_EQ(stream.sent.back().cancel_request().watch_id(), 1);
    stream.say(one_put(1, 6));
    EXPECT_THAT(said_[1], ElementsAre());
    hub_->remove(2);
    EXPECT_FALSE(stream.open);
    loop_.advance(10s);
    EXPECT_EQ(members_[0]->streams.size(), 1u);
}

TEST_F(WatchHubTest, AStreamThatEndsAgainAndAgainIsOpenedWithPauses) {
    start();
    add(1, "a", "b", 5);
    // Nobody's fault, so the router stays where it is.
    const RpcStatus strange{RpcCode::failed_precondition, "strange"};
    for (int i = 0; i < 5; ++i) {
        const std::size_t streams = members_[0]->streams.size();
        members_[0]->stream().end(strange);
        loop_.run_until_idle();
        EXPECT_EQ(members_[0]->streams.size(), streams) << "not at once";
        loop_.advance(2s);
        EXPECT_EQ(members_[0]->streams.size(), streams + 1);
    }
}

}  // namespace
}  // namespace khronos::store::etcd

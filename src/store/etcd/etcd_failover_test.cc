// What happens to handles when members die, stop or come back.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "store/etcd/testing/etcd_client.h"
#include "store/etcd/testing/etcd_cluster.h"

namespace khronos::store::etcd {
namespace {

EtcdOptions options_for(const EtcdCluster& cluster) {
    EtcdOptions options;
    options.endpoints = cluster.endpoints();
    options.open_deadline = 20s;
    return options;
}

// Writes 1, 2, 3, ... to one key, each by a compare with the one before, and settles what is
// unknown by reading back. Watches the same key.
class Chain {
  public:
    explicit Chain(EtcdClient& client) : client_(client) {
        watch_ = client_.store().watch("n", "o", Revision{}, [this](WatchUpdate update) {
            if (auto* batch = std::get_if<WatchBatch>(&update)) {
                for (const WatchEvent& event : batch->events)
                    seen_.emplace_back(event.kv.value.view());
            } else {
                lost_ = true;
            }
        });
    }
    ~Chain() { client_.store().unwatch(watch_); }

    void write_until(int last) {
        while (number_ < last)
            write_next();
        client_.loop().run_until(
            [&] { return lost_ || (!seen_.empty() && seen_.back() == std::to_string(last)); });
    }
    // Every number once, in order.
    void expect_all_seen() const {
        EXPECT_FALSE(lost_);
        ASSERT_EQ(seen_.size(), static_cast<std::size_t>(number_));
        for (int i = 0; i < number_; ++i)
            EXPECT_EQ(seen_[static_cast<std::size_t>(i)], std::to_string(i + 1));
    }
    int unknown() const { return unknown_; }
    int refused() const { return refused_; }

  private:
    void write_next() {
        const std::string value = std::to_string(number_ + 1);
        const WriteOutcome outcome = client_.write(
            {{Compare{"n", Compare::Target::mod_revision, last_}}, {Put{"n", value, {}}}});
        if (const Applied* applied = std::get_if<Applied>(&outcome)) return advance(*applied);
        if (std::holds_alternative<Refused>(outcome)) {
            EXPECT_EQ(std::get<Refused>(outcome).kind, RefusedKind::unreachable);
            ++refused_;
            return;
        }
        unknown_ += std::holds_alternative<Unknown>(outcome);
        // A conflict is one with our own write, that was unknown and came late.
        const auto got = client_.get("n");
        if (got && got->kv && got->kv->value.view() == value) advance({got->kv->mod_revision});
    }
    void advance(Applied applied) {
        last_ = applied.revision;
        ++number_;
    }

    EtcdClient& client_;
    WatchId watch_;
    int number_ = 0;
    Revision last_;
    std::vector<std::string> seen_;
    bool lost_ = false;
    int unknown_ = 0;
    int refused_ = 0;
};

class EtcdFailover : public testing::Test {
  protected:
    void SetUp() override {
        ::alarm(120);
        client_.write_meta();
    }
    void TearDown() override { ::alarm(0); }

    std::size_t in_use() { return cluster_.index_of(client_.backend().member_in_use()); }

    EtcdCluster cluster_{{.members = 3, .fsync = false}};
    EtcdClient client_{options_for(cluster_)};
};

TEST_F(EtcdFailover, WritesAndWatchesGoOnWhenTheMemberInUseIsKilled) {
    Chain chain(client_);
    chain.write_until(50);
    for (int round = 1; round <= 2; ++round) {
        const std::size_t victim = in_use();
        cluster_.kill(victim);
        chain.write_until(50 + round * 50);
        EXPECT_NE(in_use(), victim);
        cluster_.restart(victim);
        cluster_.wait_until_ready();
    }
    chain.expect_all_seen();
    EXPECT_GE(client_.backend().stats().failovers, 2u);
}

TEST_F(EtcdFailover, WritesAndWatchesGoOnWhenTheMemberInUseStops) {
    Chain chain(client_);
    chain.write_until(50);
    const std::size_t victim = in_use();
    cluster_.suspend(victim);
    chain.write_until(100);
    EXPECT_NE(in_use(), victim);
    // What it had received it may still hand on now, late.
    cluster_.resume(victim);
    chain.write_until(150);
    chain.expect_all_seen();
    EXPECT_GE(chain.unknown(), 1) << "a stopped member answers no write";
}

TEST_F(EtcdFailover, ASilentMemberIsLeftThoughNobodyAsksAnything) {
    std::vector<std::string> seen;
    client_.store().watch("a", "b", Revision{}, [&](WatchUpdate update) {
        for (const WatchEvent& event : std::get<WatchBatch>(update).events)
            seen.emplace_back(event.kv.value.view());
    });
    client_.put("a", "1");
    client_.loop().run_until([&] { return seen.size() == 1; });
    const std::size_t victim = in_use();
    cluster_.suspend(victim);
    EtcdOptions others = options_for(cluster_);
    others.endpoints.erase(others.endpoints.begin() + static_cast<std::ptrdiff_t>(victim));
    EtcdClient writer(others);
    while (!std::holds_alternative<Applied>(writer.put("a", "2"))) {
    }
    client_.loop().run_until([&] { return seen.size() >= 2; });
    EXPECT_NE(in_use(), victim);
    cluster_.resume(victim);
}

TEST_F(EtcdFailover, ALeaseIsKeptThroughTheDeathOfAMember) {
    const LeaseId lease = client_.grant(20s).value();
    client_.write({{}, {Put{"a", "1", lease}}});
    cluster_.kill(in_use());
    EXPECT_TRUE(client_.keep_alive(lease));
    EXPECT_TRUE(client_.get("a").value().kv);
}

TEST_F(EtcdFailover, ALeaseThatIsRevokedByOthersTakesItsKeysAndSaysSo) {
    const LeaseId lease = client_.grant(20s).value();
    const Revision made = std::get<Applied>(client_.write({{}, {Put{"a", "1", lease}}})).revision;
    bool erased = false;
    client_.store().watch("a", "b", made, [&](WatchUpdate update) {
        for (const WatchEvent& event : std::get<WatchBatch>(update).events)
            erased = erased || (event.deleted && event.kv.key == "a");
    });
    cluster_.ctl({"lease", "revoke", fmt::format("{:x}", lease.value)});
    client_.loop().run_until([&] { return erased; });
    EXPECT_EQ(client_.keep_alive(lease).error().kind, RefusedKind::no_lease);
    const WriteOutcome late = client_.write({{}, {Put{"a", "2", lease}}});
    ASSERT_TRUE(std::holds_alternative<Refused>(late));
    EXPECT_EQ(std::get<Refused>(late).kind, RefusedKind::no_lease);
    EXPECT_FALSE(client_.get("a").value().kv);
}

TEST_F(EtcdFailover, AWatchThatIsUnderWayGoesOnThroughACompaction) {
    Chain chain(client_);
    chain.write_until(20);
    const Revision now = client_.get("n").value().revision;
    cluster_.ctl({"compact", std::to_string(now.value)});
    chain.write_until(40);
    chain.expect_all_seen();
}

TEST_F(EtcdFailover, AWatchThatComesBackAfterACompactionIsLost) {
    bool lost = false;
    Revision reached;
    const Revision start = std::get<Applied>(client_.put("a", "0")).revision;
    client_.store().watch("a", "b", start, [&](WatchUpdate update) {
        if (auto* batch = std::get_if<WatchBatch>(&update))
            reached = batch->revision;
        else
            lost = true;
    });
    const Revision first = std::get<Applied>(client_.put("a", "1")).revision;
    client_.loop().run_until([&] { return reached >= first; });
    const std::size_t victim = in_use();
    cluster_.suspend(victim);
    EtcdOptions others = options_for(cluster_);
    others.endpoints.erase(others.endpoints.begin() + static_cast<std::ptrdiff_t>(victim));
    EtcdClient writer(others);
    Revision last;
    while (!last) {
        const WriteOutcome outcome = writer.put("a", "2");
        if (auto* applied = std::get_if<Applied>(&outcome)) last = applied->revision;
    }
    while (!std::holds_alternative<Applied>(writer.put("a", "3"))) {
    }
    cluster_.ctl({"compact", std::to_string(last.value)});
    cluster_.kill(victim);
    client_.loop().run_until([&] { return lost; });
}

TEST_F(EtcdFailover, WithoutAQuorumWritesAreNotAppliedAndAllGoesOnWhenItIsBack) {
    Chain chain(client_);
    chain.write_until(10);
    const std::size_t left = in_use();
    for (std::size_t i = 0; i < 3; ++i)
        if (i != left) cluster_.kill(i);
    EXPECT_FALSE(std::holds_alternative<Applied>(client_.put("other", "1")));
    for (int i = 0; i < 2; ++i)
        EXPECT_FALSE(client_.get("n"));
    for (std::size_t i = 0; i < 3; ++i)
        if (i != left) cluster_.restart(i);
    cluster_.wait_until_ready();
    chain.write_until(20);
    chain.expect_all_seen();
}

TEST(EtcdOutage, NothingIsSentWhileNobodyIsThereAndHandlesRecoverByThemselves) {
    EtcdCluster cluster;
    EtcdOptions options = options_for(cluster);
    options.call_deadline = 600ms;  // each refusal waits as long
    EtcdClient client(options);
    Chain chain(client);
    chain.write_until(20);
    cluster.kill(0);
    // The first ones may have met the dying connection.
    WriteOutcome outcome = client.put("a", "1");
    for (int i = 0; i < 3 && !std::holds_alternative<Refused>(outcome); ++i)
        outcome = client.put("a", "1");
    ASSERT_TRUE(std::holds_alternative<Refused>(outcome));
    EXPECT_EQ(std::get<Refused>(outcome).kind, RefusedKind::unreachable);
    EXPECT_NE(std::get<Refused>(outcome).why.find(cluster.endpoint(0)), std::string::npos)
        << std::get<Refused>(outcome).why;
    EXPECT_EQ(client.get("a").error().kind, RefusedKind::unreachable);
    const StoreStatus status = client.status();
    EXPECT_FALSE(status.reachable);
    EXPECT_NE(status.message, "");

    cluster.restart(0);
    cluster.wait_until_ready();
    chain.write_until(40);
    chain.expect_all_seen();
    EXPECT_TRUE(client.status().reachable);
}

}  // namespace
}  // namespace khronos::store::etcd

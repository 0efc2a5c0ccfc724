// etcd out of space: only deletes are accepted, and it recovers without a restart of ours.
#include <gtest/gtest.h>
#include <unistd.h>

#include "store/etcd/testing/etcd_client.h"
#include "store/etcd/testing/etcd_cluster.h"

namespace khronos::store::etcd {
namespace {

class EtcdSpace : public testing::Test {
  protected:
    static EtcdOptions options(const EtcdCluster& cluster) {
        EtcdOptions options;
        options.endpoints = cluster.endpoints();
        options.call_deadline = 10s;  // a megabyte at a time
        return options;
    }
    void SetUp() override {
        ::alarm(120);
        const std::string megabyte(1000000, 'x');
        // How large its file is etcd notices now and then only; meanwhile it takes more.
        for (int i = 0; i < 1000; ++i) {
            WriteOutcome outcome = client_.put("fill/" + std::to_string(i), megabyte);
            if (std::holds_alternative<Refused>(outcome)) {
                refused_ = std::get<Refused>(outcome);
                return;
            }
        }
    }
    void TearDown() override { ::alarm(0); }

    EtcdCluster cluster_{{.fsync = false, .quota_bytes = 16 << 20}};
    EtcdClient client_{options(cluster_)};
    std::optional<Refused> refused_;
};

TEST_F(EtcdSpace, AFullStoreRefusesPutsAndSaysSo) {
    ASSERT_TRUE(refused_) << "it never became full";
    EXPECT_EQ(refused_->kind, RefusedKind::no_space);
    EXPECT_NE(refused_->why.find("space"), std::string::npos);
    const StoreStatus status = client_.status();
    EXPECT_TRUE(status.reachable);
    EXPECT_TRUE(status.no_space);
    EXPECT_NE(status.message, "");
}

TEST_F(EtcdSpace, AFullStoreStillReadsKeepsLeasesAndErasesWithCompares) {
    ASSERT_TRUE(refused_);
    EXPECT_TRUE(client_.get("fill/0").value().kv);
    const Revision made = client_.get("fill/0").value().kv.value().mod_revision;
    const WriteOutcome erased =
        client_.write({{Compare{"fill/0", Compare::Target::mod_revision, made}},
                       {Erase{"fill/0"}, EraseRange{"fill/1", "fill/2"}}});
    EXPECT_TRUE(std::holds_alternative<Applied>(erased))
        << (std::holds_alternative<Refused>(erased) ? std::get<Refused>(erased).why : "");
    EXPECT_FALSE(client_.get("fill/0").value().kv);
}

TEST_F(EtcdSpace, ItRecoversWhenSpaceIsMade) {
    ASSERT_TRUE(refused_);
    WriteOutcome erased = client_.write({{}, {EraseRange{"fill/", "fill0"}}});
    ASSERT_TRUE(std::holds_alternative<Applied>(erased));
    cluster_.ctl({"compact", std::to_string(std::get<Applied>(erased).revision.value)});
    cluster_.ctl({"defrag"});
    cluster_.ctl({"alarm", "disarm"});
    EXPECT_TRUE(std::holds_alternative<Applied>(client_.put("a", "1")));
    const StoreStatus status = client_.status();
    EXPECT_FALSE(status.no_space);
    EXPECT_EQ(status.message, "");
}

TEST(EtcdHistory, IsKeptWhereOthersHaveKeysInTheSameEtcd) {
    EtcdCluster cluster({.fsync = false});
    cluster.ctl({"put", "/somebody/else", "1"});
    EtcdOptions options;
    options.endpoints = cluster.endpoints();
    options.compact_interval = 100ms;
    EtcdClient client(options);
    const Revision first = std::get<Applied>(client.put("a", "1")).revision;
    while (!client.log().has("keys of others"))
        client.put("a", "2");
    EXPECT_EQ(client.backend().stats().compactions, 0u);
    bool seen = false;
    client.store().watch("a", "b", Revision(first.value - 1), [&](WatchUpdate update) {
        ASSERT_TRUE(std::holds_alternative<WatchBatch>(update));
        const auto& events = std::get<WatchBatch>(update).events;
        seen = seen || (!events.empty() && events.front().kv.value.view() == "1");
    });
    client.loop().run_until([&] { return seen; });
}

TEST(EtcdHistory, IsForgottenAsTimeGoesOnAndTheKeysAreNot) {
    EtcdCluster cluster({.fsync = false});
    EtcdOptions options;
    options.endpoints = cluster.endpoints();
    options.compact_interval = 100ms;
    EtcdClient client(options);
    const Revision first = std::get<Applied>(client.put("a", "1")).revision;
    client.put("a", "2");
    while (client.backend().stats().compactions < 2)
        client.put("b", "1");
    bool lost = false;
    client.store().watch("a", "b", first, [&](WatchUpdate update) {
        lost = std::holds_alternative<WatchLost>(update);
    });
    client.loop().run_until([&] { return lost; });
    EXPECT_EQ(client.get("a").value().kv.value().value.view(), "2");
}

}  // namespace
}  // namespace khronos::store::etcd

// etcd's own users and passwords.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "store/etcd/testing/etcd_client.h"
#include "store/etcd/testing/etcd_cluster.h"

namespace khronos::store::etcd {
namespace {

using testing::HasSubstr;

class EtcdAuth : public testing::Test {
  protected:
    void SetUp() override {
        ::alarm(120);
        cluster_.ctl({"user", "add", "root:root's own"});
        cluster_.ctl({"user", "add", "khronos:our secret"});
        cluster_.ctl({"user", "add", "guest:guest"});
        cluster_.ctl({"role", "add", "khronos"});
        cluster_.ctl(
            {"role", "grant-permission", "--prefix=true", "khronos", "readwrite", "/khronos/"});
        cluster_.ctl({"user", "grant-role", "root", "root"});
        cluster_.ctl({"user", "grant-role", "khronos", "khronos"});
        cluster_.ctl({"auth", "enable"});
    }
    void TearDown() override { ::alarm(0); }

    EtcdOptions options(std::string user, std::string password) const {
        EtcdOptions options;
        options.endpoints = cluster_.endpoints();
        options.user = std::move(user);
        options.password = std::move(password);
        return options;
    }
    static Error failure_of(const EtcdOptions& options) {
        runtime::SystemEntropy entropy;
        runtime::NoLog log;
        auto opened = EtcdBackend::open(options, entropy, log);
        return opened ? Error{} : opened.error();
    }
    std::string as_root(std::vector<std::string> arguments) {
        arguments.push_back("--user=root:root's own");
        return cluster_.ctl(arguments);
    }

    EtcdCluster cluster_{{.fsync = false}};
};

TEST_F(EtcdAuth, TheRightPasswordOpensTheStore) {
    EtcdClient client(options("khronos", "our secret"));
    EXPECT_TRUE(std::holds_alternative<Applied>(client.put("a", "1")));
    EXPECT_TRUE(client.get("a").value().kv);
    EXPECT_TRUE(client.keep_alive(client.grant(20s).value()));
    EXPECT_TRUE(client.status().reachable);
    bool seen = false;
    client.store().watch("a", "b", Revision{}, [&](WatchUpdate update) {
        seen |= !std::get<WatchBatch>(update).events.empty();
    });
    client.loop().run_until([&] { return seen; });
}

TEST_F(EtcdAuth, AWrongPasswordIsRefusedAtOnce) {
    const Error error = failure_of(options("khronos", "guessed"));
    EXPECT_EQ(error.kind, ErrorKind::refused);
    EXPECT_EQ(error.field, "etcd.user");
    EXPECT_THAT(error.message, HasSubstr("does not accept the user or the password"));
    EXPECT_THAT(error.message, testing::Not(HasSubstr("guessed")));
}

TEST_F(EtcdAuth, NoUserAtAllIsToldThatOneIsWanted) {
    const Error error = failure_of(options("", ""));
    EXPECT_EQ(error.kind, ErrorKind::refused);
    EXPECT_THAT(error.message, HasSubstr("wants a user and a password"));
}

TEST_F(EtcdAuth, AUserWithoutRightsToTheKeyspaceIsToldSo) {
    const Error error = failure_of(options("guest", "guest"));
    EXPECT_EQ(error.kind, ErrorKind::refused);
    EXPECT_THAT(error.message, HasSubstr("permission denied"));
    EXPECT_THAT(error.message, HasSubstr("/khronos"));
}

TEST_F(EtcdAuth, RightsThatAreTakenAwayDenyWritesAndReadsAndEndWatches) {
    EtcdClient client(options("khronos", "our secret"));
    client.put("a", "1");
    as_root({"role", "revoke-permission", "--prefix=true", "khronos", "/khronos/"});
    const WriteOutcome outcome = client.put("a", "2");
    ASSERT_TRUE(std::holds_alternative<Refused>(outcome));
    EXPECT_EQ(std::get<Refused>(outcome).kind, RefusedKind::denied);
    EXPECT_EQ(client.get("a").error().kind, RefusedKind::denied);
    bool lost = false;
    client.store().watch("a", "b", Revision{}, [&](WatchUpdate update) {
        lost = std::holds_alternative<WatchLost>(update);
    });
    client.loop().run_until([&] { return lost; });
}

TEST_F(EtcdAuth, AForgottenTokenIsFetchedAnewWithoutTheCallersNotice) {
    EtcdClient client(options("khronos", "our secret"));
    auto watch = [&](std::string& seen) {
        client.store().watch("a", "b", Revision{}, [&](WatchUpdate update) {
            ASSERT_TRUE(std::holds_alternative<WatchBatch>(update));
            for (const WatchEvent& event : std::get<WatchBatch>(update).events)
                seen += event.kv.value.view();
        });
    };
    std::string seen, seen_later;
    watch(seen);
    client.put("a", "1");
    client.loop().run_until([&] { return seen == "1"; });
    as_root({"auth", "disable"});  // etcd forgets all tokens
    cluster_.ctl({"auth", "enable"});
    const std::uint64_t logins = client.backend().stats().logins;
    watch(seen_later);  // on a stream that was opened with the forgotten one
    EXPECT_TRUE(std::holds_alternative<Applied>(client.put("a", "2")));
    client.loop().run_until([&] { return seen == "12" && seen_later == "12"; });
    EXPECT_EQ(client.backend().stats().logins, logins + 1);
}

TEST_F(EtcdAuth, TheStoreIsThereAgainAfterItsOnlyMemberWas) {
    EtcdClient client(options("khronos", "our secret"));
    std::string seen;
    client.store().watch("a", "b", Revision{}, [&](WatchUpdate update) {
        ASSERT_TRUE(std::holds_alternative<WatchBatch>(update));
        for (const WatchEvent& event : std::get<WatchBatch>(update).events)
            if (event.kv.value.view() != "?") seen += event.kv.value.view();
    });
    client.put("a", "1");
    client.loop().run_until([&] { return seen == "1"; });
    cluster_.kill(0);
    cluster_.restart(0);
    // Refused or unknown while it starts; denied never.
    for (bool applied = false; !applied;) {
        const WriteOutcome outcome = client.put("a", "?");
        applied = std::holds_alternative<Applied>(outcome);
        if (auto* refused = std::get_if<Refused>(&outcome)) {
            ASSERT_EQ(refused->kind, RefusedKind::unreachable) << refused->why;
        }
    }
    client.put("a", "2");
    client.loop().run_until([&] { return seen == "12"; });
}

TEST_F(EtcdAuth, AnEtcdWithoutUsersTakesOneWithAPassword) {
    as_root({"auth", "disable"});
    EtcdClient client(options("khronos", "our secret"));
    EXPECT_TRUE(std::holds_alternative<Applied>(client.put("a", "1")));
    EXPECT_TRUE(client.log().has("warn etcd has"));
}

}  // namespace
}  // namespace khronos::store::etcd

// Wrong endpoints, passwords, rights and keyspaces: a clear error, in time, and nothing written.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/etcd/testing/etcd_client.h"
#include "store/etcd/testing/etcd_cluster.h"

namespace khronos::store::etcd {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Error failure_of(const EtcdOptions& options) {
    runtime::SystemEntropy entropy;
    runtime::NoLog log;
    auto opened = EtcdBackend::open(options, entropy, log);
    if (opened) ADD_FAILURE() << "it was opened";
    return opened ? Error{} : opened.error();
}

// A port of ours that, at most, accepts connections and never says anything.
class Listener {
  public:
    Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
        address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    }
    ~Listener() { ::close(fd_); }
    void listen() { EXPECT_EQ(::listen(fd_, 16), 0); }
    const std::string& address() const { return address_; }

  private:
    int fd_;
    std::string address_;
};

TEST(EtcdBadEndpoint, NobodyListensThere) {
    Listener nobody;  // bound, so that no other program takes the port; not listening
    EtcdOptions options;
    options.endpoints = {nobody.address()};
    options.open_deadline = 1s;
    const Error error = failure_of(options);
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_EQ(error.field, "etcd.endpoints");
    EXPECT_THAT(error.message, AllOf(HasSubstr(nobody.address()), HasSubstr("refused")));
}

TEST(EtcdBadEndpoint, SomethingListensThatNeverAnswers) {
    Listener silent;
    silent.listen();
    EtcdOptions options;
    options.endpoints = {silent.address()};
    options.open_deadline = 1s;
    const Error error = failure_of(options);
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_THAT(error.message, AllOf(HasSubstr(silent.address()), HasSubstr("not answer")));
}

TEST(EtcdBadEndpoint, OneOfTwoIsEnough) {
    EtcdCluster cluster({.fsync = false});
    Listener nobody;
    EtcdOptions options;
    options.endpoints = {nobody.address(), cluster.endpoint(0)};
    EtcdClient client(options);
    EXPECT_TRUE(std::holds_alternative<Applied>(client.put("a", "1")));
    EXPECT_EQ(client.backend().member_in_use(), cluster.endpoint(0));
}

TEST(EtcdBadEndpoint, AMemberOfAnotherClusterIsNeverUsed) {
    EtcdCluster ours({.fsync = false}), theirs({.fsync = false});
    EtcdOptions options;
    options.endpoints = {ours.endpoint(0), theirs.endpoint(0)};
    options.call_deadline = 600ms;  // each refusal waits as long
    EtcdClient client(options);
    client.write_meta();
    const std::size_t in_use = client.backend().member_in_use() == ours.endpoint(0) ? 0 : 1;
    (in_use == 0 ? ours : theirs).kill(0);
    // However long one waits: the other cluster knows nothing of what was written.
    for (int i = 0; i < 3; ++i)
        EXPECT_FALSE(client.get("meta"));
    EXPECT_THAT(client.get("meta").error().why, HasSubstr("belongs to the etcd cluster"));
    EXPECT_EQ((in_use == 0 ? theirs : ours).ctl({"get", "", "--prefix", "--keys-only"}), "");
}

class EtcdKeyspace : public testing::Test {
  protected:
    void SetUp() override { ::alarm(120); }
    void TearDown() override { ::alarm(0); }

    EtcdOptions options() const {
        EtcdOptions options;
        options.endpoints = cluster_.endpoints();
        return options;
    }
    // The error of opening, which must not have written.
    Error failure(const EtcdOptions& options) {
        EtcdOptions other = options;
        other.keyspace = "/looks on";
        other.cluster_id = "";
        EtcdClient onlooker(other);
        const Revision before = onlooker.get("a").value().revision;
        const Error error = failure_of(options);
        EXPECT_EQ(onlooker.get("a").value().revision, before) << "something was written";
        EXPECT_EQ(error.kind, ErrorKind::conflict);
        EXPECT_EQ(error.field, "etcd.keyspace");
        return error;
    }

    EtcdCluster cluster_{{.fsync = false}};
};

TEST_F(EtcdKeyspace, KeysOfSomethingElse) {
    cluster_.ctl({"put", "/khronos/apps/old", "1"});
    EXPECT_THAT(failure(options()).message, HasSubstr("keys of something else"));
}

TEST_F(EtcdKeyspace, ANeighbourWithTheSameBeginningIsNoneOfOurBusiness) {
    cluster_.ctl({"put", "/khronos2/a", "1"});
    cluster_.ctl({"put", "/khronos-", "1"});
    EtcdClient client(options());
    EXPECT_EQ(client.range({"", "\xff"}).value().kvs.size(), 0u);
}

TEST_F(EtcdKeyspace, AMetaRecordThatIsNone) {
    cluster_.ctl({"put", "/khronos/meta", "what is this?"});
    EXPECT_THAT(failure(options()).message, HasSubstr("is not Khronos's"));
}

TEST_F(EtcdKeyspace, AnotherFormatVersion) {
    EtcdClient(options()).write_meta("one", kFormatVersion + 1);
    EXPECT_THAT(failure(options()).message, HasSubstr("newer program"));
}

TEST_F(EtcdKeyspace, AnOlderFormatIsRead) {
    EtcdClient(options()).write_meta("one", kFormatVersion - 1);
    EtcdClient client(options());
    EXPECT_TRUE(client.get(std::string(keys::kMeta)).value().kv);
}

TEST_F(EtcdKeyspace, AMigrationThatDidNotEnd) {
    Meta meta;
    meta.incomplete = true;
    EtcdClient(options()).put(std::string(keys::kMeta), encode(meta));
    EXPECT_THAT(failure(options()).message, HasSubstr("migration into '/khronos' did not end"));
}

TEST_F(EtcdKeyspace, AMetaRecordOfNoCluster) {
    EtcdClient(options()).write_meta("");
    EXPECT_THAT(failure(options()).message, HasSubstr("is not Khronos's"));
}

TEST_F(EtcdKeyspace, AnotherClustersRecord) {
    EtcdClient(options()).write_meta("one");
    EtcdOptions mine = options();
    mine.cluster_id = "one";
    EtcdClient welcome(mine);
    mine.cluster_id = "two";
    EXPECT_THAT(failure(mine).message, AllOf(HasSubstr("'one'"), HasSubstr("'two'")));
}

TEST_F(EtcdKeyspace, TwoKeyspacesOnOneEtcdDoNotSeeEachOther) {
    EtcdOptions second = options();
    second.keyspace = "/other";
    EtcdClient one(options()), two(second);
    one.put("a", "1");
    EXPECT_FALSE(two.get("a").value().kv);
    two.write({{}, {EraseRange{"", "\xff"}}});
    EXPECT_TRUE(one.get("a").value().kv);
}

TEST_F(EtcdKeyspace, AnOldEtcdIsWarnedAbout) {
    EtcdClient client(options());
    const StoreStatus status = client.status();
    // What Debian 12 has.
    if (status.backend == "etcd 3.4.23") {
        EXPECT_TRUE(client.log().has("warn etcd is an old version version=3.4.23"));
    }
    EXPECT_EQ(status.message, "");
}

}  // namespace
}  // namespace khronos::store::etcd

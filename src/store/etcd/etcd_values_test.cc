// What is decided without a member: options, outcomes, versions, messages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/etcd/etcd_options.h"
#include "store/etcd/messages.h"
#include "store/etcd/outcome.h"
#include "store/etcd/version.h"

namespace khronos::store::etcd {
namespace {

using testing::HasSubstr;

TEST(EtcdOptions, EndpointsAreHostAndPortWithOrWithoutAScheme) {
    struct Case {
        const char* text;
        EtcdEndpoint endpoint;
    };
    const Case cases[] = {
        {"127.0.0.1:2379", {"127.0.0.1:2379", false}},
        {"etcd-1.example.org:1", {"etcd-1.example.org:1", false}},
        {"http://etcd:65535", {"etcd:65535", false}},
        {"https://etcd:2379/", {"etcd:2379", true}},
        {"[::1]:2379", {"[::1]:2379", false}},
        {"https://[fe80::1%eth0]:2379", {"[fe80::1%eth0]:2379", true}},
    };
    for (const Case& c : cases)
        EXPECT_EQ(parse_endpoint(c.text), c.endpoint) << c.text;
}

TEST(EtcdOptions, WrongEndpointsAreToldWhatIsWrong) {
    struct Case {
        const char *text, *says;
    };
    const Case cases[] = {
        {"", "has no port"},
        {"etcd", "has no port"},
        {"[::1]", "has no port"},
        {":2379", "has no host"},
        {"::1:2379", "in brackets"},
        {"etcd:", "no port from 1 to 65535"},
        {"etcd:0", "no port from 1"},
        {"etcd:65536", "no port from 1"},
        {"etcd:23x", "no port from 1"},
        {"ftp://etcd:1", "neither http nor https"},
        {"a b:1", "has a character"},
        {"etcd:1/v3", "no port from 1"},
        {"user@etcd:1", "has a character"},
        {"[]:1", "no IPv6 address"},
    };
    for (const Case& c : cases) {
        const auto endpoint = parse_endpoint(c.text);
        ASSERT_FALSE(endpoint) << c.text;
        EXPECT_THAT(endpoint.error(), HasSubstr(c.says));
        EXPECT_THAT(endpoint.error(), HasSubstr("10.0.0.1:2379")) << "what would be right";
    }
}

TEST(EtcdOptions, EachFieldIsChecked) {
    struct Case {
        const char* field;
        void (*spoil)(EtcdOptions&);
    };
    const Case cases[] = {
        {"etcd.endpoints", [](EtcdOptions& o) { o.endpoints.clear(); }},
        {"etcd.endpoints", [](EtcdOptions& o) { o.endpoints.assign(17, "a:1"); }},
        {"etcd.endpoints", [](EtcdOptions& o) { o.endpoints.push_back("http://a:1"); }},
        {"etcd.endpoints", [](EtcdOptions& o) { o.endpoints = {"https://a:1"}; }},
        {"etcd.endpoints",
         [](EtcdOptions& o) {
             o.endpoints = {"http://a:1"};
             o.tls = EtcdTls{};
         }},
        {"etcd.keyspace", [](EtcdOptions& o) { o.keyspace = ""; }},
        {"etcd.keyspace", [](EtcdOptions& o) { o.keyspace = "/a/"; }},
        {"etcd.keyspace", [](EtcdOptions& o) { o.keyspace = "/a\n"; }},
        {"etcd.keyspace", [](EtcdOptions& o) { o.keyspace = "/\xff"; }},
        {"etcd.keyspace", [](EtcdOptions& o) { o.keyspace.assign(129, 'a'); }},
        {"etcd.user", [](EtcdOptions& o) { o.password = "secret"; }},
        {"etcd.password", [](EtcdOptions& o) { o.user = "me"; }},
        {"etcd.tls", [](EtcdOptions& o) { o.tls = EtcdTls{"ca", "cert", ""}; }},
        {"etcd.call_deadline", [](EtcdOptions& o) { o.call_deadline = 99ms; }},
        {"etcd.range_deadline", [](EtcdOptions& o) { o.range_deadline = 11min; }},
        {"etcd.open_deadline", [](EtcdOptions& o) { o.open_deadline = 0s; }},
        {"etcd.progress_interval", [](EtcdOptions& o) { o.progress_interval = 61s; }},
        {"etcd.compact_interval", [](EtcdOptions& o) { o.compact_interval = -1s; }},
        {"etcd.calls_in_flight", [](EtcdOptions& o) { o.calls_in_flight = 0; }},
    };
    EtcdOptions good;
    good.endpoints = {"a:1"};
    EXPECT_TRUE(good.validate());
    for (const Case& c : cases) {
        EtcdOptions spoiled = good;
        c.spoil(spoiled);
        const auto ok = spoiled.validate();
        ASSERT_FALSE(ok) << c.field;
        EXPECT_EQ(ok.error().field, c.field);
        EXPECT_EQ(ok.error().kind, ErrorKind::invalid);
    }
}

TEST(EtcdOptions, APasswordIsNeverPartOfAnError) {
    EtcdOptions options;
    options.endpoints = {"a:1"};
    options.password = "secret";
    EXPECT_THAT(options.validate().error().message, testing::Not(HasSubstr("secret")));
}

// ---- outcomes

std::string name(const WriteOutcome& outcome) {
    if (const auto* refused = std::get_if<Refused>(&outcome))
        return "refused " + std::to_string(static_cast<int>(refused->kind));
    return std::holds_alternative<Unknown>(outcome) ? "unknown" : "?";
}
std::string refused(RefusedKind kind) {
    return "refused " + std::to_string(static_cast<int>(kind));
}

TEST(EtcdOutcome, AFailedWriteIsUnknownUnlessEtcdsOwnWordProvesThatItWasNot) {
    struct Case {
        RpcCode code;
        const char* message;
        std::string outcome;
    };
    const Case cases[] = {
        {RpcCode::unavailable, "Socket closed", "unknown"},
        {RpcCode::unavailable, "etcdserver: leader changed", "unknown"},
        {RpcCode::unavailable, "etcdserver: request timed out", "unknown"},
        {RpcCode::deadline_exceeded, "Deadline Exceeded", "unknown"},
        {RpcCode::cancelled, "", "unknown"},
        {RpcCode::internal, "RST_STREAM", "unknown"},
        {RpcCode::unknown, "raft: stopped", "unknown"},
        {RpcCode::data_loss, "etcdserver: corrupt cluster", "unknown"},
        {RpcCode::resource_exhausted, "something new", "unknown"},
        {RpcCode::resource_exhausted, "etcdserver: mvcc: database space exceeded",
         refused(RefusedKind::no_space)},
        {RpcCode::resource_exhausted, "etcdserver: too many requests",
         refused(RefusedKind::unreachable)},
        {RpcCode::invalid_argument, "etcdserver: request is too large",
         refused(RefusedKind::too_large)},
        {RpcCode::invalid_argument, "etcdserver: too many operations in txn request",
         refused(RefusedKind::too_large)},
        {RpcCode::invalid_argument, "etcdserver: user name is empty", refused(RefusedKind::denied)},
        {RpcCode::not_found, "etcdserver: requested lease not found",
         refused(RefusedKind::no_lease)},
        {RpcCode::permission_denied, "etcdserver: permission denied", refused(RefusedKind::denied)},
        {RpcCode::unauthenticated, "etcdserver: invalid auth token", refused(RefusedKind::denied)},
    };
    for (const Case& c : cases)
        EXPECT_EQ(name(failed_write({c.code, c.message}, true)), c.outcome) << c.message;
}

TEST(EtcdOutcome, WhatWasNeverSentIsCertainlyNotApplied) {
    EXPECT_EQ(name(failed_write({RpcCode::unavailable, "no member"}, false)),
              refused(RefusedKind::unreachable));
    EXPECT_EQ(name(failed_write({RpcCode::resource_exhausted, "the queue is full"}, false)),
              refused(RefusedKind::unreachable));
    EXPECT_EQ(name(failed_write({RpcCode::permission_denied, ""}, false)),
              refused(RefusedKind::denied));
}

TEST(EtcdOutcome, ReasonsAreForPeople) {
    EXPECT_EQ(words({RpcCode::deadline_exceeded, "Deadline Exceeded"}),
              "etcd did not answer in time");
    EXPECT_EQ(words({RpcCode::permission_denied, "etcdserver: permission denied"}),
              "etcd: permission denied");
    EXPECT_NE(words({RpcCode::internal, ""}), "");
}

// ---- versions

TEST(EtcdVersion, IsThreeNumbersAndPerhapsMore) {
    EXPECT_EQ(parse_version("3.4.23"), (Version{3, 4, 23}));
    EXPECT_EQ(parse_version("3.6.0-rc.1"), (Version{3, 6, 0}));
    for (const char* text : {"", "3", "3.4", "3.4.", "3.x.1", "not decided", "-3.4.1"})
        EXPECT_FALSE(parse_version(text)) << text;
}

TEST(EtcdVersion, ProgressIsTrustedSinceTheReleasesThatPutItRight) {
    struct Case {
        Version version;
        bool trusted;
    };
    const Case cases[] = {{{3, 3, 99}, false}, {{3, 4, 24}, false}, {{3, 4, 25}, true},
                          {{3, 5, 0}, false},  {{3, 5, 7}, false},  {{3, 5, 8}, true},
                          {{3, 6, 0}, true},   {{4, 0, 0}, true}};
    for (const Case& c : cases)
        EXPECT_EQ(progress_can_be_trusted(c.version), c.trusted) << c.version.minor;
}

TEST(EtcdVersion, OldOnesAreWarnedAboutAndNewOnesAreNot) {
    EXPECT_FALSE(is_supported({3, 3, 27}));
    EXPECT_TRUE(is_supported({3, 4, 0}));
    EXPECT_THAT(known_trouble({3, 5, 1}), HasSubstr("corrupt"));
    EXPECT_NE(known_trouble({3, 4, 3}), "");
    EXPECT_NE(known_trouble({3, 4, 23}), "");
    for (const Version& good : {Version{3, 4, 30}, Version{3, 5, 9}, Version{3, 6, 1}})
        EXPECT_EQ(known_trouble(good), "");
}

// ---- messages

TEST(EtcdMessages, ATransactionWithoutOperationsReadsSoThatItsAnswerIsNotStale) {
    const Messages messages("/k");
    const pb::TxnRequest compared = messages.txn({{Compare{"a", {}, Revision(5)}}, {}});
    ASSERT_EQ(compared.success_size(), 1);
    EXPECT_FALSE(compared.success(0).request_range().serializable());
    const pb::TxnRequest nothing = messages.txn({{}, {EraseRange{"b", "a"}}});
    EXPECT_TRUE(nothing.success(0).has_request_range());
}

TEST(EtcdMessages, KeysLieUnderTheKeyspaceAndComeBackWithoutIt) {
    const Messages messages("/k");
    const pb::TxnRequest txn =
        messages.txn({{}, {Put{"a", "1", LeaseId(7)}, Erase{"b"}, EraseRange{"", "\xff"}}});
    EXPECT_EQ(txn.success(0).request_put().key(), "/k/a");
    EXPECT_EQ(txn.success(0).request_put().lease(), 7);
    EXPECT_EQ(txn.success(1).request_delete_range().key(), "/k/b");
    EXPECT_EQ(txn.success(1).request_delete_range().range_end(), "");
    EXPECT_EQ(txn.success(2).request_delete_range().key(), "/k/");
    EXPECT_EQ(txn.success(2).request_delete_range().range_end(), "/k/\xff");
    mvccpb::KeyValue kv;
    kv.set_key("/k/a");
    EXPECT_EQ(messages.key_value(kv).key, "a");
}

TEST(EtcdMessages, ALimitOfNothingStillTellsWhetherThereIsSomething) {
    const Messages messages("/k");
    const RangeRequest request{.begin = "a", .end = "b", .limit = 0};
    EXPECT_EQ(messages.range(request).limit(), 1) << "etcd takes 0 for no limit";
    pb::RangeResponse response;
    response.add_kvs()->set_key("/k/a");
    EXPECT_TRUE(messages.range_result(request, response).more);
    EXPECT_TRUE(messages.range_result(request, response).kvs.empty());
}

}  // namespace
}  // namespace khronos::store::etcd

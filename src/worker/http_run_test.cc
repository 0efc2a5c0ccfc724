#include "worker/http_run.h"

#include <gtest/gtest.h>

#include "worker/address_policy.h"
#include "worker/output_buffer.h"

namespace khronos::worker {
namespace {

using Strings = std::vector<std::string>;

std::expected<HttpRequest, Error> made(core::StringMap config, Duration timeout = Duration(0)) {
    core::RunSpec spec;
    spec.executor_config = std::move(config);
    spec.timeout = timeout;
    return http_request(spec, FenceToken{1});
}

TEST(HttpRequest, TakesDkronsKeys) {
    const auto r = made({{"url", "HTTPS://x/y"},
                         {"method", "patch"},
                         {"body", "b"},
                         {"timeout", "5"},
                         {"expectCode", "200, 206"},
                         {"expectBody", "x"},
                         {"debug", "true"},
                         {"tlsNoVerifyPeer", "true"},
                         {"tlsCertificateFile", "/c"},
                         {"tlsCertificateKeyFile", "/k"},
                         {"tlsRootCAsFile", "/r"},
                         {"headers", R"(["A: b:c:d ", "B:"])"}});
    ASSERT_TRUE(r) << r.error().message;
    EXPECT_EQ(r->method, "PATCH");
    EXPECT_EQ(r->timeout, std::chrono::seconds(5));
    EXPECT_EQ(r->expect_codes, (std::vector<int>{200, 206}));
    EXPECT_TRUE(r->debug);
    EXPECT_FALSE(r->verify_peer);
    EXPECT_EQ(r->certificate_file + r->key_file + r->ca_file, "/c/k/r");
    ASSERT_EQ(r->headers.size(), 5u);
    EXPECT_EQ(r->headers[3], (std::pair<std::string, std::string>("A", "b:c:d")));
    EXPECT_EQ(r->headers[4], (std::pair<std::string, std::string>("B", "")));
}

TEST(HttpRequest, HasDkronsDefaults) {
    const auto r = made({{"url", "http://x"}});
    EXPECT_EQ(r->method, "GET");
    EXPECT_EQ(r->timeout, std::chrono::seconds(30));
    EXPECT_TRUE(r->verify_peer);
    EXPECT_TRUE(r->expect_codes.empty());
    EXPECT_EQ(made({{"url", "http://x"}, {"timeout", "1m30s"}})->timeout, std::chrono::seconds(90));
    EXPECT_EQ(made({{"url", "http://x"}, {"timeout", "5"}}, std::chrono::seconds(7))->timeout,
              std::chrono::seconds(7));
}

TEST(HttpRequest, RefusesWhatCannotBeAsked) {
    struct Case {
        std::string key;
        std::string value;
    };
    for (const Case& c : std::vector<Case>{{"url", ""},
                                           {"url", "file:///etc/passwd"},
                                           {"url", "gopher://x/"},
                                           {"url", "x"},
                                           {"url", "//x"},
                                           {"url", "http://x/a b"},
                                           {"url", "http://x/\r\nX: y"},
                                           {"url", "http://" + std::string(9000, 'x')},
                                           {"method", "GE T"},
                                           {"method", "GET\r\nX: y"},
                                           {"method", "CONNECT"},
                                           {"timeout", "soon"},
                                           {"timeout", "0"},
                                           {"timeout", "-5"},
                                           {"expectCode", "OK"},
                                           {"expectCode", "200,,201"},
                                           {"expectCode", "20"},
                                           {"headers", "X: y"},
                                           {"headers", R"(["no colon"])"},
                                           {"headers", R"([": v"])"},
                                           {"headers", R"(["A b: v"])"},
                                           {"headers", "[\"A: v\\r\\nB: w\"]"},
                                           {"headers", R"(["idempotency-key: mine"])"},
                                           {"headers", R"(["KHRONOS-TOKEN: 1"])"},
                                           {"debug", "yes"},
                                           {"tlsNoVerifyPeer", "maybe"},
                                           {"tlsRootCAsFile", "relative"},
                                           {"tlsCertificateFile", "/alone"}}) {
        core::StringMap config{{"url", "http://x/"}};
        config[c.key] = c.value;
        const auto r = made(config);
        ASSERT_FALSE(r) << c.key << "=" << c.value;
        EXPECT_EQ(r.error().field, "executor_config." + c.key) << c.value;
    }
}

TEST(JsonStrings, ReadsAnArrayOfStringsAndNothingElse) {
    EXPECT_EQ(parse_json_strings(" [ ] "), Strings{});
    EXPECT_EQ(parse_json_strings(R"(["a" , "b\"\\\/\b\f\n\r\t"])"),
              (Strings{"a", "b\"\\/\b\f\n\r\t"}));
    EXPECT_EQ(parse_json_strings(R"(["\u00e9\u20ac\ud83d\ude00"])"),
              Strings{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"});
    for (const char* bad : {"",
                            "\"a\"",
                            "[",
                            "[\"a\"",
                            "[\"a\",]",
                            "[\"a\" \"b\"]",
                            "[1]",
                            "[null]",
                            "[[]]",
                            "{}",
                            "[\"a\"] x",
                            "[\"a]",
                            "[\"\\x\"]",
                            "[\"\\u12\"]",
                            "[\"\\ud800\"]",
                            "[\"\\udc00\"]",
                            "[\"\\ud800\\u0041\"]",
                            "[\"a\nb\"]",
                            "[\"\\",
                            "[\"\\ud800\\"})
        EXPECT_FALSE(parse_json_strings(bad)) << bad;
}

TEST(AddressPolicy, KnowsTheSpecialNetworksAtTheirEdges) {
    const AddressPolicy policy;
    for (const char* refused : {"0.0.0.0",
                                "0.255.255.255",
                                "10.0.0.0",
                                "10.255.255.255",
                                "100.64.0.0",
                                "100.127.255.255",
                                "127.0.0.1",
                                "127.255.255.255",
                                "169.254.169.254",
                                "172.16.0.0",
                                "172.31.255.255",
                                "192.0.0.192",
                                "192.168.0.1",
                                "198.18.0.1",
                                "198.19.255.255",
                                "224.0.0.1",
                                "239.255.255.255",
                                "240.0.0.1",
                                "255.255.255.255",
                                "::",
                                "::1",
                                "::ffff:10.0.0.1",
                                "::ffff:a9fe:a9fe",
                                "::127.0.0.1",
                                "64:ff9b::7f00:1",
                                "64:ff9b::10.1.1.1",
                                "64:ff9b:1::1",
                                "2002:7f00:1::",
                                "2002:a9fe:a9fe::1",
                                "2001::1",
                                "2001:db8::1",
                                "fc00::1",
                                "fd00:ec2::254",
                                "fdff::",
                                "fe80::1",
                                "febf::1",
                                "fec0::1",
                                "ff02::1",
                                "100::1"}) {
        const auto address = parse_address(refused);
        ASSERT_TRUE(address) << refused;
        EXPECT_TRUE(policy.refuse(*address)) << refused;
        EXPECT_FALSE(AddressPolicy::allow_all().refuse(*address)) << refused;
    }
    for (const char* allowed : {"1.1.1.1",         "9.255.255.255",        "11.0.0.0",
                                "100.63.255.255",  "100.128.0.0",          "126.255.255.255",
                                "128.0.0.0",       "169.253.255.255",      "169.255.0.0",
                                "172.15.255.255",  "172.32.0.0",           "192.167.255.255",
                                "192.169.0.0",     "198.17.255.255",       "198.20.0.0",
                                "223.255.255.255", "2606:4700:4700::1111", "2001:4860:4860::8888",
                                "2002:101:101::1", "64:ff9b::101:101",     "fbff::1",
                                "fe00::1"}) {
        const auto address = parse_address(allowed);
        ASSERT_TRUE(address) << allowed;
        EXPECT_EQ(policy.refuse(*address), std::nullopt) << allowed;
    }
}

TEST(AddressPolicy, AllowsWhatIsNamed) {
    const Strings networks = {"10.1.0.0/16", "fd00::/8", "127.0.0.1"};
    const auto policy = AddressPolicy::with_networks(networks);
    ASSERT_TRUE(policy);
    for (const char* allowed : {"10.1.2.3", "::ffff:10.1.2.3", "fd12::1", "127.0.0.1"})
        EXPECT_FALSE(policy->refuse(*parse_address(allowed))) << allowed;
    for (const char* refused : {"10.2.0.0", "fc00::1", "127.0.0.2"})
        EXPECT_TRUE(policy->refuse(*parse_address(refused))) << refused;
    for (const char* bad :
         {"10.0.0.0/33", "10.0.0/8", "x", "::/129", "10.0.0.0/-1", "10.0.0.0/8x"}) {
        const Strings one = {bad};
        EXPECT_FALSE(AddressPolicy::with_networks(one)) << bad;
    }
}

TEST(ParseAddress, TakesOnlyTheUsualSpelling) {
    for (const char* bad : {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.4x",
                            "0x7f.1.1.1", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
                            "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7:8::", "fe80::1%eth0",
                            "::1.2.3", "1:2:3:4:5:6:7:", "::1:"})
        EXPECT_FALSE(parse_address(bad)) << bad;
    EXPECT_EQ(to_text(*parse_address("::ffff:1.2.3.4")), "1.2.3.4");
    EXPECT_EQ(to_text(*parse_address("1:2:3:4:5:6:7:8")), "1:2:3:4:5:6:7:8");
    EXPECT_EQ(to_text(*parse_address("::")), "0:0:0:0:0:0:0:0");
}

TEST(OutputBuffer, KeepsBothEndsWhateverThePiecesAre) {
    std::string all;
    for (int i = 0; all.size() < 1'000'000; ++i)
        all += std::to_string(i) + ",";
    for (const std::size_t piece : {1000u, 4096u, 70000u, 1000000u}) {
        OutputBuffer buffer;
        for (std::size_t at = 0; at < all.size(); at += piece)
            buffer.append(std::string_view(all).substr(at, piece));
        const Output out = buffer.take();
        EXPECT_EQ(out.total, all.size());
        EXPECT_EQ(out.head, all.substr(0, limits::kOutputHead));
        EXPECT_EQ(out.tail, all.substr(all.size() - limits::kOutputTail));
    }
    OutputBuffer small;
    small.append(all.substr(0, limits::kOutputHead + 10));
    EXPECT_EQ(last_of(small.take(), 20), all.substr(limits::kOutputHead - 10, 20));
}

}  // namespace
}  // namespace khronos::worker

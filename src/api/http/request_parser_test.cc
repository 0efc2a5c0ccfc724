// The grammar of requests, as data: what is taken, what is refused and with which status.
#include "api/http/request_parser.h"

#include <gtest/gtest.h>

#include <span>

#include "api/http/request_target.h"

namespace khronos::api {
namespace {

constexpr RequestLimits kLimits{1024, 100};

// Gives `bytes` to a parser `step` bytes at a time, as a session with a buffer does. "status", or
// "ok METHOD path|query|body" for each request, then "partial" if something is left unfinished.
std::string say(std::string_view bytes, std::size_t step, RequestLimits limits = kLimits) {
    RequestParser parser(limits);
    std::string said, buffer;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        buffer += bytes.substr(at, step);
        for (;;) {
            buffer.erase(0, parser.feed(buffer));
            if (parser.fault()) return said + std::to_string(parser.fault()->status);
            if (!parser.complete()) break;
            const HttpRequest request = parser.take();
            said += "ok " + request.method_text + " " + request.path + "|" + request.query + "|" +
                    request.body + " ";
        }
    }
    return said + (parser.started() ? "partial" : "");
}

struct Case {
    std::string bytes;
    std::string_view expected;
};

void expect_all(std::span<const Case> cases) {
    for (const Case& c : cases)
        for (const std::size_t step : {std::size_t{1}, std::size_t{7}, c.bytes.size()})
            EXPECT_EQ(say(c.bytes, step), c.expected) << c.bytes << "\nin steps of " << step;
}

std::string post(std::string_view fields, std::string_view body) {
    return "POST / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

TEST(RequestParser, TakesWellFormedRequests) {
    const Case cases[] = {
        {"", ""},
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "ok GET /|| "},
        {"\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "ok GET /|| "},
        {"GET /a?b=c HTTP/1.0\r\n\r\n", "ok GET /a|b=c| "},
        {"GET http://h:80/a?b HTTP/1.1\r\nHost: x\r\n\r\n", "ok GET /a|b| "},
        {"GET HTTPS://h HTTP/1.1\r\nHost: h\r\n\r\n", "ok GET /|| "},
        {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "ok OPTIONS *|| "},
        {"BREW /pot HTTP/1.1\r\nHost:\r\n\r\n", "ok BREW /pot|| "},
        {"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n", "ok GET /caf\xc3\xa9|| "},
        {post("Content-Length: 3\r\n", "abc"), "ok POST /||abc "},
        {post("content-length:  0 \r\n", ""), "ok POST /|| "},
        {post("Content-Length: 3\r\n", "ab"), "partial"},
        {post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"), "ok POST /||abc "},
        {post("Transfer-Encoding: Chunked\r\n", "3;a=\"b\"\r\nabc\r\n01\r\nd\r\n0\r\n\r\n"),
         "ok POST /||abcd "},
        {post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n"), "partial"},
        // A trailer cannot change what the head said.
        {post("Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\nHost: evil\r\nX: y\r\n\r\n"),
         "ok POST /||a "},
        {post("Content-Length: 1\r\n", "x") + post("Content-Length: 1\r\n", "y"),
         "ok POST /||x ok POST /||y "},
    };
    expect_all(cases);
}

TEST(RequestParser, RefusesWhatIsNotHttp) {
    const Case cases[] = {
        {"\x16\x03\x01\x02\x01\x01\xfc\x03\x03 hello", "400"},
        {std::string("\0\0\0\0\0\0", 6), "400"},
        {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "400"},
        {" GET / HTTP/1.1\r\n\r\n", "400"},
        {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
        {"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
        {"GET / HTTP/1.1\nHost: h\n\n\r\n\r\n", "400"},
        {"GET /\r\n\r\n", "400"},
        {"GET / HTPT/1.1\r\nHost: h\r\n\r\n", "400"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
        {"GET / HTTP/0.9\r\n\r\n", "505"},
        {"GET / HTTP/1.1\r\nHost h\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\n: h\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\n Host: h\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: h\r\nA: b\x01\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string("\0", 1) + "\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: h\r\nA\x80: b\r\n\r\n", "400"},
        {"GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
    };
    expect_all(cases);
}

TEST(RequestParser, RefusesRequestsThatTwoServersCouldReadDifferently) {
    const Case cases[] = {
        {post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
        {post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"), "400"},
        {post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), "400"},
        {post("Content-Length: 3\r\nContent-Length: 4\r\n", "abc"), "400"},
        {post("Content-Length: 3, 3\r\n", "abc"), "400"},
        {post("Content-Length: +3\r\n", "abc"), "400"},
        {post("Content-Length: -1\r\n", ""), "400"},
        {post("Content-Length: 0x3\r\n", "abc"), "400"},
        {post("Content-Length: 3 4\r\n", "abc"), "400"},
        {post("Content-Length:\r\n", ""), "400"},
        {post("Content-Length: 18446744073709551617\r\n", "x"), "400"},
        {post("Transfer-Encoding: gzip\r\n", ""), "501"},
        {post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), "501"},
        {post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), "501"},
        {post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), "501"},
        {post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), "501"},
        {post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), "501"},
        {post("Transfer-Encoding:\r\n", "0\r\n\r\n"), "501"},
        {post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
        {post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), "400"},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\n\r\n", "400"},
        {"GET http://h/ HTTP/1.1\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", "400"},
        {"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
        {"GET * HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
        {"GET a/b HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
        {"GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
        {"GET http://user@h/ HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
        {"GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
        {"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
        {post("Transfer-Encoding: chunked\r\n", "\r\n\r\n0\r\n\r\n"), "400"},
        {post("Transfer-Encoding: chunked\r\n", "g\r\n\r\n0\r\n\r\n"), "400"},
        {post("Transfer-Encoding: chunked\r\n", "-1\r\n\r\n0\r\n\r\n"), "400"},
        {post("Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n0\r\n\r\n"), "400"},
        {post("Transfer-Encoding: chunked\r\n", "3 \r\nabc\r\n"), "400"},
        {post("Transfer-Encoding: chunked\r\n", "11111111111111111\r\n"), "400"},
        {post("Expect: 200-ok\r\n", ""), "417"},
    };
    expect_all(cases);
}

TEST(RequestParser, HoldsItsLimitsToTheByte) {
    const auto head_of = [](std::size_t size) {
        const std::string start = "GET / HTTP/1.1\r\nHost: h\r\nA: ", end = "\r\n\r\n";
        return start + std::string(size - start.size() - end.size(), 'x') + end;
    };
    const auto line_of = [](std::size_t size) {
        const std::string start = "GET /", end = " HTTP/1.1\r\n";
        return start + std::string(size - start.size() - end.size(), 'x') + end;
    };
    const auto chunks_of = [](std::size_t count) {
        std::string body;
        for (std::size_t i = 0; i < count; ++i)
            body += "1\r\nx\r\n";
        return post("Transfer-Encoding: chunked\r\n", body + "0\r\n\r\n");
    };
    const std::string hundred(100, 'x');
    const Case cases[] = {
        {head_of(1024), "ok GET /|| "},
        {head_of(1025), "431"},
        {head_of(100000), "431"},
        {line_of(2000), "414"},
        {line_of(100000), "414"},
        {std::string(5000, 'x'), "414"},
        {post("Content-Length: 100\r\n", hundred), "ok POST /||"},
        {post("Content-Length: 101\r\n", ""), "413"},
        {post("Content-Length: 99999999999\r\n", ""), "413"},
        {post("Transfer-Encoding: chunked\r\n", "65\r\nx"), "413"},
        {post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n"), "413"},
        {chunks_of(101), "413"},
        {post("Transfer-Encoding: chunked\r\n", "1;" + std::string(5000, 'x')), "400"},
        {post("Transfer-Encoding: chunked\r\n", "0\r\nA: " + std::string(5000, 'x')), "400"},
    };
    for (const Case& c : cases)
        for (const std::size_t step : {std::size_t{1}, std::size_t{7}, c.bytes.size()})
            EXPECT_TRUE(say(c.bytes, step).starts_with(c.expected))
                << c.bytes.substr(0, 100) << "\nin steps of " << step << ": " << say(c.bytes, step);
}

TEST(RequestParser, KnowsWhomTheClientMeans) {
    RequestParser parser(kLimits);
    parser.feed("GET http://real:81/ HTTP/1.1\r\nHost: other\r\n\r\n");
    ASSERT_TRUE(parser.complete());
    EXPECT_EQ(parser.take().host, "real:81");
    parser.feed("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
    ASSERT_TRUE(parser.complete());
    EXPECT_EQ(parser.take().host, "[::1]:80");
}

TEST(RequestParser, KnowsWhetherTheConnectionMayBeKept) {
    const std::pair<std::string_view, bool> cases[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, Close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
    };
    for (const auto& [bytes, kept] : cases) {
        RequestParser parser(kLimits);
        parser.feed(bytes);
        ASSERT_TRUE(parser.complete());
        EXPECT_EQ(parser.keep_alive(), kept) << bytes;
    }
}

TEST(RequestTarget, IsSplitIntoItsParts) {
    EXPECT_EQ(split_target(Method::get, "/a/b?c?d"), (TargetParts{"", "/a/b", "c?d"}));
    EXPECT_EQ(split_target(Method::get, "/a?"), (TargetParts{"", "/a", ""}));
    EXPECT_EQ(split_target(Method::get, "//a"), (TargetParts{"", "//a", ""}));
    EXPECT_EQ(split_target(Method::get, "http://h?q"), (TargetParts{"h", "/", "q"}));
    EXPECT_EQ(split_target(Method::options, "*"), (TargetParts{"", "*", ""}));
}

}  // namespace
}  // namespace khronos::api

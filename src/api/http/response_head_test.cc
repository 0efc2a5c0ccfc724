#include "api/http/response_head.h"

#include <gtest/gtest.h>

namespace khronos::api {
namespace {

std::string head(const HttpResponse& response, HeadOptions options) {
    options.date = "D";
    std::string out;
    append_head(out, response, options);
    return out;
}

TEST(ResponseHead, SaysHowTheBodyEnds) {
    const HttpResponse response{201, {{"A", "b"}}, {}};
    EXPECT_EQ(head(response, {.framing = Framing::length, .content_length = 5}),
              "HTTP/1.1 201 Created\r\nDate: D\r\nA: b\r\nContent-Length: 5\r\n\r\n");
    EXPECT_EQ(head(response, {.framing = Framing::chunked, .connection = "close"}),
              "HTTP/1.1 201 Created\r\nDate: D\r\nA: b\r\nTransfer-Encoding: chunked\r\n"
              "Connection: close\r\n\r\n");
    EXPECT_EQ(head({304, {}, {}}, {.framing = Framing::none}),
              "HTTP/1.1 304 Not Modified\r\nDate: D\r\n\r\n");
}

TEST(ResponseHead, MakesAStatusThatCannotBeSentA500) {
    for (const int status : {-1, 0, 99, 100, 101, 600, 1200})
        EXPECT_TRUE(head({status, {}, {}}, {}).starts_with("HTTP/1.1 500 ")) << status;
}

TEST(HttpDate, IsTheFixedLengthForm) {
    EXPECT_EQ(http_date(WallTime::from_seconds(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(http_date(WallTime::from_seconds(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(http_date(WallTime::from_seconds(951782400)), "Tue, 29 Feb 2000 00:00:00 GMT");
}

}  // namespace
}  // namespace khronos::api

#include "api/http_types.h"

#include <gtest/gtest.h>

namespace khronos::api {
namespace {

// Notes what reaches the server's side.
class NotedExchange final : public Exchange {
  public:
    std::vector<int> statuses;
    std::string streamed;
    int ended = 0;

    void respond(HttpResponse response) override { statuses.push_back(response.status); }
    void begin_stream(HttpResponse head) override { streamed += head.body.view(); }
    Write write(Body chunk) override {
        streamed += chunk.view();
        return Write::accepted;
    }
    void end_stream() override { ++ended; }
    void on_drained(std::move_only_function<void()>) override {}
    void on_closed(std::move_only_function<void()>) override {}
};

TEST(Responder, AnswersOnceWhateverIsSentAfterwards) {
    const auto exchange = std::make_shared<NotedExchange>();
    {
        Responder responder(exchange);
        EXPECT_FALSE(responder.answered());
        responder.send({204, {}, {}});
        responder.send({200, {}, {}});
        EXPECT_TRUE(responder.answered());
    }
    EXPECT_EQ(exchange->statuses, std::vector{204});
}

TEST(Responder, AnswersWith500WhenItIsForgotten) {
    const auto exchange = std::make_shared<NotedExchange>();
    {
        Responder first(exchange);
        const Responder second = std::move(first);
    }
    EXPECT_EQ(exchange->statuses, std::vector{500});
}

TEST(Stream, EndsOnceByItselfOrWithItsOwner) {
    const auto exchange = std::make_shared<NotedExchange>();
    {
        Stream stream = Responder(exchange).begin_stream({200, {}, "a"});
        EXPECT_EQ(stream.write("b"), Exchange::Write::accepted);
        stream.end();
        EXPECT_EQ(stream.write("c"), Exchange::Write::closed);
    }
    EXPECT_EQ(exchange->streamed, "ab");
    EXPECT_EQ(exchange->ended, 1);
    {
        Stream stream = Responder(exchange).begin_stream({});
        stream = Stream();
        EXPECT_EQ(exchange->ended, 2);
    }
    EXPECT_EQ(exchange->ended, 2);
    EXPECT_TRUE(exchange->statuses.empty());
}

TEST(Body, ShowsTheSameBytesWhoeverOwnsThem) {
    EXPECT_EQ(Body(std::string("abc")).view(), "abc");
    EXPECT_EQ(Body(SharedBytes("abc")).view(), "abc");
    EXPECT_EQ(Body::of_static("abc").view(), "abc");
    EXPECT_EQ(Body("abc").size(), 3u);
    EXPECT_TRUE(Body().empty());
}

}  // namespace
}  // namespace khronos::api

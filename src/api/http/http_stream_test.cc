// Answers that are sent piece by piece.
#include <gtest/gtest.h>

#include <optional>

#include "api/http/http_server.h"
#include "api/http/http_test_support.h"

namespace khronos::api {
namespace {

// Keeps the stream of each request, and notes which were told that they are closed.
struct Streams {
    std::vector<std::unique_ptr<Stream>> open;
    std::promise<void> first_opened, first_closed;
    int closed = 0;

    HttpHandler handler() {
        return [this](HttpRequest request, Responder responder) {
            if (request.path == "/plain") return echo(std::move(request), std::move(responder));
            open.push_back(std::make_unique<Stream>(
                responder.begin_stream({200, {{"Content-Type", "text/event-stream"}}, "hello\n"})));
            open.back()->on_closed([this, stream = open.back().get()] {
                stream->end();
                if (closed++ == 0) first_closed.set_value();
            });
            if (open.size() == 1) first_opened.set_value();
        };
    }
};

// The client may have a piece before the server knows that it is sent; until then a large one does
// not fit.
void write_large(TestServer& server, Streams& streams, std::size_t size) {
    auto result = Exchange::Write::full;
    while (result == Exchange::Write::full)
        server.on_loop([&] { result = streams.open[0]->write(std::string(size, 'y')); });
    EXPECT_EQ(result, Exchange::Write::accepted);
}

TEST(HttpStream, SendsEachPieceAtOnceAndThenTheEnd) {
    Streams streams;
    TestServer server(streams.handler());
    RawClient client(server.port());
    client.send(get("/events"));
    const std::string head = client.receive_until("\r\n\r\n");
    EXPECT_NE(head.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_EQ(head.find("Content-Length"), std::string::npos);
    EXPECT_EQ(client.receive_until("hello\n\r\n"), "6\r\nhello\n\r\n");
    server.on_loop([&] { EXPECT_EQ(streams.open[0]->write("abc"), Exchange::Write::accepted); });
    EXPECT_EQ(client.receive_until("abc\r\n"), "3\r\nabc\r\n");
    const SharedBytes large(std::string(10000, 'x'));
    server.on_loop([&] {
        streams.open[0]->write("");
        streams.open[0]->write(large);
        streams.open[0]->end();
        EXPECT_EQ(streams.open[0]->write("late"), Exchange::Write::closed);
    });
    EXPECT_EQ(client.receive_until("0\r\n\r\n"),
              "2710\r\n" + std::string(10000, 'x') + "\r\n0\r\n\r\n");
    client.send(get("/plain"));
    EXPECT_EQ(client.receive_response().body, "GET\n/plain\n\n\n");
    server.on_loop([&] { EXPECT_EQ(streams.closed, 0); });
}

TEST(HttpStream, TellsWhenTheClientGoesAway) {
    for (const bool reset : {false, true}) {
        Streams streams;
        TestServer server(streams.handler());
        {
            RawClient client(server.port());
            client.send(get("/events"));
            client.receive_until("hello\n\r\n");
            if (reset) client.reset();
        }
        streams.first_closed.get_future().wait();
        server.on_loop([&] {
            EXPECT_EQ(streams.open[0]->write("x"), Exchange::Write::closed);
            EXPECT_EQ(streams.closed, 1);
        });
    }
}

TEST(HttpStream, KeepsAPipelinedRequestForLater) {
    Streams streams;
    TestServer server(streams.handler());
    RawClient client(server.port());
    client.send(get("/events") + get("/plain"));
    client.receive_until("hello\n\r\n");
    EXPECT_EQ(server.stats().requests, 1u);
    server.on_loop([&] { streams.open[0]->end(); });
    EXPECT_EQ(client.receive_until("0\r\n\r\n"), "0\r\n\r\n");
    EXPECT_EQ(client.receive_response().body, "GET\n/plain\n\n\n");
}

TEST(HttpStream, TakesNoMoreThanItsBufferForAClientThatDoesNotRead) {
    HttpServerConfig config;
    config.stream_buffer_bytes = 100000;
    Streams streams;
    TestServer server(streams.handler(), config);
    RawClient client(server.port());
    client.send(get("/events"));
    client.receive_until("hello\n\r\n");
    std::promise<void> drained;
    std::size_t accepted = 0;
    server.on_loop([&] {
        streams.open[0]->on_drained([&, first = true]() mutable {
            if (std::exchange(first, false)) drained.set_value();
        });
        const SharedBytes piece(std::string(20000, 'x'));
        Exchange::Write result;
        // The kernel's own buffers take some too, but only while the loop gets to send.
        while ((result = streams.open[0]->write(piece)) == Exchange::Write::accepted)
            ++accepted;
        EXPECT_EQ(result, Exchange::Write::full);
    });
    EXPECT_GE(accepted, 4u);
    EXPECT_LE(accepted, 5u);
    std::thread reader([&] {
        for (std::size_t i = 0; i < accepted; ++i)
            client.receive_until("x\r\n");
    });
    drained.get_future().wait();
    reader.join();
    server.on_loop([&] { EXPECT_EQ(streams.open[0]->write("again"), Exchange::Write::accepted); });
    EXPECT_EQ(client.receive_until("again\r\n"), "5\r\nagain\r\n");
    // When nothing waits, even a piece larger than the buffer is taken.
    write_large(server, streams, 300000);
    server.on_loop([&] { streams.open[0]->end(); });
    EXPECT_EQ(client.receive_until("0\r\n\r\n").size(), 300000u + 7 + 2 + 5);
}

TEST(HttpStream, IsCutOffWhenTheClientDoesNotRead) {
    HttpServerConfig config;
    config.write_timeout = 40ms;
    Streams streams;
    TestServer server(streams.handler(), config);
    RawClient client(server.port());
    client.send(get("/events"));
    client.receive_until("hello\n\r\n");
    write_large(server, streams, 64 << 20);
    streams.first_closed.get_future().wait();
    EXPECT_EQ(server.stats().timed_out, 1u);
}

TEST(HttpStream, MayStayQuietForLongerThanAnyTimeout) {
    HttpServerConfig config;
    config.write_timeout = config.idle_timeout = config.header_timeout = config.body_timeout = 10ms;
    Streams streams;
    TestServer server(streams.handler(), config);
    RawClient client(server.port());
    client.send(get("/events"));
    client.receive_until("hello\n\r\n");
    // Another connection lives and dies by the same timeouts meanwhile, several times.
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(RawClient(server.port()).receive_all(), "");
    server.on_loop([&] { EXPECT_EQ(streams.open[0]->write("x"), Exchange::Write::accepted); });
    EXPECT_EQ(client.receive_until("x\r\n"), "1\r\nx\r\n");
}

TEST(HttpStream, HasNoBodyForHead) {
    Streams streams;
    TestServer server(streams.handler());
    RawClient client(server.port());
    client.send("HEAD /events HTTP/1.1\r\nHost: h\r\n\r\n" + get("/plain"));
    EXPECT_TRUE(client.receive_response(true).has("Transfer-Encoding: chunked\r\n"));
    EXPECT_EQ(client.receive_response().body, "GET\n/plain\n\n\n");
    server.on_loop([&] { EXPECT_EQ(streams.closed, 1); });
}

TEST(HttpStream, EndsWithTheConnectionForHttp10) {
    Streams streams;
    TestServer server(streams.handler());
    RawClient client(server.port());
    client.send("GET /events HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const std::string head = client.receive_until("\r\n\r\n");
    EXPECT_EQ(head.find("chunked"), std::string::npos);
    EXPECT_NE(head.find("Connection: close\r\n"), std::string::npos);
    client.receive_until("hello\n");
    server.on_loop([&] {
        streams.open[0]->write("abc");
        streams.open[0]->end();
    });
    EXPECT_EQ(client.receive_all(), "abc");
}

TEST(HttpStream, IsToldWhenTheServerStops) {
    Streams streams;
    TestServer server(streams.handler());
    RawClient client(server.port());
    client.send(get("/events"));
    client.receive_until("hello\n\r\n");
    server.on_loop([&] { server.server().stop([] {}); });
    EXPECT_EQ(client.receive_until("0\r\n\r\n"), "0\r\n\r\n");
    EXPECT_EQ(client.receive_all(), "");
    server.on_loop([&] { EXPECT_EQ(streams.closed, 1); });
}

TEST(HttpStream, ReachesManyClientsWithTheSameBytes) {
    Streams streams;
    TestServer server(streams.handler());
    std::vector<RawClient> clients;
    for (int i = 0; i < 100; ++i) {
        clients.emplace_back(server.port());
        clients.back().send(get("/events"));
        clients.back().receive_until("hello\n\r\n");
    }
    const SharedBytes event("data: {}\n\n");
    server.on_loop([&] {
        for (const auto& stream : streams.open)
            stream->write(event);
    });
    for (RawClient& client : clients)
        EXPECT_EQ(client.receive_until("\n\n\r\n"), "a\r\ndata: {}\n\n\r\n");
}

}  // namespace
}  // namespace khronos::api

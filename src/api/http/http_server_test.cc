// What a well-behaved client may expect.
#include "api/http/http_server.h"

#include <gtest/gtest.h>

#include "api/http/http_test_support.h"

namespace khronos::api {
namespace {

TEST(HttpServer, AnswersAGet) {
    TestServer server(echo);
    RawClient client(server.port());
    client.send(get("/v1/jobs?pretty"));
    const RawResponse response = client.receive_response();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "GET\n/v1/jobs\npretty\n\n");
    EXPECT_TRUE(response.has("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(response.has("Content-Type: text/plain\r\n"));
    EXPECT_TRUE(response.has("\r\nDate: "));
    EXPECT_FALSE(response.has("Connection:"));
}

TEST(HttpServer, ToldWhoAsks) {
    std::promise<HttpRequest> seen;
    TestServer server([&](HttpRequest request, Responder responder) {
        seen.set_value(std::move(request));
        responder.send({204, {}, {}});
    });
    RawClient client(server.port());
    client.send(get("/", "X-One: 1\r\nx-one: 2\r\n"));
    EXPECT_EQ(client.receive_response().status, 204);
    const HttpRequest request = seen.get_future().get();
    EXPECT_EQ(request.peer_address, "127.0.0.1");
    EXPECT_NE(request.peer_port, 0);
    EXPECT_FALSE(request.tls.has_value());
    EXPECT_EQ(request.host, "t");
    EXPECT_EQ(request.headers.all("X-ONE"), (std::vector<std::string_view>{"1", "2"}));
}

TEST(HttpServer, AnswersManyRequestsOfOneConnection) {
    TestServer server(echo);
    RawClient client(server.port());
    for (int i = 0; i < 100; ++i) {
        client.send(get("/" + std::to_string(i)));
        EXPECT_EQ(client.receive_response().body, "GET\n/" + std::to_string(i) + "\n\n\n");
    }
    EXPECT_EQ(server.stats().accepted, 1u);
    EXPECT_EQ(server.stats().requests, 100u);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrderAlsoWhenTheHandlerTakesItsTime) {
    std::vector<Responder> waiting;
    runtime::AsioLoop* loop = nullptr;
    TestServer server([&](HttpRequest request, Responder responder) {
        if (request.path != "/slow") return echo(std::move(request), std::move(responder));
        loop->call_after(
            2ms, [request = std::move(request), responder = std::move(responder)]() mutable {
                echo(std::move(request), std::move(responder));
            });
    });
    loop = &server.loop();
    RawClient client(server.port());
    std::string requests;
    for (int i = 0; i < 500; ++i)
        requests += get(i % 50 == 0 ? "/slow" : "/" + std::to_string(i));
    client.send(requests);
    for (int i = 0; i < 500; ++i) {
        const std::string path = i % 50 == 0 ? "/slow" : "/" + std::to_string(i);
        ASSERT_EQ(client.receive_response().body, "GET\n" + path + "\n\n\n");
    }
}

TEST(HttpServer, TakesABodyOfStatedLengthAndAChunkedOne) {
    TestServer server(echo);
    RawClient client(server.port());
    client.send("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_EQ(client.receive_response().body, "POST\n/a\n\nhello\n");
    client.send(
        "POST /b HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
        "4;ext=1\r\nhell\r\n00001\r\no\r\n0\r\nTrailer: x\r\n\r\n");
    EXPECT_EQ(client.receive_response().body, "POST\n/b\n\nhello\n");
    client.send(get("/c"));
    EXPECT_EQ(client.receive_response().body, "GET\n/c\n\n\n");
}

TEST(HttpServer, TakesARequestThatArrivesByteByByte) {
    TestServer server(echo);
    RawClient client(server.port());
    for (const char c :
         std::string("POST /a HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "5\r\nhello\r\n0\r\n\r\n"))
        client.send({&c, 1});
    EXPECT_EQ(client.receive_response().body, "POST\n/a\n\nhello\n");
}

TEST(HttpServer, TakesTheLargestBodyAndSendsALargeOneBack) {
    HttpServerConfig config;
    config.max_body_bytes = 1 << 20;
    TestServer server(echo, config);
    const std::string body(config.max_body_bytes, 'x');
    RawClient client(server.port());
    std::thread sender([&] {
        client.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1048576\r\n\r\n" + body);
    });
    sender.join();
    EXPECT_EQ(client.receive_response().body, "POST\n/\n\n" + body + "\n");
}

TEST(HttpServer, SendsNoBodyToHead) {
    TestServer server([](HttpRequest request, Responder responder) {
        if (request.path == "/stated")
            responder.send({200, {{"Content-Length", "123456"}}, {}});
        else
            echo(std::move(request), std::move(responder));
    });
    RawClient client(server.port());
    client.send("HEAD /a HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_TRUE(client.receive_response(true).has("Content-Length: 10\r\n"));
    client.send("HEAD /stated HTTP/1.1\r\nHost: t\r\n\r\n");
    const RawResponse stated = client.receive_response(true);
    EXPECT_TRUE(stated.has("Content-Length: 123456\r\n"));
    client.send(get("/b"));
    EXPECT_EQ(client.receive_response().body, "GET\n/b\n\n\n");
}

TEST(HttpServer, SendsNoBodyWithAStatusThatHasNone) {
    TestServer server([](HttpRequest request, Responder responder) {
        responder.send({request.path == "/304" ? 304 : 204, {}, "never sent"});
    });
    RawClient client(server.port());
    client.send(get("/204") + get("/304", "Connection: close\r\n"));
    const std::string all = client.receive_all();
    EXPECT_EQ(all.find("never"), std::string::npos);
    EXPECT_EQ(all.find("Content-Length"), std::string::npos);
    EXPECT_NE(all.find("HTTP/1.1 204 No Content\r\n"), std::string::npos);
    EXPECT_NE(all.find("HTTP/1.1 304 Not Modified\r\n"), std::string::npos);
}

TEST(HttpServer, SendsContinueOnlyToAClientThatWaitsForIt) {
    TestServer server(echo);
    RawClient client(server.port());
    client.send("PUT / HTTP/1.1\r\nHost: t\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n");
    EXPECT_EQ(client.receive_response().status, 100);
    client.send("abc");
    EXPECT_EQ(client.receive_response().body, "PUT\n/\n\nabc\n");
    client.send(
        "PUT / HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_EQ(client.receive_response().status, 200);
    client.send(
        "PUT / HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n");
    EXPECT_EQ(client.receive_response().status, 413);
}

TEST(HttpServer, ClosesWhenTheClientAsksForIt) {
    TestServer server(echo);
    RawClient client(server.port());
    client.send(get("/a", "Connection: close\r\n") + get("/never"));
    const RawResponse response = client.receive_response();
    EXPECT_TRUE(response.has("Connection: close\r\n"));
    EXPECT_EQ(client.receive_all(), "");
}

TEST(HttpServer, ClosesWhenTheHandlerAsksForIt) {
    TestServer server([](HttpRequest, Responder responder) {
        responder.send({200, {{"connection", "Close"}}, "bye"});
    });
    RawClient client(server.port());
    client.send(get("/"));
    const RawResponse response = client.receive_response();
    EXPECT_TRUE(response.has("Connection: close\r\n"));
    EXPECT_EQ(response.body, "bye");
    EXPECT_EQ(client.receive_all(), "");
}

TEST(HttpServer, SpeaksHttp10) {
    TestServer server(echo);
    RawClient closing(server.port());
    closing.send("GET /a HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(closing.receive_all().ends_with("\r\n\r\nGET\n/a\n\n\n"));
    RawClient keeping(server.port());
    keeping.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_TRUE(keeping.receive_response().has("Connection: keep-alive\r\n"));
    keeping.send("GET /b HTTP/1.0\r\n\r\n");
    EXPECT_EQ(keeping.receive_response().body, "GET\n/b\n\n\n");
    EXPECT_EQ(keeping.receive_all(), "");
}

TEST(HttpServer, AnswersAClientThatEndedItsSide) {
    std::vector<Responder> waiting;
    TestServer server([](HttpRequest request, Responder responder) {
        echo(std::move(request), std::move(responder));
    });
    RawClient client(server.port());
    client.send(get("/a") + get("/b"));
    client.shutdown_write();
    EXPECT_EQ(client.receive_response().body, "GET\n/a\n\n\n");
    EXPECT_EQ(client.receive_response().body, "GET\n/b\n\n\n");
    EXPECT_EQ(client.receive_all(), "");
}

TEST(HttpServer, TakesAnAnswerFromAnotherThread) {
    std::vector<std::thread> threads;
    {
        TestServer server([&](HttpRequest request, Responder responder) {
            threads.emplace_back(
                [request = std::move(request), responder = std::move(responder)]() mutable {
                    echo(std::move(request), std::move(responder));
                });
        });
        RawClient client(server.port());
        for (int i = 0; i < 20; ++i) {
            client.send(get("/a"));
            EXPECT_EQ(client.receive_response().status, 200);
        }
    }
    for (std::thread& thread : threads)
        thread.join();
}

TEST(HttpServer, Answers500ForAHandlerThatForgetsOrThrows) {
    TestServer server([](HttpRequest request, Responder) {
        if (request.path == "/throw") throw std::runtime_error("on purpose");
    });
    RawClient client(server.port());
    client.send(get("/forget") + get("/throw"));
    EXPECT_EQ(client.receive_response().status, 500);
    EXPECT_EQ(client.receive_response().status, 500);
}

TEST(HttpServer, LeavesOutAFieldThatWouldSplitTheAnswer) {
    TestServer server([](HttpRequest, Responder responder) {
        responder.send({200,
                        {{"Location", "/a\r\nSet-Cookie: x=1"},
                         {"Bad Name", "x"},
                         {"Bad:", "x"},
                         {"X-Nul", std::string("a\0b", 3)},
                         {"Transfer-Encoding", "chunked"},
                         {"Content-Length", "1"},
                         {"X-Fine", "caf\u00e9\tx"}},
                        "body"});
    });
    RawClient client(server.port());
    client.send(get("/"));
    const RawResponse response = client.receive_response();
    EXPECT_EQ(response.body, "body");
    EXPECT_TRUE(response.has("X-Fine: caf\u00e9\tx\r\n"));
    for (const std::string_view unwanted : {"Set-Cookie", "Bad", "X-Nul", "chunked", "Length: 1\r"})
        EXPECT_FALSE(response.has(unwanted)) << unwanted;
}

TEST(HttpServer, StopsWithAnswersUnderWayFinishedAndIdleConnectionsClosed) {
    std::promise<void> asked;
    std::optional<Responder> owed;
    TestServer server([&](HttpRequest request, Responder responder) {
        if (request.path == "/quick") return echo(std::move(request), std::move(responder));
        owed.emplace(std::move(responder));
        asked.set_value();
    });
    RawClient idle(server.port()), untouched(server.port()), busy(server.port());
    idle.send(get("/quick"));
    idle.receive_response();
    busy.send(get("/slow"));
    asked.get_future().wait();
    std::promise<void> stopped;
    server.on_loop([&] { server.server().stop([&] { stopped.set_value(); }); });
    EXPECT_EQ(idle.receive_all(), "");
    EXPECT_EQ(untouched.receive_all(), "");
    server.on_loop([&] { owed->send({200, {}, "late"}); });
    const RawResponse response = busy.receive_response();
    EXPECT_EQ(response.body, "late");
    EXPECT_TRUE(response.has("Connection: close\r\n"));
    EXPECT_EQ(busy.receive_all(), "");
    busy.shutdown_write();
    stopped.get_future().wait();
    EXPECT_FALSE(RawClient(server.port()).connected());
}

TEST(HttpServer, StopsAfterItsTimeEvenIfAnAnswerNeverComes) {
    std::promise<void> asked;
    std::optional<Responder> owed;
    HttpServerConfig config;
    config.stop_timeout = 20ms;
    TestServer server(
        [&](HttpRequest, Responder responder) {
            owed.emplace(std::move(responder));
            asked.set_value();
        },
        config);
    RawClient client(server.port());
    client.send(get("/"));
    asked.get_future().wait();
    server.stop();
    EXPECT_EQ(client.receive_all(), "");
    server.on_loop([&] { owed->send({200, {}, "too late"}); });
}

TEST(HttpServer, SaysWhyItCannotStart) {
    runtime::AsioLoop loop;
    HttpServer first(loop, {}, echo);
    ASSERT_TRUE(first.start().has_value());
    HttpServerConfig config;
    config.port = first.port();
    HttpServer second(loop, config, echo);
    const auto started = second.start();
    ASSERT_FALSE(started.has_value());
    EXPECT_NE(started.error().message.find("cannot listen on 127.0.0.1 port " +
                                           std::to_string(first.port())),
              std::string::npos);
}

TEST(HttpServerConfig, NamesTheFieldThatIsWrong) {
    EXPECT_TRUE(HttpServerConfig().validate().has_value());
    const auto field_of = [](auto change) {
        HttpServerConfig config;
        change(config);
        const auto result = config.validate();
        return result ? std::string() : result.error().field;
    };
    EXPECT_EQ(field_of([](auto& c) { c.bind_ip = "localhost"; }), "bind_ip");
    EXPECT_EQ(field_of([](auto& c) { c.max_connections = 0; }), "max_connections");
    EXPECT_EQ(field_of([](auto& c) { c.max_header_bytes = 100; }), "max_header_bytes");
    EXPECT_EQ(field_of([](auto& c) { c.idle_timeout = 0s; }), "idle_timeout");
    EXPECT_EQ(field_of([](auto& c) { c.tls.emplace(); }), "tls.certificate_file");
    EXPECT_EQ(
        field_of([](auto& c) { c.tls = {"a", "b", "", TlsConfig::ClientCertificate::required}; }),
        "tls.client_ca_file");
    EXPECT_EQ(field_of([](auto& c) { c.bind_ip = "::1"; }), "");
}

}  // namespace
}  // namespace khronos::api

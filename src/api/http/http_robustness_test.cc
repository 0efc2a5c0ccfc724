// What a hostile or broken client may do, and that the others do not notice.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <random>

#include "api/http/http_server.h"
#include "api/http/http_test_support.h"

namespace khronos::api {
namespace {

void expect_alive(TestServer& server) {
    RawClient client(server.port());
    client.send(get("/alive"));
    EXPECT_EQ(client.receive_response().status, 200);
}

TEST(HttpRobustness, RefusesAndClosesAfterABadRequest) {
    TestServer server(echo);
    const std::pair<std::string, int> cases[] = {
        {"nonsense\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(20000, 'x'), 431},
        {"GET /" + std::string(20000, 'x'), 414},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n", 413},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
        {"GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505},
    };
    for (const auto& [bytes, status] : cases) {
        RawClient client(server.port());
        client.send(bytes + get("/smuggled"));
        const RawResponse response = client.receive_response();
        EXPECT_EQ(response.status, status) << bytes.substr(0, 60);
        EXPECT_TRUE(response.has("Connection: close\r\n"));
        EXPECT_FALSE(response.body.empty());
        client.shutdown_write();
        EXPECT_EQ(client.receive_all(), "");
    }
    EXPECT_EQ(server.stats().requests, 0u);
    EXPECT_EQ(server.stats().faults, std::size(cases));
}

TEST(HttpRobustness, DeliversTheRefusalOfABodyThatIsStillBeingSent) {
    TestServer server(echo);
    RawClient client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8388608\r\n\r\n");
    const std::string piece(65536, 'x');
    for (int i = 0; i < 128; ++i)
        ASSERT_TRUE(client.send(piece)) << i;
    EXPECT_EQ(client.receive_response().status, 413);
}

TEST(HttpRobustness, CutsOffAClientThatDribblesItsHeader) {
    HttpServerConfig config;
    config.header_timeout = 40ms;
    TestServer server(echo, config);
    RawClient client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n");
    // Sends on, a field at a time, for as long as the server lets it.
    while (client.send("A: b\r\n") && ::poll(nullptr, 0, 1) == 0) {
        pollfd readable{client.fd(), POLLIN, 0};
        if (::poll(&readable, 1, 0) == 1) break;
    }
    EXPECT_EQ(client.receive_response().status, 408);
    EXPECT_EQ(server.stats().timed_out, 1u);
    EXPECT_EQ(server.stats().requests, 0u);
}

TEST(HttpRobustness, CutsOffAClientWhoseBodyDoesNotCome) {
    HttpServerConfig config;
    config.body_timeout = 40ms;
    TestServer server(echo, config);
    RawClient client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
    EXPECT_EQ(client.receive_response().status, 408);
    expect_alive(server);
}

TEST(HttpRobustness, ClosesAnIdleConnectionWithoutAWord) {
    HttpServerConfig config;
    config.idle_timeout = 40ms;
    TestServer server(echo, config);
    RawClient silent(server.port()), used(server.port());
    used.send(get("/"));
    EXPECT_EQ(used.receive_response().status, 200);
    EXPECT_EQ(used.receive_all(), "");
    EXPECT_EQ(silent.receive_all(), "");
}

TEST(HttpRobustness, CutsOffAClientThatDoesNotReadItsAnswer) {
    HttpServerConfig config;
    config.write_timeout = 40ms;
    std::promise<void> gone;
    struct TellsItsEnd {
        std::promise<void>* gone;
        ~TellsItsEnd() { gone->set_value(); }
    };
    TestServer server(
        [&](HttpRequest, Responder responder) {
            responder.send({200, {}, std::string(64 << 20, 'x')});
        },
        config);
    RawClient client(server.port());
    client.send(get("/"));
    ASSERT_TRUE(client.receive_some());
    HttpServerStats stats;
    while ((stats = server.stats()).open > 0)
        std::this_thread::yield();
    EXPECT_EQ(stats.timed_out, 1u);
}

TEST(HttpRobustness, SurvivesResetsInTheMiddleOfEverything) {
    std::vector<Responder> owed;
    TestServer server([&](HttpRequest request, Responder responder) {
        if (request.path == "/never")
            owed.push_back(std::move(responder));
        else if (request.path == "/large")
            responder.send({200, {}, std::string(1 << 20, 'x')});
        else
            echo(std::move(request), std::move(responder));
    });
    for (const std::string& bytes :
         {std::string(), std::string("GE"), get("/never"), get("/large"), get("/") + "POST /",
          std::string("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc")}) {
        for (int i = 0; i < 20; ++i) {
            RawClient client(server.port());
            client.send(bytes);
            client.reset();
        }
    }
    expect_alive(server);
    HttpServerStats stats;
    while ((stats = server.stats()).open > 1)
        std::this_thread::yield();
    server.on_loop([&] {
        for (Responder& responder : owed)
            responder.send({200, {}, "to nobody"});
        owed.clear();
    });
    expect_alive(server);
}

TEST(HttpRobustness, SurvivesGarbage) {
    TestServer server(echo);
    std::mt19937 random(20240229);
    const std::string seeds[] = {
        get("/a?b=c", "Connection: keep-alive\r\n"),
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "PUT /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"};
    for (int i = 0; i < 300; ++i) {
        std::string bytes = seeds[random() % std::size(seeds)];
        bytes += seeds[random() % std::size(seeds)];
        for (unsigned n = random() % 8; n > 0; --n) {
            const std::size_t at = random() % bytes.size();
            switch (random() % 3) {
                case 0:
                    bytes[at] = static_cast<char>(random());
                    break;
                case 1:
                    bytes.erase(at, random() % 10 + 1);
                    break;
                default:
                    bytes.insert(at, 1, static_cast<char>(random()));
                    break;
            }
            if (bytes.empty()) bytes = "x";
        }
        RawClient client(server.port());
        client.send(bytes);
        client.shutdown_write();
        const std::string all = client.receive_all();
        EXPECT_TRUE(all.empty() || all.starts_with("HTTP/1.1 ")) << bytes;
    }
    expect_alive(server);
}

TEST(HttpRobustness, RefusesConnectionsOverItsLimit) {
    HttpServerConfig config;
    config.max_connections = 3;
    TestServer server(echo, config);
    std::vector<RawClient> clients;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back(server.port());
        clients.back().send(get("/"));
        EXPECT_EQ(clients.back().receive_response().status, 200);
    }
    RawClient over(server.port());
    EXPECT_EQ(over.receive_response().status, 503);
    EXPECT_EQ(over.receive_all(), "");
    EXPECT_EQ(server.stats().refused, 1u);
    clients.pop_back();
    while (server.stats().open == 3)
        std::this_thread::yield();
    expect_alive(server);
}

TEST(HttpRobustness, ServesAThousandConnectionsAtOnce) {
    rlimit files{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
    if (files.rlim_cur < 2100) GTEST_SKIP() << "this machine allows " << files.rlim_cur << " files";
    TestServer server(echo);
    std::vector<RawClient> clients;
    for (int i = 0; i < 1000; ++i)
        clients.emplace_back(server.port());
    for (RawClient& client : clients)
        ASSERT_TRUE(client.send(get("/x")));
    for (RawClient& client : clients)
        ASSERT_EQ(client.receive_response().status, 200);
    EXPECT_EQ(server.stats().open, 1000u);
    server.stop();
    for (RawClient& client : clients)
        EXPECT_EQ(client.receive_all(), "");
}

TEST(HttpRobustness, GoesOnWhenNoDescriptorIsLeft) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    TestServer server(echo);
    expect_alive(server);
    RawClient waiting(server.port());
    {
        // The kernel accepts for the server, which cannot take the connection over.
        const int next = ::dup(0);
        ::close(next);
        RawClient client(server.port());
        rlimit none = before;
        none.rlim_cur = static_cast<rlim_t>(client.fd());
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
        client.send(get("/"));
        server.stats();
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
        EXPECT_EQ(client.receive_response().status, 200);
    }
    waiting.send(get("/"));
    EXPECT_EQ(waiting.receive_response().status, 200);
}

}  // namespace
}  // namespace khronos::api

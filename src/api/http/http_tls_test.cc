// The server under TLS: who may talk to it, and that answers and limits are the same.
#include <gtest/gtest.h>

#include <csignal>

#include "api/http/http_server.h"
#include "api/http/http_test_support.h"
#include "api/http/tls_test_support.h"

namespace khronos::api {
namespace {

class HttpTls : public ::testing::Test {
  protected:
    // OpenSSL writes with write(2): a client of the test must survive a broken connection.
    void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }

    TlsConfig tls(TlsConfig::ClientCertificate clients = TlsConfig::ClientCertificate::none) {
        return {pems.write("server.pem", server_identity.certificate.get()),
                pems.write("server.key", server_identity.key.get()),
                pems.write("ca.pem", authority.certificate.get()), clients};
    }
    HttpServerConfig config(
        TlsConfig::ClientCertificate clients = TlsConfig::ClientCertificate::none) {
        HttpServerConfig config;
        config.tls = tls(clients);
        return config;
    }

    // Answers with the client's name.
    static void who(HttpRequest request, Responder responder) {
        responder.send({200, {}, "<" + request.tls.value().client_common_name + ">"});
    }

    PemDirectory pems;
    Identity authority{"authority"};
    Identity server_identity{"server", &authority};
};

TEST_F(HttpTls, AnswersAsItDoesInPlain) {
    TestServer server(echo, config());
    TlsClient client(server.port());
    ASSERT_TRUE(client.connected());
    EXPECT_EQ(client.server_name(), "server");
    for (int i = 0; i < 10; ++i) {
        client.send(get("/a?b"));
        EXPECT_TRUE(client.receive_until("b\n\n").ends_with("\r\n\r\nGET\n/a\nb\n\n"));
    }
    client.send(get("/c", "Connection: close\r\n"));
    EXPECT_TRUE(client.receive_until("never").ends_with("GET\n/c\n\n\n"));
}

TEST_F(HttpTls, CarriesLargeBodiesBothWays) {
    TestServer server(echo, config());
    TlsClient client(server.port());
    const std::string body(1 << 20, 'x');
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\n" + body);
    EXPECT_TRUE(client.receive_until("x\n").ends_with("POST\n/\n\n" + body + "\n"));
}

TEST_F(HttpTls, StreamsPieceByPiece) {
    std::unique_ptr<Stream> stream;
    std::promise<void> closed;
    TestServer server(
        [&](HttpRequest, Responder responder) {
            stream = std::make_unique<Stream>(responder.begin_stream({200, {}, "one"}));
            stream->on_closed([&] {
                stream.reset();
                closed.set_value();
            });
        },
        config());
    {
        TlsClient client(server.port());
        client.send(get("/"));
        client.receive_until("3\r\none\r\n");
        server.on_loop([&] { stream->write("two"); });
        EXPECT_EQ(client.receive_until("two\r\n"), "3\r\ntwo\r\n");
    }
    closed.get_future().wait();
}

TEST_F(HttpTls, NamesAClientWhoseCertificateVerifies) {
    TestServer server(who, config(TlsConfig::ClientCertificate::optional));
    const Identity alice("alice", &authority);
    TlsClient named(server.port(), &alice);
    named.send(get("/"));
    EXPECT_TRUE(named.receive_until(">").ends_with("<alice>"));
    TlsClient nobody(server.port());
    nobody.send(get("/"));
    EXPECT_TRUE(nobody.receive_until(">").ends_with("<>"));
}

TEST_F(HttpTls, RefusesAClientWhoseCertificateDoesNot) {
    const Identity other_authority("authority");
    const Identity forged("alice", &other_authority), self_signed("alice");
    for (const auto mode :
         {TlsConfig::ClientCertificate::optional, TlsConfig::ClientCertificate::required}) {
        TestServer server(who, config(mode));
        for (const Identity* identity : {&forged, &self_signed}) {
            // Under TLS 1.3 the client learns of it only when it reads.
            TlsClient client(server.port(), identity);
            client.send(get("/"));
            EXPECT_EQ(client.receive_until(">"), "");
        }
        EXPECT_EQ(server.stats().requests, 0u);
    }
}

TEST_F(HttpTls, RefusesAClientWithoutACertificateWhereOneIsRequired) {
    TestServer server(who, config(TlsConfig::ClientCertificate::required));
    TlsClient nobody(server.port());
    nobody.send(get("/"));
    EXPECT_EQ(nobody.receive_until(">"), "");
    const Identity alice("alice", &authority);
    TlsClient named(server.port(), &alice);
    named.send(get("/"));
    EXPECT_TRUE(named.receive_until(">").ends_with("<alice>"));
}

TEST_F(HttpTls, GivesNoNameToACertificateWhoseNameHidesSomething) {
    TestServer server(who, config(TlsConfig::ClientCertificate::optional));
    const Identity tricky(std::string("admin\0.evil", 11), &authority);
    TlsClient client(server.port(), &tricky);
    client.send(get("/"));
    EXPECT_TRUE(client.receive_until(">").ends_with("<>"));
}

TEST_F(HttpTls, RefusesVersionsBefore12) {
    TestServer server(echo, config());
    EXPECT_FALSE(TlsClient(server.port(), nullptr, TLS1_1_VERSION).connected());
    EXPECT_TRUE(TlsClient(server.port(), nullptr, TLS1_2_VERSION).connected());
}

TEST_F(HttpTls, SurvivesClientsThatSpeakNoTls) {
    HttpServerConfig impatient = config();
    impatient.header_timeout = 40ms;
    TestServer server(echo, impatient);
    RawClient plain(server.port()), silent(server.port()), resetting(server.port());
    plain.send(get("/"));
    EXPECT_EQ(plain.receive_all().find("HTTP"), std::string::npos);
    resetting.send("\x16\x03\x01");
    resetting.reset();
    EXPECT_EQ(silent.receive_all(), "");
    EXPECT_EQ(server.stats().requests, 0u);
    TlsClient client(server.port());
    client.send(get("/"));
    EXPECT_NE(client.receive_until("\n\n\n"), "");
}

TEST_F(HttpTls, DeliversTheRefusalOfABodyThatIsStillBeingSent) {
    TestServer server(echo, config());
    TlsClient client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8388608\r\n\r\n");
    const std::string piece(65536, 'x');
    for (int i = 0; i < 128; ++i)
        ASSERT_TRUE(client.send(piece)) << i;
    EXPECT_TRUE(client.receive_until("\r\n").starts_with("HTTP/1.1 413 "));
}

TEST_F(HttpTls, TakesNewCertificatesAndKeepsTheOldOnesAfterAnError) {
    TestServer server(echo, config());
    EXPECT_EQ(TlsClient(server.port()).server_name(), "server");
    const Identity renewed("renewed", &authority);
    pems.write("server.pem", renewed.certificate.get());
    std::expected<void, Error> reloaded;
    server.on_loop([&] { reloaded = server.server().reload_certificates(); });
    ASSERT_FALSE(reloaded.has_value());
    EXPECT_EQ(TlsClient(server.port()).server_name(), "server");
    pems.write("server.key", renewed.key.get());
    server.on_loop([&] { reloaded = server.server().reload_certificates(); });
    ASSERT_TRUE(reloaded.has_value()) << reloaded.error().message;
    EXPECT_EQ(TlsClient(server.port()).server_name(), "renewed");
}

TEST_F(HttpTls, SaysWhichFileIsWrong) {
    runtime::AsioLoop loop;
    const auto start_with = [&](auto change) {
        HttpServerConfig changed = config(TlsConfig::ClientCertificate::required);
        change(*changed.tls);
        const auto started = HttpServer(loop, changed, echo).start();
        return started ? std::string("started") : started.error().field;
    };
    EXPECT_EQ(start_with([](TlsConfig&) {}), "started");
    EXPECT_EQ(start_with([](TlsConfig& c) { c.certificate_file = "/none"; }),
              "tls.certificate_file");
    EXPECT_EQ(start_with([](TlsConfig& c) { c.certificate_file = c.key_file; }),
              "tls.certificate_file");
    EXPECT_EQ(start_with([](TlsConfig& c) { c.key_file = "/none"; }), "tls.key_file");
    EXPECT_EQ(start_with([](TlsConfig& c) { c.client_ca_file = "/none"; }), "tls.client_ca_file");
    EXPECT_EQ(start_with([this](TlsConfig& c) {
                  c.key_file = pems.write("other.key", authority.key.get());
              }),
              "tls.key_file");
}

}  // namespace
}  // namespace khronos::api

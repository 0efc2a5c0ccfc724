// The HTTP/1.1 server: sockets in, calls of one handler out. Runs wholly on the loop it is given.
//
// What it takes care of, so that handlers need not: framing and its attacks, limits, slow
// clients, pipelining (requests of a connection are handled one at a time, in order), HEAD,
// `Expect: 100-continue`, keep-alive, TLS, ending without cutting answers off. What a path or a
// Host field means is the handler's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "api/http_types.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/time.h"
#include "runtime/asio/asio_loop.h"

namespace khronos::api {

struct TlsConfig {
    enum class ClientCertificate : std::uint8_t { none, optional, required };

    std::string certificate_file;  // PEM: the server's certificate, then the intermediate ones
    std::string key_file;          // PEM
    std::string client_ca_file;    // PEM: who may sign clients' certificates
    ClientCertificate client_certificate = ClientCertificate::none;
    bool operator==(const TlsConfig&) const = default;
};

struct HttpServerConfig {
    std::string bind_ip = "127.0.0.1";
    std::uint16_t port = 0;  // 0: any free one; HttpServer::port() tells
    std::size_t max_connections = 10000;
    std::size_t max_header_bytes = limits::kHttpHeaderBytes;  // else 431, or 414
    std::size_t max_body_bytes = limits::kHttpBodyBytes;      // else 413
    // Kept for a client that reads a stream slowly.
    std::size_t stream_buffer_bytes = 256 * 1024;

    Duration header_timeout = 10s;  // from a request's first byte to the end of its header; the
                                    // TLS handshake has as long
    Duration body_timeout = 60s;    // from there to the end of its body
    Duration idle_timeout = 75s;    // between two requests
    Duration write_timeout = 30s;   // without a byte of the answer leaving
    Duration stop_timeout = 10s;    // for answers under way when the server stops

    std::optional<TlsConfig> tls;

    std::expected<void, Error> validate() const;
};

struct HttpServerStats {
    std::uint64_t accepted = 0;   // connections
    std::uint64_t refused = 0;    // connections over the limit
    std::uint64_t requests = 0;   // that reached the handler
    std::uint64_t faults = 0;     // requests that were refused for their form
    std::uint64_t timed_out = 0;  // connections
    std::uint64_t open = 0;       // connections now
    bool operator==(const HttpServerStats&) const = default;
};

class HttpServer {
  public:
    // `config` has passed validate(). The loop outlives the server and every Responder.
    HttpServer(runtime::AsioLoop& loop, HttpServerConfig config, HttpHandler handler);
    // Cuts every connection off. On the loop, or after it has ended.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // Loads the certificates, binds and listens. On the loop, or before it runs.
    std::expected<void, Error> start();
    // New connections are refused at once, idle ones closed; answers under way are finished, for
    // at most stop_timeout; streams are told by on_closed. Then `done` is posted. On the loop.
    void stop(runtime::Task done);
    // Reads the certificate files again, for connections from now on. After an error the old
    // ones stay in force. On the loop.
    std::expected<void, Error> reload_certificates();

    std::uint16_t port() const;     // after start()
    HttpServerStats stats() const;  // on the loop

  private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace khronos::api

#include "api/http/http_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <vector>

#include "api/http/plain_session.h"
#include "api/http/session.h"
#include "api/http/tls_session.h"
#include "base/check.h"
#include "runtime/asio/asio_loop_context.h"

namespace khronos::api {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

std::expected<void, Error> HttpServerConfig::validate() const {
    error_code error;
    asio::ip::make_address(bind_ip, error);
    if (error)
        return std::unexpected(invalid(
            "bind_ip", fmt::format("'{}' is not an IP address such as 127.0.0.1 or ::", bind_ip)));
    if (max_connections < 1)
        return std::unexpected(invalid("max_connections", "must be at least 1"));
    if (max_header_bytes < 1024 || max_header_bytes > (1 << 20))
        return std::unexpected(
            invalid("max_header_bytes",
                    fmt::format("is {}, must be between 1024 and 1048576", max_header_bytes)));
    const std::pair<const char*, Duration> timeouts[] = {{"header_timeout", header_timeout},
                                                         {"body_timeout", body_timeout},
                                                         {"idle_timeout", idle_timeout},
                                                         {"write_timeout", write_timeout},
                                                         {"stop_timeout", stop_timeout}};
    for (const auto& [field, timeout] : timeouts)
        if (timeout <= 0s || timeout > 24h)
            return std::unexpected(
                invalid(field, "must be longer than nothing and at most 24 hours"));
    if (!tls) return {};
    if (tls->certificate_file.empty())
        return std::unexpected(
            invalid("tls.certificate_file", "is empty; TLS needs a certificate"));
    if (tls->key_file.empty())
        return std::unexpected(
            invalid("tls.key_file", "is empty; TLS needs the certificate's key"));
    if (tls->client_certificate != TlsConfig::ClientCertificate::none &&
        tls->client_ca_file.empty())
        return std::unexpected(
            invalid("tls.client_ca_file",
                    "is empty; clients' certificates are checked against the authorities in it"));
    return {};
}

class HttpServer::Impl : public std::enable_shared_from_this<HttpServer::Impl> {
  public:
    Impl(runtime::AsioLoop& loop, HttpServerConfig config, HttpHandler handler)
        : core_(std::make_shared<ServerCore>(loop, std::move(config), std::move(handler))),
          acceptor_(runtime::io_context_of(loop)) {}

    std::expected<void, Error> start();
    std::expected<void, Error> load_certificates();
    void stop(runtime::Task done);
    void abandon();

    std::uint16_t port() const { return port_; }
    HttpServerStats stats() const {
        HttpServerStats stats = core_->stats;
        stats.open = core_->sessions.size();
        return stats;
    }

  private:
    std::expected<void, Error> listen();
    void accept();
    void on_accepted(const error_code& error, tcp::socket socket);
    void open_session(tcp::socket socket);
    void sweep_later();
    void close_all();

    const std::shared_ptr<ServerCore> core_;
    tcp::acceptor acceptor_;
    std::uint16_t port_ = 0;
    std::shared_ptr<asio::ssl::context> tls_;
    bool sweeping_ = false;
};

std::expected<void, Error> HttpServer::Impl::start() {
    if (auto loaded = load_certificates(); !loaded) return loaded;
    if (auto listening = listen(); !listening) return listening;
    accept();
    return {};
}

std::expected<void, Error> HttpServer::Impl::load_certificates() {
    if (!core_->config.tls) return {};
    auto context = make_tls_context(*core_->config.tls);
    if (!context) return std::unexpected(context.error());
    tls_ = std::move(*context);
    return {};
}

std::expected<void, Error> HttpServer::Impl::listen() {
    const HttpServerConfig& config = core_->config;
    const tcp::endpoint endpoint(asio::ip::make_address(config.bind_ip), config.port);
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    // `::` means every address of the machine, the old ones too.
    if (!error && endpoint.address().is_v6() && endpoint.address().is_unspecified())
        acceptor_.set_option(asio::ip::v6_only(false), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) port_ = acceptor_.local_endpoint(error).port();
    if (error) {
        error_code ignored;
        acceptor_.close(ignored);
        return std::unexpected(Error{ErrorKind::unavailable, "port",
                                     fmt::format("cannot listen on {} port {}: {}", config.bind_ip,
                                                 config.port, error.message())});
    }
    return {};
}

void HttpServer::Impl::accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](const error_code& error, tcp::socket socket) {
            self->on_accepted(error, std::move(socket));
        });
}

void HttpServer::Impl::on_accepted(const error_code& error, tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    if (!error) {
        ++core_->stats.accepted;
        open_session(std::move(socket));
        return accept();
    }
    // A client that gave up already, or no descriptor left: the latter lasts a while.
    if (error == asio::error::connection_aborted) return accept();
    core_->loop.call_after(100ms, [self = shared_from_this()] {
        if (self->acceptor_.is_open()) self->accept();
    });
}

void HttpServer::Impl::open_session(tcp::socket socket) {
    error_code error;
    if (core_->sessions.size() >= core_->config.max_connections) {
        ++core_->stats.refused;
        constexpr std::string_view kFull =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
            "Connection: close\r\n\r\n";
        socket.non_blocking(true, error);
        if (!tls_) socket.write_some(asio::const_buffer(kFull.data(), kFull.size()), error);
        return;
    }
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (error) return;
    socket.set_option(tcp::no_delay(true), error);
    socket.set_option(asio::socket_base::keep_alive(true), error);
    asio::ip::address address = peer.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    const std::shared_ptr<Session> session =
        tls_ ? make_tls_session(core_, std::move(socket), tls_, address.to_string(), peer.port())
             : std::make_shared<PlainSession>(core_, std::move(socket), address.to_string(),
                                              peer.port());
    session->start();
    sweep_later();
}

// One timer looks after the deadlines of all connections: moving a deadline then costs nothing.
void HttpServer::Impl::sweep_later() {
    if (sweeping_ || core_->sessions.empty()) return;
    sweeping_ = true;
    const HttpServerConfig& config = core_->config;
    const Duration shortest = std::min(
        {config.header_timeout, config.body_timeout, config.idle_timeout, config.write_timeout});
    core_->loop.call_after(std::clamp<Duration>(shortest / 8, 5ms, 500ms),
                           [self = shared_from_this()] {
                               self->sweeping_ = false;
                               const MonoTime now = self->core_->loop.mono_now();
                               const std::vector<Session*> open(self->core_->sessions.begin(),
                                                                self->core_->sessions.end());
                               for (Session* session : open)
                                   if (self->core_->sessions.contains(session))
                                       session->check_deadline(now);
                               self->sweep_later();
                           });
}

void HttpServer::Impl::stop(runtime::Task done) {
    error_code ignored;
    acceptor_.close(ignored);
    core_->stopping = true;
    if (core_->sessions.empty()) return core_->loop.post(std::move(done));
    CHECK(!core_->on_all_closed);
    core_->on_all_closed = std::move(done);
    const std::vector<Session*> open(core_->sessions.begin(), core_->sessions.end());
    for (Session* session : open)
        if (core_->sessions.contains(session)) session->wind_down();
    core_->loop.call_after(core_->config.stop_timeout,
                           [self = shared_from_this()] { self->close_all(); });
}

void HttpServer::Impl::close_all() {
    while (!core_->sessions.empty())
        (*core_->sessions.begin())->close();
}

void HttpServer::Impl::abandon() {
    CHECK(core_->loop.on_loop());
    error_code ignored;
    acceptor_.close(ignored);
    core_->on_all_closed = nullptr;
    close_all();
    core_->handler = nullptr;
}

HttpServer::HttpServer(runtime::AsioLoop& loop, HttpServerConfig config, HttpHandler handler)
    : impl_(std::make_shared<Impl>(loop, std::move(config), std::move(handler))) {}
HttpServer::~HttpServer() {
    impl_->abandon();
}

std::expected<void, Error> HttpServer::start() {
    return impl_->start();
}
void HttpServer::stop(runtime::Task done) {
    impl_->stop(std::move(done));
}
std::expected<void, Error> HttpServer::reload_certificates() {
    return impl_->load_certificates();
}
std::uint16_t HttpServer::port() const {
    return impl_->port();
}
HttpServerStats HttpServer::stats() const {
    return impl_->stats();
}

}  // namespace khronos::api

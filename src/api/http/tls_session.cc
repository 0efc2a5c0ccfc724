#include "api/http/tls_session.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace khronos::api {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

namespace {

// The one protocol that is spoken here, as ALPN writes it.
constexpr unsigned char kAlpn[] = "\x08http/1.1";

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* offered, unsigned int offered_length, void*) {
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_length, kAlpn, sizeof kAlpn - 1, offered,
                              offered_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

std::string common_name_of(SSL* connection) {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        SSL_get1_peer_certificate(connection), &X509_free);
    if (!certificate || SSL_get_verify_result(connection) != X509_V_OK) return {};
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) return {};
    unsigned char* text = nullptr;
    const int length =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (length < 0) return {};
    std::string name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(length));
    OPENSSL_free(text);
    // A name with such a character is meant to be mistaken for another.
    const bool plain = std::none_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    return plain ? name : std::string();
}

class TlsSession final : public Session {
  public:
    TlsSession(std::shared_ptr<ServerCore> core, asio::ip::tcp::socket socket,
               std::shared_ptr<ssl::context> context, std::string peer_address,
               std::uint16_t peer_port)
        : Session(std::move(core), std::move(peer_address), peer_port),
          context_(std::move(context)),
          stream_(std::move(socket), *context_) {}

  protected:
    void start_transport() override {
        stream_.async_handshake(ssl::stream_base::server, [self = self()](error_code error) {
            if (!error) self->info_.client_common_name = common_name_of(self->native());
            self->on_transport_started(!error);
        });
    }

    void start_read(std::span<char> into) override {
        stream_.async_read_some(asio::buffer(into.data(), into.size()), [self = self()](
                                                                            error_code error,
                                                                            std::size_t count) {
            // A client that ends without saying so in TLS has ended all the same: HTTP's
            // own framing tells a whole message from a cut one.
            const bool ended = error == asio::error::eof || error == ssl::error::stream_truncated;
            self->on_read(!error ? Outcome::done : ended ? Outcome::ended : Outcome::failed, count);
        });
    }

    void start_write(std::span<const std::string_view> pieces) override {
        stream_.async_write_some(asio::const_buffer(pieces[0].data(), pieces[0].size()),
                                 [self = self()](error_code error, std::size_t count) {
                                     self->on_written(!error, count);
                                 });
    }

    // TLS's own end waits for the client's and takes no data meanwhile. A client that still sends
    // has been told the answer's length; it is given time to read that instead.
    void start_shutdown(bool unread) override {
        if (unread) return on_shut_down();
        stream_.async_shutdown([self = self()](error_code) { self->close(); });
    }

    void close_transport() override {
        error_code ignored;
        stream_.lowest_layer().close(ignored);
    }

    std::optional<TlsInfo> tls_info() const override { return info_; }

  private:
    std::shared_ptr<TlsSession> self() {
        return std::static_pointer_cast<TlsSession>(shared_from_this());
    }
    SSL* native() { return stream_.native_handle(); }

    const std::shared_ptr<ssl::context> context_;
    ssl::stream<asio::ip::tcp::socket> stream_;
    TlsInfo info_;
};

Error file_error(std::string_view field, std::string_view file, const error_code& error) {
    return invalid(std::string("tls.") + std::string(field),
                   fmt::format("cannot use '{}': {}", file, error.message()));
}

}  // namespace

std::expected<std::shared_ptr<ssl::context>, Error> make_tls_context(const TlsConfig& config) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    SSL_CTX* native = context->native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
    SSL_CTX_set_options(
        native, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // an idle stream costs 34 KiB less
    SSL_CTX_set_alpn_select_cb(native, &select_protocol, nullptr);

    error_code error;
    context->use_certificate_chain_file(config.certificate_file, error);
    if (error)
        return std::unexpected(file_error("certificate_file", config.certificate_file, error));
    context->use_private_key_file(config.key_file, ssl::context::pem, error);
    if (error) return std::unexpected(file_error("key_file", config.key_file, error));
    if (SSL_CTX_check_private_key(native) != 1)
        return std::unexpected(
            invalid("tls.key_file", fmt::format("'{}' is not the key of the certificate in '{}'",
                                                config.key_file, config.certificate_file)));
    if (config.client_certificate != TlsConfig::ClientCertificate::none) {
        context->load_verify_file(config.client_ca_file, error);
        if (error)
            return std::unexpected(file_error("client_ca_file", config.client_ca_file, error));
        if (auto* names = SSL_load_client_CA_file(config.client_ca_file.c_str()))
            SSL_CTX_set_client_CA_list(native, names);
        ssl::verify_mode mode = ssl::verify_peer;
        if (config.client_certificate == TlsConfig::ClientCertificate::required)
            mode |= ssl::verify_fail_if_no_peer_cert;
        context->set_verify_mode(mode, error);
        if (error)
            return std::unexpected(file_error("client_ca_file", config.client_ca_file, error));
        // Without it OpenSSL refuses to resume sessions that had a client certificate.
        constexpr unsigned char kSessionContext[] = "khronos";
        SSL_CTX_set_session_id_context(native, kSessionContext, sizeof kSessionContext - 1);
    }
    return context;
}

std::shared_ptr<Session> make_tls_session(std::shared_ptr<ServerCore> core,
                                          asio::ip::tcp::socket socket,
                                          std::shared_ptr<ssl::context> context,
                                          std::string peer_address, std::uint16_t peer_port) {
    return std::make_shared<TlsSession>(std::move(core), std::move(socket), std::move(context),
                                        std::move(peer_address), peer_port);
}

}  // namespace khronos::api

#include "store/etcd/tls_files.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

namespace khronos::store::etcd {
namespace {

constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";
constexpr int kHandshakeSeconds = 3;

template <auto Free>
struct Freer {
    template <class T>
    void operator()(T* thing) const {
        Free(thing);
    }
};
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Context = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;

Bio memory(const std::string& text) {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}
std::vector<Certificate> certificates(const std::string& pem) {
    std::vector<Certificate> all;
    const Bio bio = memory(pem);
    while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
        all.emplace_back(one);
    ERR_clear_error();  // the end of the file is an error to OpenSSL
    return all;
}
Key private_key(const std::string& pem) {
    return Key(PEM_read_bio_PrivateKey(memory(pem).get(), nullptr, nullptr, nullptr));
}
bool is_expired(const X509& certificate, WallTime now) {
    time_t seconds = now.seconds();
    return X509_cmp_time(X509_get0_notAfter(&certificate), &seconds) < 0;
}

std::unexpected<Error> wrong(const std::string& field, std::string message) {
    return std::unexpected(invalid("etcd.tls." + field, std::move(message)));
}

std::expected<std::string, Error> read(const std::string& field, const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in || text.empty()) return wrong(field, fmt::format("cannot read '{}'", path));
    return text;
}

std::expected<std::string, Error> read_authorities(const std::string& path) {
    auto text = read("ca_file", path);
    if (!text) return text;
    if (certificates(*text).empty())
        return wrong("ca_file", fmt::format("'{}' has no certificate in PEM format", path));
    return text;
}

std::expected<void, Error> read_own(const EtcdTls& files, WallTime now, TlsMaterial& out) {
    auto cert = read("cert_file", files.cert_file);
    if (!cert) return std::unexpected(cert.error());
    auto key = read("key_file", files.key_file);
    if (!key) return std::unexpected(key.error());
    const auto chain = certificates(*cert);
    if (chain.empty())
        return wrong("cert_file",
                     fmt::format("'{}' has no certificate in PEM format", files.cert_file));
    if (is_expired(*chain.front(), now))
        return wrong("cert_file",
                     fmt::format("the certificate in '{}' has expired", files.cert_file));
    const Key own = private_key(*key);
    if (!own)
        return wrong("key_file", fmt::format("'{}' has no private key in PEM format without a "
                                             "passphrase",
                                             files.key_file));
    if (X509_check_private_key(chain.front().get(), own.get()) != 1)
        return wrong("key_file", fmt::format("'{}' is not the key of the certificate in '{}'",
                                             files.key_file, files.cert_file));
    out.cert = std::move(*cert);
    out.key = std::move(*key);
    return {};
}

Context make_context(const TlsMaterial& tls) {
    Context context(SSL_CTX_new(TLS_client_method()));
    X509_STORE* store = SSL_CTX_get_cert_store(context.get());
    for (const Certificate& authority : certificates(tls.ca))
        X509_STORE_add_cert(store, authority.get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    // etcd answers only who speaks HTTP/2.
    static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
    SSL_CTX_set_alpn_protos(context.get(), kHttp2, sizeof kHttp2);
    if (!tls.cert.empty()) {
        const auto chain = certificates(tls.cert);
        SSL_CTX_use_certificate(context.get(), chain.front().get());
        SSL_CTX_use_PrivateKey(context.get(), private_key(tls.key).get());
    }
    return context;
}

std::string host_of(const std::string& address) {
    std::string host = address.substr(0, address.rfind(':'));
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    return host;
}

void set_name(SSL& ssl, const std::string& host) {
    X509_VERIFY_PARAM* parameters = SSL_get0_param(&ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1) return;
    ERR_clear_error();
    X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), 0);
    SSL_set_tlsext_host_name(&ssl, host.c_str());
}

std::string last_error() {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "";
}

// One connection, up to its handshake. Blocks, a few seconds at most.
class Handshake {
  public:
    Handshake(const std::string& address, Context context) : context_(std::move(context)) {
        Bio connection(BIO_new_connect(address.c_str()));
        if (BIO_do_connect_retry(connection.get(), kHandshakeSeconds, 10) != 1) return;
        int fd = -1;
        BIO_get_fd(connection.get(), &fd);
        BIO_socket_nbio(fd, 0);
        const timeval limit{kHandshakeSeconds, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        ssl_.reset(SSL_new(context_.get()));
        set_name(*ssl_, host_of(address));
        BIO* owned_by_ssl = connection.release();
        SSL_set_bio(ssl_.get(), owned_by_ssl, owned_by_ssl);
        ERR_clear_error();
        done_ = SSL_connect(ssl_.get()) == 1;
        if (!done_) error_ = last_error();
    }
    bool connected() const { return ssl_ != nullptr; }
    bool done() const { return done_; }
    const std::string& error() const { return error_; }
    SSL& ssl() const { return *ssl_; }

  private:
    Context context_;
    std::unique_ptr<SSL, Freer<SSL_free>> ssl_;
    bool done_ = false;
    std::string error_;
};

// TLS 1.3 shows a client's refusal only after the handshake: read once.
std::string after_handshake(SSL& ssl) {
    char byte;
    ERR_clear_error();
    if (SSL_read(&ssl, &byte, 1) > 0) return "";
    const std::string reason = last_error();
    if (reason.find("alert") == std::string::npos &&
        reason.find("certificate") == std::string::npos)
        return "";
    return "etcd ends the connection: " + reason + "; does it ask for a certificate of ours?";
}

}  // namespace

std::expected<TlsMaterial, Error> read_tls_files(const EtcdTls& files, WallTime now) {
    auto ca = read_authorities(files.ca_file.empty() ? kSystemAuthorities : files.ca_file);
    if (!ca) return std::unexpected(ca.error());
    TlsMaterial out;
    out.ca = std::move(*ca);
    if (files.cert_file.empty()) return out;
    if (auto ok = read_own(files, now, out); !ok) return std::unexpected(ok.error());
    return out;
}

std::string why_tls_fails(const std::string& address, const TlsMaterial& tls) {
    const Handshake handshake(address, make_context(tls));
    if (!handshake.connected()) return "";
    if (handshake.done()) return after_handshake(handshake.ssl());
    const long verdict = SSL_get_verify_result(&handshake.ssl());
    if (verdict != X509_V_OK)
        return std::string("etcd's certificate is not accepted: ") +
               X509_verify_cert_error_string(verdict);
    const std::string& reason = handshake.error();
    if (reason.find("wrong version number") != std::string::npos ||
        reason.find("unexpected eof") != std::string::npos)
        return "it hangs up on TLS; it seems to speak clear text";
    return reason.empty() ? "" : "the TLS handshake fails: " + reason;
}

bool speaks_tls(const std::string& address) {
    Context context = make_context({});
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);  // nothing is said to it
    return Handshake(address, std::move(context)).done();
}

}  // namespace khronos::store::etcd

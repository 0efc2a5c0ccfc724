// For tests: certificates made on the spot, and a client that speaks TLS over a RawClient's socket.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "api/http/http_test_support.h"

namespace khronos::api {

struct FreeOpenSsl {
    void operator()(X509* it) const { X509_free(it); }
    void operator()(EVP_PKEY* it) const { EVP_PKEY_free(it); }
    void operator()(SSL* it) const { SSL_free(it); }
    void operator()(SSL_CTX* it) const { SSL_CTX_free(it); }
};
template <class Type>
using OpenSslPtr = std::unique_ptr<Type, FreeOpenSsl>;

// A key and a certificate for it, by `issuer` or, without one, by itself.
struct Identity {
    OpenSslPtr<EVP_PKEY> key;
    OpenSslPtr<X509> certificate;

    explicit Identity(const std::string& common_name, const Identity* issuer = nullptr)
        : key(EVP_EC_gen("P-256")), certificate(X509_new()) {
        static int serial = 0;
        X509* made = certificate.get();
        X509_set_version(made, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
        X509_gmtime_adj(X509_getm_notBefore(made), -60);
        X509_gmtime_adj(X509_getm_notAfter(made), 3600);
        X509_set_pubkey(made, key.get());
        X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(common_name.data()),
                                   static_cast<int>(common_name.size()), -1, 0);
        const Identity& by = issuer ? *issuer : *this;
        X509_set_issuer_name(made, X509_get_subject_name(by.certificate.get()));
        if (!issuer) {
            X509_EXTENSION* is_ca =
                X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
            X509_add_ext(made, is_ca, -1);
            X509_EXTENSION_free(is_ca);
        }
        X509_sign(made, by.key.get(), EVP_sha256());
    }
};

// A directory of PEM files that goes away with the test.
class PemDirectory {
  public:
    PemDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "tls_test_XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~PemDirectory() { std::filesystem::remove_all(path_); }

    std::string path(const std::string& name) const { return path_ + "/" + name; }
    std::string write(const std::string& name, X509* certificate) const {
        std::FILE* file = std::fopen(path(name).c_str(), "w");
        PEM_write_X509(file, certificate);
        std::fclose(file);
        return path(name);
    }
    std::string write(const std::string& name, EVP_PKEY* key) const {
        std::FILE* file = std::fopen(path(name).c_str(), "w");
        PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(file);
        return path(name);
    }

  private:
    std::string path_;
};

class TlsClient {
  public:
    // Shows `identity`, if any, when it is asked for a certificate.
    explicit TlsClient(std::uint16_t port, const Identity* identity = nullptr,
                       int max_version = TLS1_3_VERSION)
        : raw_(port), context_(SSL_CTX_new(TLS_client_method())) {
        SSL_CTX_set_max_proto_version(context_.get(), max_version);
        SSL_CTX_set_security_level(context_.get(), 0);
        SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
        if (identity) {
            SSL_CTX_use_certificate(context_.get(), identity->certificate.get());
            SSL_CTX_use_PrivateKey(context_.get(), identity->key.get());
        }
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_fd(ssl_.get(), raw_.fd());
        connected_ = SSL_connect(ssl_.get()) == 1;
    }

    bool connected() const { return connected_; }
    RawClient& raw() { return raw_; }
    bool send(std::string_view bytes) {
        return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) ==
               static_cast<int>(bytes.size());
    }
    // Everything up to `end`, or to the connection's end.
    std::string receive_until(std::string_view end) {
        while (received_.find(end) == std::string::npos) {
            char piece[16384];
            const int got = SSL_read(ssl_.get(), piece, sizeof piece);
            if (got <= 0) return std::exchange(received_, {});
            received_.append(piece, static_cast<std::size_t>(got));
        }
        const std::size_t size = received_.find(end) + end.size();
        std::string taken = received_.substr(0, size);
        received_.erase(0, size);
        return taken;
    }
    std::string server_name() const {
        const OpenSslPtr<X509> certificate(SSL_get1_peer_certificate(ssl_.get()));
        char name[256] = "";
        if (certificate)
            X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName,
                                      name, sizeof name);
        return name;
    }

  private:
    RawClient raw_;
    OpenSslPtr<SSL_CTX> context_;
    OpenSslPtr<SSL> ssl_;
    bool connected_ = false;
    std::string received_;
};

}  // namespace khronos::api

#include "store/etcd/tls_files.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

namespace khronos::store::etcd {
namespace {

constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

std::expected<std::string, Error> read(const std::string& field, const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in || text.empty())
        return std::unexpected(invalid("etcd.tls." + field, fmt::format("cannot read '{}'", path)));
    if (text.find("-----BEGIN ") == std::string::npos)
        return std::unexpected(
            invalid("etcd.tls." + field, fmt::format("'{}' is not in PEM format", path)));
    return text;
}

}  // namespace

std::expected<TlsMaterial, Error> read_tls_files(const EtcdTls& files) {
    TlsMaterial out;
    auto ca = read("ca_file", files.ca_file.empty() ? kSystemAuthorities : files.ca_file);
    if (!ca) return std::unexpected(ca.error());
    out.ca = std::move(*ca);
    if (files.cert_file.empty()) return out;
    auto cert = read("cert_file", files.cert_file);
    if (!cert) return std::unexpected(cert.error());
    auto key = read("key_file", files.key_file);
    if (!key) return std::unexpected(key.error());
    out.cert = std::move(*cert);
    out.key = std::move(*key);
    return out;
}

}  // namespace khronos::store::etcd

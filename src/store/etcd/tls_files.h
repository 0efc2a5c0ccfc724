// Reads and checks the PEM files of a TLS set-up, so that a wrong one is named before anything is
// tried with it, and says why a handshake fails, which gRPC does not.
#pragma once

#include <expected>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "store/etcd/etcd_options.h"
#include "store/etcd/grpc_member.h"

namespace khronos::store::etcd {

// An unreadable file, one that is no PEM, an expired certificate, a key of another certificate.
std::expected<TlsMaterial, Error> read_tls_files(const EtcdTls& files, WallTime now);

// Shakes hands once and blocks for it, a few seconds at most. Empty: there is nothing wrong with
// TLS, or nobody listens.
std::string why_tls_fails(const std::string& address, const TlsMaterial& tls);
// Whether a handshake with whoever listens there gets through. Blocks as well.
bool speaks_tls(const std::string& address);

}  // namespace khronos::store::etcd

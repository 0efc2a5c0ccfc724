// Reads and checks the PEM files of a TLS set-up, so that a wrong one is named before anything is
// tried with it.
#pragma once

#include <expected>

#include "base/error.h"
#include "store/etcd/etcd_options.h"
#include "store/etcd/grpc_member.h"

namespace khronos::store::etcd {

std::expected<TlsMaterial, Error> read_tls_files(const EtcdTls& files);

}  // namespace khronos::store::etcd

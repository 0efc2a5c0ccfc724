// A member reached by gRPC. The only file besides its .cc that knows gRPC is generated code.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "store/etcd/member.h"

namespace khronos::store::etcd {

// Contents of PEM files.
struct TlsMaterial {
    std::string ca, cert, key;  // cert and key may be empty
};

// `address` is host:port. Without `tls` the connection is in clear text.
std::unique_ptr<Member> make_grpc_member(const std::string& address,
                                         const std::optional<TlsMaterial>& tls);

}  // namespace khronos::store::etcd

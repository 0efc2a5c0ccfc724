// How an RPC ended. Codes have gRPC's numbers; messages are etcd's or gRPC's own.
#pragma once

#include <cstdint>
#include <string>

namespace khronos::store::etcd {

enum class RpcCode : std::uint8_t {
    ok = 0,
    cancelled = 1,
    unknown = 2,
    invalid_argument = 3,
    deadline_exceeded = 4,
    not_found = 5,
    already_exists = 6,
    permission_denied = 7,
    resource_exhausted = 8,
    failed_precondition = 9,
    aborted = 10,
    out_of_range = 11,
    unimplemented = 12,
    internal = 13,
    unavailable = 14,
    data_loss = 15,
    unauthenticated = 16,
};

struct RpcStatus {
    RpcCode code = RpcCode::ok;
    std::string message;
    bool ok() const { return code == RpcCode::ok; }
    bool operator==(const RpcStatus&) const = default;
};

}  // namespace khronos::store::etcd

// What a failed RPC means: for the caller, for the login, and for the member that answered.
#pragma once

#include "store/etcd/rpc_status.h"
#include "store/store.h"

namespace khronos::store::etcd {

// `sent`: some member may have received it. Only where etcd's own answer proves that nothing was
// proposed to the cluster is a write that was sent Refused; everything else is Unknown.
WriteOutcome failed_write(const RpcStatus& status, bool sent);
ReadError failed_read(const RpcStatus& status);

// The token is not, or no longer, known: log in again. The request was not carried out.
bool wants_login(const RpcStatus& status);
// The member, or the way to it, is at fault: another one may do better.
bool is_members_fault(const RpcStatus& status);
// The user or the password is wrong, or has no right to this.
bool is_denied(const RpcStatus& status);

// `etcd does not answer in time`, `etcd: permission denied`: for people.
std::string words(const RpcStatus& status);

}  // namespace khronos::store::etcd

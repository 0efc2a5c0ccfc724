// One member of the cluster, reached over a channel of its own. The seam between gRPC (GrpcMember)
// and everything that decides, which is tested without a network.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/time.h"
#include "etcd/rpc.pb.h"
#include "runtime/loop.h"
#include "store/etcd/rpc_status.h"

namespace khronos::store::etcd {

namespace pb = etcdserverpb;

struct CallOptions {
    Duration deadline;
    std::string token;         // of the login; empty: none
    bool needs_leader = true;  // fail at once on a member that knows no leader
};

// Called once, on any thread, perhaps within the call. It may only hand over to a loop.
template <class Response>
using RpcDone = std::move_only_function<void(RpcStatus, Response)>;

// A stream of watches. Used on one loop, which is also where its listener is called, and never
// inside a call. Destroying it ends it; the listener then hears nothing more.
class WatchStream {
  public:
    struct Listener {
        std::move_only_function<void(pb::WatchResponse)> on_response;
        std::move_only_function<void(RpcStatus)> on_end;  // the last thing it hears
    };
    virtual ~WatchStream() = default;
    virtual void send(pb::WatchRequest request) = 0;
};

class Member {
  public:
    virtual ~Member() = default;  // ends its calls, and waits for what still runs of them

    virtual const std::string& endpoint() const = 0;
    // Whether there is a connection; starts to make one if not. Any thread.
    virtual bool connected() = 0;

    // Any thread.
    virtual void txn(const pb::TxnRequest& request, const CallOptions& options,
                     RpcDone<pb::TxnResponse> done) = 0;
    virtual void range(const pb::RangeRequest& request, const CallOptions& options,
                       RpcDone<pb::RangeResponse> done) = 0;
    virtual void compact(const pb::CompactionRequest& request, const CallOptions& options,
                         RpcDone<pb::CompactionResponse> done) = 0;
    virtual void lease_grant(const pb::LeaseGrantRequest& request, const CallOptions& options,
                             RpcDone<pb::LeaseGrantResponse> done) = 0;
    virtual void lease_revoke(const pb::LeaseRevokeRequest& request, const CallOptions& options,
                              RpcDone<pb::LeaseRevokeResponse> done) = 0;
    virtual void lease_keep_alive(const pb::LeaseKeepAliveRequest& request,
                                  const CallOptions& options,
                                  RpcDone<pb::LeaseKeepAliveResponse> done) = 0;
    virtual void status(const CallOptions& options, RpcDone<pb::StatusResponse> done) = 0;
    virtual void authenticate(const pb::AuthenticateRequest& request, const CallOptions& options,
                              RpcDone<pb::AuthenticateResponse> done) = 0;

    // `token` may be empty. On `loop` only.
    virtual std::unique_ptr<WatchStream> watch(runtime::Loop& loop, const std::string& token,
                                               WatchStream::Listener listener) = 0;
};

}  // namespace khronos::store::etcd

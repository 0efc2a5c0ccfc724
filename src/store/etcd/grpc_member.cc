// gRPC's threads run nothing of ours but the hand-over to a loop: an RpcDone, or a post().
#include "store/etcd/grpc_member.h"

#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "etcd/rpc.grpc.pb.h"

namespace khronos::store::etcd {
namespace {

RpcStatus rpc_status(const grpc::Status& status) {
    return {static_cast<RpcCode>(status.error_code()), status.error_message()};
}

// The calls that gRPC still knows of.
class Running {
  public:
    void add(grpc::ClientContext& context) {
        const std::lock_guard lock(mutex_);
        contexts_.insert(&context);
        if (closing_) context.TryCancel();
    }
    void remove(grpc::ClientContext& context) {
        // Notified under the lock: once the waiter sees it, this object may be gone.
        const std::lock_guard lock(mutex_);
        contexts_.erase(&context);
        if (contexts_.empty()) none_left_.notify_all();
    }
    void cancel_and_wait() {
        std::unique_lock lock(mutex_);
        closing_ = true;
        for (grpc::ClientContext* context : contexts_)
            context->TryCancel();
        none_left_.wait(lock, [this] { return contexts_.empty(); });
    }

  private:
    std::mutex mutex_;
    std::condition_variable none_left_;
    std::unordered_set<grpc::ClientContext*> contexts_;
    bool closing_ = false;
};

void set_metadata(grpc::ClientContext& context, const std::string& token, bool needs_leader) {
    if (!token.empty()) context.AddMetadata("token", token);
    if (needs_leader) context.AddMetadata("hasleader", "true");
}
void set_options(grpc::ClientContext& context, const CallOptions& options) {
    set_metadata(context, options.token, options.needs_leader);
    context.set_deadline(gpr_time_from_micros(options.deadline.count(), GPR_TIMESPAN));
}

template <class Message, class Response>
struct UnaryCall {
    grpc::ClientContext context;
    Message request;
    Response response;
    RpcDone<Response> done;
};

// The stream of lease keep-alives, used for one question and its answer.
class KeepAliveCall final
    : public grpc::ClientBidiReactor<pb::LeaseKeepAliveRequest, pb::LeaseKeepAliveResponse> {
  public:
    KeepAliveCall(Running& running, pb::LeaseKeepAliveRequest request,
                  RpcDone<pb::LeaseKeepAliveResponse> done)
        : running_(running), request_(std::move(request)), done_(std::move(done)) {}

    void start(pb::Lease::Stub& stub, const CallOptions& options) {
        set_options(context_, options);
        running_.add(context_);
        stub.async()->LeaseKeepAlive(&context_, this);
        StartWriteLast(&request_, {});
        StartRead(&response_);
        StartCall();
    }
    void OnReadDone(bool ok) override { answered_ = ok; }
    void OnDone(const grpc::Status& status) override {
        RpcStatus end = rpc_status(status);
        if (end.ok() && !answered_)
            end = {RpcCode::unavailable, "the stream of keep-alives ended without an answer"};
        // A deadline that passes after the answer takes nothing from it.
        done_(answered_ ? RpcStatus{} : std::move(end), std::move(response_));
        running_.remove(context_);
        delete this;
    }

  private:
    Running& running_;
    grpc::ClientContext context_;
    pb::LeaseKeepAliveRequest request_;
    pb::LeaseKeepAliveResponse response_;
    RpcDone<pb::LeaseKeepAliveResponse> done_;
    bool answered_ = false;
};

// gRPC's half of a watch stream. Alive until gRPC has said OnDone and the loop has let go. The
// next response is asked for on the loop, when the one before has arrived there: that is all the
// flow control there is, and all there needs to be.
class WatchReactor final : public grpc::ClientBidiReactor<pb::WatchRequest, pb::WatchResponse>,
                           public std::enable_shared_from_this<WatchReactor> {
  public:
    WatchReactor(Running& running, runtime::Loop& loop, WatchStream::Listener listener)
        : running_(running), loop_(loop), listener_(std::move(listener)) {}

    // ---- on the loop

    void start(pb::Watch::Stub& stub, const std::string& token) {
        self_ = shared_from_this();
        set_metadata(context_, token, true);
        running_.add(context_);
        stub.async()->Watch(&context_, this);
        hold_.emplace(*this);
        StartRead(&response_);
        started_.store(true, std::memory_order_release);
        StartCall();
    }
    void send(pb::WatchRequest request) {
        to_send_.push_back(std::move(request));
        if (to_send_.size() == 1 && hold_) StartWrite(&to_send_.front());
    }
    void close() {
        closed_ = true;
        context_.TryCancel();
        hold_.reset();
    }

    // ---- on a thread of gRPC's

    void OnReadDone(bool ok) override {
        loop_.post([self = shared_from_this(), ok] { self->on_read(ok); });
    }
    void OnWriteDone(bool ok) override {
        loop_.post([self = shared_from_this(), ok] { self->on_written(ok); });
    }
    void OnDone(const grpc::Status& status) override {
        // gRPC orders this after start(), by locks that the thread sanitizer does not see.
        started_.load(std::memory_order_acquire);
        auto self = std::move(self_);
        loop_.post([self, end = rpc_status(status)]() mutable { self->on_done(std::move(end)); });
        running_.remove(context_);
    }

  private:
    // While it lives, reads and writes may be started from the loop.
    class Hold {
      public:
        explicit Hold(WatchReactor& reactor) : reactor_(reactor) { reactor_.AddHold(); }
        ~Hold() { reactor_.RemoveHold(); }
        Hold(const Hold&) = delete;

      private:
        WatchReactor& reactor_;
    };

    void on_read(bool ok) {
        if (!ok) hold_.reset();  // the stream is over: let OnDone come
        if (!ok || closed_) return;
        pb::WatchResponse response = std::move(response_);
        response_.Clear();
        StartRead(&response_);
        listener_.on_response(std::move(response));
    }
    void on_written(bool ok) {
        to_send_.pop_front();
        if (ok && hold_ && !to_send_.empty()) StartWrite(&to_send_.front());
    }
    void on_done(RpcStatus status) {
        if (closed_) return;
        closed_ = true;
        if (status.ok()) status = {RpcCode::unavailable, "etcd ended the stream of watches"};
        listener_.on_end(std::move(status));
    }

    Running& running_;
    runtime::Loop& loop_;
    grpc::ClientContext context_;
    pb::WatchResponse response_;
    std::shared_ptr<WatchReactor> self_;  // gRPC's
    std::atomic<bool> started_ = false;

    WatchStream::Listener listener_;
    std::deque<pb::WatchRequest> to_send_;  // the first is being written
    std::optional<Hold> hold_;
    bool closed_ = false;
};

class GrpcWatchStream final : public WatchStream {
  public:
    explicit GrpcWatchStream(std::shared_ptr<WatchReactor> reactor)
        : reactor_(std::move(reactor)) {}
    ~GrpcWatchStream() override { reactor_->close(); }
    void send(pb::WatchRequest request) override { reactor_->send(std::move(request)); }

  private:
    std::shared_ptr<WatchReactor> reactor_;
};

std::shared_ptr<grpc::Channel> make_channel(const std::string& address,
                                            const std::optional<TlsMaterial>& tls) {
    grpc::ChannelArguments arguments;
    // The first is really the connect time-out, also of TLS: etcd may be slow while it recovers.
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 3000);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
    // etcd hangs up on whoever pings more often than every 5 s.
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 6000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 2000);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    std::shared_ptr<grpc::ChannelCredentials> credentials;
    if (tls)
        credentials = grpc::SslCredentials({tls->ca, tls->key, tls->cert});
    else
        credentials = grpc::InsecureChannelCredentials();
    return grpc::CreateCustomChannel("dns:///" + address, credentials, arguments);
}

// gRPC writes every refused connection to standard error, in its own format. What matters of it
// comes back in statuses; only its last words are let through, and all where somebody asks.
void quieten_log() {
    if (std::getenv("GRPC_VERBOSITY") || std::getenv("GRPC_TRACE")) return;
    gpr_set_log_function([](gpr_log_func_args* line) {
        if (std::string_view(line->message).find("assertion failed") != std::string_view::npos)
            std::fprintf(stderr, "gRPC: %s:%d: %s\n", line->file, line->line, line->message);
    });
}

// gRPC 1.51 keeps one queue, with threads, for the callbacks of all channels. It is torn down with
// the last channel, and gRPC sometimes aborts when one is made again right after. So a channel
// that goes nowhere, but has used the queue, is kept for the life of the process.
void set_up_grpc() {
    struct Pin {
        std::shared_ptr<grpc::Channel> channel =
            grpc::CreateChannel("unix:/nowhere", grpc::InsecureChannelCredentials());
        pb::Maintenance::Stub stub{channel};
        UnaryCall<pb::StatusRequest, pb::StatusResponse> call;
    };
    // Atomic, so that the pointer is really kept: it is what makes the channel no leak.
    static std::atomic<Pin*> pin = [] {
        quieten_log();
        auto* made = new Pin;
        made->call.context.TryCancel();
        made->stub.async()->Status(&made->call.context, &made->call.request, &made->call.response,
                                   [](grpc::Status) {});
        return made;
    }();
    pin.load();
}

class GrpcMember final : public Member {
  public:
    GrpcMember(const std::string& address, const std::optional<TlsMaterial>& tls)
        : endpoint_(address),
          channel_(make_channel(address, tls)),
          kv_(channel_),
          watch_(channel_),
          lease_(channel_),
          maintenance_(channel_),
          auth_(channel_) {}
    ~GrpcMember() override { running_.cancel_and_wait(); }

    const std::string& endpoint() const override { return endpoint_; }
    bool connected() override { return channel_->GetState(true) == GRPC_CHANNEL_READY; }

    void txn(const pb::TxnRequest& request, const CallOptions& options,
             RpcDone<pb::TxnResponse> done) override {
        unary(kv_, &pb::KV::Stub::async_interface::Txn, request, options, std::move(done));
    }
    void range(const pb::RangeRequest& request, const CallOptions& options,
               RpcDone<pb::RangeResponse> done) override {
        unary(kv_, &pb::KV::Stub::async_interface::Range, request, options, std::move(done));
    }
    void compact(const pb::CompactionRequest& request, const CallOptions& options,
                 RpcDone<pb::CompactionResponse> done) override {
        unary(kv_, &pb::KV::Stub::async_interface::Compact, request, options, std::move(done));
    }
    void lease_grant(const pb::LeaseGrantRequest& request, const CallOptions& options,
                     RpcDone<pb::LeaseGrantResponse> done) override {
        unary(lease_, &pb::Lease::Stub::async_interface::LeaseGrant, request, options,
              std::move(done));
    }
    void lease_revoke(const pb::LeaseRevokeRequest& request, const CallOptions& options,
                      RpcDone<pb::LeaseRevokeResponse> done) override {
        unary(lease_, &pb::Lease::Stub::async_interface::LeaseRevoke, request, options,
              std::move(done));
    }
    void lease_keep_alive(const pb::LeaseKeepAliveRequest& request, const CallOptions& options,
                          RpcDone<pb::LeaseKeepAliveResponse> done) override {
        // Deletes itself when gRPC is done with it.
        (new KeepAliveCall(running_, request, std::move(done)))->start(lease_, options);
    }
    void status(const CallOptions& options, RpcDone<pb::StatusResponse> done) override {
        unary(maintenance_, &pb::Maintenance::Stub::async_interface::Status, pb::StatusRequest(),
              options, std::move(done));
    }
    void authenticate(const pb::AuthenticateRequest& request, const CallOptions& options,
                      RpcDone<pb::AuthenticateResponse> done) override {
        unary(auth_, &pb::Auth::Stub::async_interface::Authenticate, request, options,
              std::move(done));
    }
    std::unique_ptr<WatchStream> watch(runtime::Loop& loop, const std::string& token,
                                       WatchStream::Listener listener) override {
        auto reactor = std::make_shared<WatchReactor>(running_, loop, std::move(listener));
        reactor->start(watch_, token);
        return std::make_unique<GrpcWatchStream>(std::move(reactor));
    }

  private:
    template <class Stub, class Interface, class Message, class Response>
    void unary(Stub& stub,
               void (Interface::*method)(grpc::ClientContext*, const Message*, Response*,
                                         std::function<void(grpc::Status)>),
               const Message& request, const CallOptions& options, RpcDone<Response> done) {
        auto call = std::make_shared<UnaryCall<Message, Response>>();
        call->request = request;
        call->done = std::move(done);
        set_options(call->context, options);
        running_.add(call->context);
        (stub.async()->*method)(&call->context, &call->request, &call->response,
                                [this, call](grpc::Status status) {
                                    call->done(rpc_status(status), std::move(call->response));
                                    call->done = nullptr;
                                    running_.remove(call->context);
                                });
    }

    const std::string endpoint_;
    Running running_;
    std::shared_ptr<grpc::Channel> channel_;
    pb::KV::Stub kv_;
    pb::Watch::Stub watch_;
    pb::Lease::Stub lease_;
    pb::Maintenance::Stub maintenance_;
    pb::Auth::Stub auth_;
};

}  // namespace

std::unique_ptr<Member> make_grpc_member(const std::string& address,
                                         const std::optional<TlsMaterial>& tls) {
    set_up_grpc();
    return std::make_unique<GrpcMember>(address, tls);
}

}  // namespace khronos::store::etcd

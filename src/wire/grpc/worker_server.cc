#include "wire/grpc/worker_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "base/limits.h"
#include "khronos/worker/v1/worker.grpc.pb.h"
#include "wire/grpc/outbox.h"
#include "wire/message_codec.h"
#include "wire/secret.h"

namespace khronos::wire {
namespace {

// A worker that was heard this recently is alive.
constexpr Duration kHeardRecently = 3s;

// Why nobody can listen there; empty: one can. gRPC tells only its log.
std::string why_not_bound(const std::string& ip, std::uint16_t port) {
    const bool v6 = ip.find(':') != std::string::npos;
    sockaddr_storage address{};
    socklen_t size = 0;
    if (v6) {
        auto& in = reinterpret_cast<sockaddr_in6&>(address);
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(port);
        if (inet_pton(AF_INET6, ip.c_str(), &in.sin6_addr) != 1) return "it is no IP address";
        size = sizeof in;
    } else {
        auto& in = reinterpret_cast<sockaddr_in&>(address);
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        if (inet_pton(AF_INET, ip.c_str(), &in.sin_addr) != 1) return "it is no IP address";
        size = sizeof in;
    }
    const int fd = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return std::strerror(errno);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    std::string why;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) why = std::strerror(errno);
    ::close(fd);
    return why;
}

std::string metadata(const grpc::CallbackServerContext& context, const char* key) {
    const auto at = context.client_metadata().find(key);
    if (at == context.client_metadata().end()) return {};
    return {at->second.data(), at->second.size()};
}

}  // namespace

std::expected<void, Error> WorkerServerConfig::validate() const {
    if (!join_token.empty() && join_token.size() < limits::kSecretBytesMin)
        return std::unexpected(invalid(
            "join-token",
            fmt::format("a join token has at least {} characters", limits::kSecretBytesMin)));
    if (tls && (tls->cert.empty() || tls->key.empty()))
        return std::unexpected(invalid("tls", "a server needs a certificate and its key"));
    if (hello_patience <= Duration(0) || answer_patience <= Duration(0))
        return std::unexpected(invalid("patience", "has to be longer than nothing"));
    return {};
}

// ---- a stream

class WorkerServer::Impl {
  public:
    class Stream;
    class Service;

    Impl(WorkerServerConfig config, runtime::Loop& loop, runtime::Log& log);
    ~Impl();
    std::expected<void, Error> start();
    void begin();

    void opened(const std::shared_ptr<Stream>& stream);
    void heard(Stream& stream, pb::WorkerFrame frame);
    void ended(Stream& stream);
    void cut(Stream& stream, grpc::StatusCode code, const std::string& why);

    bool is_let_in(const Stream& stream) const;
    void let_in(Stream& stream);
    void hello(Stream& stream, core::Hello message);
    void answered(Stream& stream, pb::Output answer);
    void forget(Stream& stream);
    Stream* find(const core::WorkerId& worker);

    const WorkerServerConfig config_;
    runtime::Loop& loop_;
    runtime::Log& log_;
    Handler handler_;
    bool begun_ = false;
    std::set<std::shared_ptr<Stream>> streams_;
    std::map<core::WorkerId, Stream*> workers_;
    std::vector<std::string> agents_;
    std::uint64_t questions_ = 0;
    Stats stats_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

    std::unique_ptr<Service> service_;
    std::unique_ptr<grpc::Server> server_;
    std::uint16_t port_ = 0;
};

// gRPC's half of it is alive until OnDone; the rest until the loop has let go.
class WorkerServer::Impl::Stream final
    : public grpc::ServerBidiReactor<pb::WorkerFrame, pb::AgentFrame>,
      public std::enable_shared_from_this<Stream> {
  public:
    Stream(Impl& server, grpc::CallbackServerContext& context)
        : context_(context),
          authorization_(metadata(context, "authorization")),
          dialled_(metadata(context, "khronos-dialled")),
          peer_(context.peer()),
          has_certificate_(context.auth_context()->IsPeerAuthenticated()),
          loop_(server.loop_),
          server_(&server) {}

    void keep() { self_ = shared_from_this(); }

    // ---- on the loop

    void accept() {
        // Without this a worker could not tell being let in from being turned away.
        context_.AddInitialMetadata("khronos-protocol", "1");
        StartSendInitialMetadata();
        StartRead(&incoming_);
    }
    void send(pb::ToWorker message) {
        if (finished_) return;
        if (!outbox_.push(std::move(message)))
            return server_->cut(*this, grpc::StatusCode::RESOURCE_EXHAUSTED,
                                "the worker takes its messages too slowly");
        write();
    }
    void finish(grpc::StatusCode code, const std::string& why) {
        if (std::exchange(finished_, true)) return;
        server_ = nullptr;
        // What waits before the status could wait for a peer that does not read.
        if (writing_) context_.TryCancel();
        Finish(grpc::Status(code, why));
    }

    // ---- on a thread of gRPC's

    void OnReadDone(bool ok) override {
        loop_.post([self = shared_from_this(), ok] { self->on_read(ok); });
    }
    void OnWriteDone(bool ok) override {
        loop_.post([self = shared_from_this(), ok] { self->on_written(ok); });
    }
    void OnCancel() override {
        loop_.post([self = shared_from_this()] { self->on_read(false); });
    }
    void OnDone() override { auto self = std::move(self_); }

  private:
    void write() {
        if (writing_ || finished_ || outbox_.empty()) return;
        writing_ = true;
        outgoing_ = outbox_.take();
        StartWrite(&outgoing_);
    }
    void on_written(bool ok) {
        writing_ = false;
        if (ok) write();
    }
    void on_read(bool ok) {
        if (finished_) return;
        if (!ok) return server_->ended(*this);
        server_->heard(*this, std::move(incoming_));
        if (finished_) return;
        incoming_.Clear();
        StartRead(&incoming_);
    }

    grpc::CallbackServerContext& context_;  // until Finish
    std::shared_ptr<Stream> self_;          // gRPC's

  public:
    // Of the server, on the loop.
    const std::string authorization_;
    const std::string dialled_;
    const std::string peer_;
    const bool has_certificate_;
    core::WorkerId worker_;  // once it said Hello
    std::string boot_;
    std::string node_;
    MonoTime heard_at_;
    std::optional<runtime::TimerId> patience_;
    struct Question {
        OutputAnswer done;
        runtime::TimerId timer;
    };
    std::map<std::uint64_t, Question> questions_;

  private:
    runtime::Loop& loop_;
    Impl* server_;  // nullptr: finished
    pb::WorkerFrame incoming_;
    pb::AgentFrame outgoing_;
    Outbox<pb::ToWorker, pb::AgentFrame> outbox_;
    bool writing_ = false;
    bool finished_ = false;
};

// On gRPC's threads: makes a stream and hands it over.
class WorkerServer::Impl::Service final : public pb::Workers::CallbackService {
  public:
    explicit Service(Impl& server) : server_(server) {}

    grpc::ServerBidiReactor<pb::WorkerFrame, pb::AgentFrame>* Connect(
        grpc::CallbackServerContext* context) override {
        auto stream = std::make_shared<Stream>(server_, *context);
        stream->keep();
        const std::lock_guard lock(mutex_);
        if (closed_) {
            stream->finish(grpc::StatusCode::UNAVAILABLE, "the agent is stopping");
        } else {
            server_.loop_.post([&server = server_, alive = server_.alive_, stream] {
                if (*alive) return server.opened(stream);
                stream->finish(grpc::StatusCode::UNAVAILABLE, "the agent is stopping");
            });
            fresh_.push_back(stream);
            std::erase_if(fresh_, [](const auto& entry) { return entry.expired(); });
        }
        return stream.get();
    }
    // From now on streams are turned away; these may not have reached the loop yet.
    std::vector<std::weak_ptr<Stream>> close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        return std::exchange(fresh_, {});
    }

  private:
    Impl& server_;
    std::mutex mutex_;
    bool closed_ = false;
    std::vector<std::weak_ptr<Stream>> fresh_;
};

// ---- the server

WorkerServer::Impl::Impl(WorkerServerConfig config, runtime::Loop& loop, runtime::Log& log)
    : config_(std::move(config)), loop_(loop), log_(log) {
    set_up_grpc();
}

WorkerServer::Impl::~Impl() {
    *alive_ = false;
    handler_ = {};
    if (service_)
        for (const auto& fresh : service_->close())
            if (const auto stream = fresh.lock())
                stream->finish(grpc::StatusCode::UNAVAILABLE, "the agent is stopping");
    for (const auto& stream : std::exchange(streams_, {})) {
        forget(*stream);
        stream->finish(grpc::StatusCode::UNAVAILABLE, "the agent is stopping");
    }
    if (!server_) return;
    // Time for the last words to go out; then whoever is left is cut off.
    server_->Shutdown(gpr_time_from_millis(200, GPR_TIMESPAN));
    server_->Wait();
}

std::expected<void, Error> WorkerServer::Impl::start() {
    if (auto valid = config_.validate(); !valid) return valid;
    const bool v6 = config_.ip.find(':') != std::string::npos;
    const std::string host = v6 ? "[" + config_.ip + "]" : config_.ip;
    const auto cannot = [&](const std::string& why) {
        return std::unexpected(
            Error{ErrorKind::unavailable, "rpc-port",
                  fmt::format("cannot listen for workers on {}:{}: {}; choose another port with "
                              "--rpc-port",
                              host, config_.port, why)});
    };
    if (std::string why = why_not_bound(config_.ip, config_.port); !why.empty()) return cannot(why);

    std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
    if (config_.tls) {
        grpc::SslServerCredentialsOptions options(
            config_.tls->ca.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
            // Without a certificate a worker may still have the join token.
            : config_.join_token.empty()
                ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
        options.pem_root_certs = config_.tls->ca;
        options.pem_key_cert_pairs.push_back({config_.tls->key, config_.tls->cert});
        credentials = grpc::SslServerCredentials(options);
    }
    service_ = std::make_unique<Service>(*this);
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(fmt::format("{}:{}", host, config_.port), credentials, &port);
    builder.RegisterService(service_.get());
    builder.SetMaxReceiveMessageSize(frame_bytes_max());
    builder.SetMaxSendMessageSize(-1);
    // Two agents on one port would share its workers.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 5000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5000);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1000);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 60000);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10000);
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE,
                               static_cast<int>(limits::kHttpHeaderBytes));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 16);
    server_ = builder.BuildAndStart();
    if (!server_ || port == 0) {
        server_.reset();
        return cannot(config_.tls ? "gRPC refused; are certificate and key right?"
                                  : "gRPC refused");
    }
    port_ = static_cast<std::uint16_t>(port);
    return {};
}

void WorkerServer::Impl::begin() {
    begun_ = true;
    const auto waiting = streams_;
    for (const auto& stream : waiting)
        let_in(*stream);
}

void WorkerServer::Impl::opened(const std::shared_ptr<Stream>& stream) {
    if (streams_.size() >= limits::kWireStreams) {
        ++stats_.refused;
        return stream->finish(grpc::StatusCode::RESOURCE_EXHAUSTED,
                              "this agent has as many workers as it can take");
    }
    streams_.insert(stream);
    if (begun_) let_in(*stream);
}

bool WorkerServer::Impl::is_let_in(const Stream& stream) const {
    const bool asks = !config_.join_token.empty() || (config_.tls && !config_.tls->ca.empty());
    return !asks || stream.has_certificate_ ||
           same_secret(config_.join_token, bearer_token(stream.authorization_));
}

void WorkerServer::Impl::let_in(Stream& stream) {
    if (!is_let_in(stream)) {
        ++stats_.refused;
        log_.warn("a worker was turned away",
                  {{"from", stream.peer_}, {"why", "its join token or certificate is not right"}});
        const auto self = stream.shared_from_this();
        streams_.erase(self);
        return stream.finish(grpc::StatusCode::UNAUTHENTICATED,
                             "the join token is missing or wrong");
    }
    stream.patience_ = loop_.call_after(config_.hello_patience, [this, &stream] {
        stream.patience_.reset();
        cut(stream, grpc::StatusCode::DEADLINE_EXCEEDED, "no hello came");
    });
    stream.accept();
}

void WorkerServer::Impl::heard(Stream& stream, pb::WorkerFrame frame) {
    const auto self = stream.shared_from_this();
    const auto malformed = [&](const std::string& what) {
        cut(stream, grpc::StatusCode::INVALID_ARGUMENT, what);
    };
    stream.heard_at_ = loop_.mono_now();
    for (pb::FromWorker& in : *frame.mutable_messages()) {
        if (in.has_output()) {
            answered(stream, std::move(*in.mutable_output()));
            continue;
        }
        auto message = from_proto(std::move(in));
        if (!message) return malformed(message.error());
        if (!*message) continue;
        if (auto* greeting = std::get_if<core::Hello>(&**message)) {
            if (!stream.worker_.empty()) return malformed("a second hello on one stream");
            hello(stream, std::move(*greeting));
        } else if (stream.worker_.empty()) {
            return malformed("a stream begins with a hello");
        } else if (handler_.on_message) {
            // A copy: the handler may cut the stream.
            const core::WorkerId worker = stream.worker_;
            handler_.on_message(worker, std::move(**message));
        }
        if (!streams_.contains(self)) return;
    }
}

void WorkerServer::Impl::hello(Stream& stream, core::Hello message) {
    if (Stream* other = find(message.worker)) {
        const bool same_process = other->boot_ == message.boot_id;
        if (same_process && other->dialled_ != stream.dialled_ && !stream.dialled_.empty())
            return cut(stream, grpc::StatusCode::ALREADY_EXISTS,
                       "this worker has a stream to this agent by another address");
        const bool alive = loop_.mono_now() - other->heard_at_ < kHeardRecently;
        if (!same_process && alive) {
            const std::string why = fmt::format(
                "two processes are the worker {}, on {} and on {}: each needs a data "
                "directory of its own",
                message.worker, other->node_, message.node);
            log_.error(why);
            cut(*other, grpc::StatusCode::FAILED_PRECONDITION, why);
            return cut(stream, grpc::StatusCode::FAILED_PRECONDITION, why);
        }
        cut(*other, grpc::StatusCode::ABORTED, "a newer stream of this worker took its place");
    }
    if (stream.patience_) loop_.cancel(*std::exchange(stream.patience_, std::nullopt));
    stream.worker_ = message.worker;
    stream.boot_ = message.boot_id;
    stream.node_ = message.node;
    workers_[stream.worker_] = &stream;
    log_.info(
        "worker connected",
        {runtime::field::worker(stream.worker_), {"node", stream.node_}, {"from", stream.peer_}});
    const core::WorkerId worker = stream.worker_;
    if (handler_.on_message) handler_.on_message(worker, std::move(message));
}

void WorkerServer::Impl::answered(Stream& stream, pb::Output answer) {
    const auto at = stream.questions_.find(answer.number());
    if (at == stream.questions_.end()) return;
    Stream::Question question = std::move(at->second);
    stream.questions_.erase(at);
    loop_.cancel(question.timer);
    question.done(from_proto(std::move(answer)));
}

// Takes it out of all lists, and answers what it was still asked.
void WorkerServer::Impl::forget(Stream& stream) {
    if (stream.patience_) loop_.cancel(*std::exchange(stream.patience_, std::nullopt));
    streams_.erase(stream.shared_from_this());
    for (auto& [number, question] : std::exchange(stream.questions_, {})) {
        loop_.cancel(question.timer);
        loop_.post([done = std::move(question.done)]() mutable {
            done(std::unexpected(
                Error{ErrorKind::unavailable, "", "the worker has lost its connection"}));
        });
    }
    if (find(stream.worker_) != &stream) return;
    workers_.erase(stream.worker_);
    log_.info("worker gone", {runtime::field::worker(stream.worker_), {"node", stream.node_}});
    if (handler_.on_gone) handler_.on_gone(stream.worker_);
}

void WorkerServer::Impl::ended(Stream& stream) {
    const auto self = stream.shared_from_this();
    forget(stream);
    stream.finish(grpc::StatusCode::OK, "");
}

void WorkerServer::Impl::cut(Stream& stream, grpc::StatusCode code, const std::string& why) {
    const auto self = stream.shared_from_this();
    ++stats_.cut;
    log_.warn("a worker's stream was cut", {{"from", stream.peer_}, {"why", why}});
    forget(stream);
    stream.finish(code, why);
}

WorkerServer::Impl::Stream* WorkerServer::Impl::find(const core::WorkerId& worker) {
    const auto at = workers_.find(worker);
    return at == workers_.end() ? nullptr : at->second;
}

// ---- what others see

WorkerServer::WorkerServer(WorkerServerConfig config, runtime::Loop& loop, runtime::Log& log)
    : impl_(std::make_unique<Impl>(std::move(config), loop, log)) {}
WorkerServer::~WorkerServer() = default;

std::expected<void, Error> WorkerServer::start() {
    return impl_->start();
}
std::uint16_t WorkerServer::port() const {
    return impl_->port_;
}

void WorkerServer::set_agents(std::vector<std::string> addresses) {
    if (addresses.size() > limits::kAgentsTold) addresses.resize(limits::kAgentsTold);
    if (addresses == impl_->agents_) return;
    impl_->agents_ = std::move(addresses);
    std::vector<core::WorkerId> all;
    for (const auto& [worker, stream] : impl_->workers_)
        all.push_back(worker);
    for (const core::WorkerId& worker : all)
        send(worker, core::Welcome{});
}

void WorkerServer::send(const core::WorkerId& worker, core::ToWorker message) {
    auto* stream = impl_->find(worker);
    if (!stream) return;
    if (auto* welcome = std::get_if<core::Welcome>(&message)) welcome->agents = impl_->agents_;
    stream->send(to_proto(message));
}

void WorkerServer::set_handler(Handler handler) {
    impl_->handler_ = std::move(handler);
    impl_->begin();
}

void WorkerServer::read_output(const core::WorkerId& worker, const OutputQuery& query,
                               OutputAnswer done) {
    auto* stream = impl_->find(worker);
    if (!stream)
        return impl_->loop_.post([done = std::move(done)]() mutable {
            done(std::unexpected(
                Error{ErrorKind::unavailable, "", "the worker is not connected to this agent"}));
        });
    const std::uint64_t number = ++impl_->questions_;
    const auto timer = impl_->loop_.call_after(impl_->config_.answer_patience, [stream, number] {
        const auto at = stream->questions_.find(number);
        if (at == stream->questions_.end()) return;
        OutputAnswer late = std::move(at->second.done);
        stream->questions_.erase(at);
        late(std::unexpected(Error{ErrorKind::unavailable, "", "the worker does not answer"}));
    });
    stream->questions_.emplace(number, Impl::Stream::Question{std::move(done), timer});
    pb::ToWorker message;
    *message.mutable_read_output() = to_proto(number, query);
    stream->send(std::move(message));
}

WorkerServer::Stats WorkerServer::stats() const {
    Stats stats = impl_->stats_;
    stats.streams = impl_->workers_.size();
    stats.waiting = impl_->streams_.size() - stats.streams;
    return stats;
}

}  // namespace khronos::wire

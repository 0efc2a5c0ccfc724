#include "wire/grpc/agent_link.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/limits.h"
#include "khronos/worker/v1/worker.grpc.pb.h"
#include "wire/grpc/outbox.h"
#include "wire/message_codec.h"

namespace khronos::wire {
namespace {

// How many calls gRPC still knows of.
class Calls {
  public:
    void add() {
        const std::lock_guard lock(mutex_);
        ++count_;
    }
    void remove() {
        // Notified under the lock: once the waiter sees it, this object may be gone.
        const std::lock_guard lock(mutex_);
        if (--count_ == 0) none_.notify_all();
    }
    void wait_for_none() {
        std::unique_lock lock(mutex_);
        none_.wait(lock, [this] { return count_ == 0; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable none_;
    int count_ = 0;
};

std::shared_ptr<grpc::Channel> make_channel(const AgentLinkConfig& config) {
    grpc::ChannelArguments arguments;
    // The first is really the time for connecting.
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 3000);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 5000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5000);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(frame_bytes_max());
    arguments.SetMaxSendMessageSize(-1);
    std::shared_ptr<grpc::ChannelCredentials> credentials;
    if (config.tls)
        credentials = grpc::SslCredentials({config.tls->ca, config.tls->key, config.tls->cert});
    else
        credentials = grpc::InsecureChannelCredentials();
    return grpc::CreateCustomChannel("dns:///" + config.address, credentials, arguments);
}

std::string in_words(const grpc::Status& status) {
    if (status.ok()) return "the agent ended the stream";
    return status.error_message();
}

}  // namespace

std::expected<void, Error> AgentLinkConfig::validate() const {
    if (address.empty()) return std::unexpected(invalid("agent", "an agent has an address"));
    if (retry_least <= Duration(0) || retry_most < retry_least)
        return std::unexpected(
            invalid("retry", "the longest wait is at least the shortest, and that is not nothing"));
    if (connect_patience <= Duration(0))
        return std::unexpected(invalid("connect_patience", "has to be longer than nothing"));
    if (tls && tls->cert.empty() != tls->key.empty())
        return std::unexpected(invalid("tls", "a certificate needs its key"));
    return {};
}

class AgentLink::Impl {
  public:
    class Call;

    Impl(AgentLinkConfig config, runtime::Loop& loop, runtime::Entropy& entropy, runtime::Log& log,
         OnAgents on_agents)
        : config_(std::move(config)),
          loop_(loop),
          entropy_(entropy),
          log_(log),
          on_agents_(std::move(on_agents)) {
        set_up_grpc();
        channel_ = make_channel(config_);
        stub_ = pb::Workers::NewStub(channel_);
    }
    ~Impl();

    void connect();
    void up();
    void heard(pb::AgentFrame frame);
    void ended(const std::string& why);
    void retry();
    void answer(const pb::ReadOutput& question);
    void send(pb::FromWorker message);

    const AgentLinkConfig config_;
    runtime::Loop& loop_;
    runtime::Entropy& entropy_;
    runtime::Log& log_;
    OnAgents on_agents_;
    Handler handler_;
    std::shared_ptr<grpc::Channel> channel_;
    std::unique_ptr<pb::Workers::Stub> stub_;
    Calls calls_;
    std::shared_ptr<Call> call_;  // present one
    std::optional<runtime::TimerId> timer_;
    bool up_ = false;
    bool told_ = false;           // how the first connection went
    std::uint32_t failures_ = 0;  // since something was heard
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// One stream. gRPC's half is alive until OnDone.
class AgentLink::Impl::Call final : public grpc::ClientBidiReactor<pb::WorkerFrame, pb::AgentFrame>,
                                    public std::enable_shared_from_this<Call> {
  public:
    Call(Impl& link) : loop_(link.loop_), calls_(link.calls_), link_(&link) {}

    // ---- on the loop

    void start(pb::Workers::Stub& stub, const AgentLinkConfig& config) {
        self_ = shared_from_this();
        calls_.add();
        context_.AddMetadata("khronos-dialled", config.address);
        if (!config.join_token.empty())
            context_.AddMetadata("authorization", "Bearer " + config.join_token);
        stub.async()->Connect(&context_, this);
        AddHold();
        held_ = true;
        StartRead(&incoming_);
        StartCall();
    }
    void send(pb::FromWorker message) {
        if (!link_) return;
        if (!outbox_.push(std::move(message))) {
            // Lost together with the stream, so that the next hello tells it all.
            context_.TryCancel();
            return;
        }
        write();
    }
    // Nothing more is heard of it.
    void drop() {
        link_ = nullptr;
        context_.TryCancel();
        release();
    }
    void cancel() { context_.TryCancel(); }

    // ---- on a thread of gRPC's

    void OnReadInitialMetadataDone(bool ok) override {
        if (ok && context_.GetServerInitialMetadata().contains("khronos-protocol"))
            loop_.post([self = shared_from_this()] { self->on_accepted(); });
    }
    void OnReadDone(bool ok) override {
        loop_.post([self = shared_from_this(), ok] { self->on_read(ok); });
    }
    void OnWriteDone(bool ok) override {
        loop_.post([self = shared_from_this(), ok] { self->on_written(ok); });
    }
    void OnDone(const grpc::Status& status) override {
        auto self = std::move(self_);
        loop_.post([self, why = in_words(status)] {
            if (self->link_) self->link_->ended(why);
        });
        calls_.remove();
    }

  private:
    // While it is held, reads and writes may be started from the loop.
    void release() {
        if (std::exchange(held_, false)) RemoveHold();
    }
    void on_accepted() {
        if (link_) link_->up();
    }
    void on_read(bool ok) {
        if (!ok) release();  // the stream is over: let OnDone come
        if (!ok || !link_) return;
        link_->heard(std::move(incoming_));
        if (!link_) return;
        incoming_.Clear();
        StartRead(&incoming_);
    }
    void write() {
        if (writing_ || !held_ || outbox_.empty()) return;
        writing_ = true;
        outgoing_ = outbox_.take();
        StartWrite(&outgoing_);
    }
    void on_written(bool ok) {
        writing_ = false;
        if (ok && link_) write();
    }

    grpc::ClientContext context_;
    std::shared_ptr<Call> self_;  // gRPC's
    runtime::Loop& loop_;
    Calls& calls_;
    Impl* link_;  // nullptr: nobody listens
    pb::AgentFrame incoming_;
    pb::WorkerFrame outgoing_;
    Outbox<pb::FromWorker, pb::WorkerFrame> outbox_;
    bool writing_ = false;
    bool held_ = false;
};

AgentLink::Impl::~Impl() {
    *alive_ = false;
    if (timer_) loop_.cancel(*timer_);
    if (call_) call_->drop();
    call_.reset();
    calls_.wait_for_none();
}

void AgentLink::Impl::connect() {
    call_ = std::make_shared<Call>(*this);
    timer_ = loop_.call_after(config_.connect_patience, [this] {
        timer_.reset();
        call_->cancel();  // its end follows
    });
    call_->start(*stub_, config_);
}

void AgentLink::Impl::up() {
    if (timer_) loop_.cancel(*std::exchange(timer_, std::nullopt));
    up_ = true;
    if (handler_.on_connected) handler_.on_connected();
}

void AgentLink::Impl::heard(pb::AgentFrame frame) {
    if (failures_ > 0 || !std::exchange(told_, true))
        log_.info("connected to an agent", {runtime::field::agent(config_.address)});
    failures_ = 0;
    const auto present = call_;
    for (pb::ToWorker& in : *frame.mutable_messages()) {
        if (in.has_read_output()) {
            answer(in.read_output());
        } else {
            auto message = from_proto(std::move(in));
            if (!message) {
                log_.warn("an agent's message could not be read",
                          {runtime::field::agent(config_.address),
                           runtime::field::error(message.error())});
                return present->cancel();
            }
            if (!*message) continue;
            const auto* welcome = std::get_if<core::Welcome>(&**message);
            if (welcome && !welcome->agents.empty() && on_agents_) on_agents_(welcome->agents);
            if (handler_.on_message) handler_.on_message(std::move(**message));
        }
        if (call_ != present) return;
    }
}

void AgentLink::Impl::answer(const pb::ReadOutput& question) {
    const auto query = from_proto(question);
    OutputAnswer done = [this, alive = alive_, call = std::weak_ptr(call_),
                         number = question.number()](auto part) {
        const auto present = call.lock();
        if (!*alive || !present || present != call_) return;
        pb::FromWorker message;
        *message.mutable_output() = to_proto(number, std::move(part));
        present->send(std::move(message));
    };
    if (!query) return done(std::unexpected(Error{ErrorKind::invalid, "", query.error()}));
    if (!handler_.on_read_output)
        return done(
            std::unexpected(Error{ErrorKind::not_found, "", "this worker keeps no outputs"}));
    handler_.on_read_output(*query, std::move(done));
}

void AgentLink::Impl::ended(const std::string& why) {
    if (timer_) loop_.cancel(*std::exchange(timer_, std::nullopt));
    call_->drop();
    call_.reset();
    if (failures_++ == 0)
        log_.warn("an agent cannot be reached; trying again",
                  {runtime::field::agent(config_.address), runtime::field::error(why)});
    told_ = true;
    if (std::exchange(up_, false) && handler_.on_gone) handler_.on_gone();
    retry();
}

void AgentLink::Impl::retry() {
    Duration wait = config_.retry_least;
    for (std::uint32_t i = 1; i < failures_ && wait < config_.retry_most; ++i)
        wait *= 2;
    wait = std::min(wait, config_.retry_most);
    // Between half of it and all of it, so that the workers of an agent do not come back as one.
    const auto half = static_cast<std::uint64_t>(wait.count() / 2);
    wait = Duration(static_cast<std::int64_t>(half + entropy_.next() % (half + 1)));
    timer_ = loop_.call_after(wait, [this] {
        timer_.reset();
        connect();
    });
}

// ----

AgentLink::AgentLink(AgentLinkConfig config, runtime::Loop& loop, runtime::Entropy& entropy,
                     runtime::Log& log, OnAgents on_agents)
    : impl_(std::make_unique<Impl>(std::move(config), loop, entropy, log, std::move(on_agents))) {}
AgentLink::~AgentLink() = default;

void AgentLink::start() {
    impl_->connect();
}

void AgentLink::send(core::FromWorker message) {
    if (impl_->up_) impl_->call_->send(to_proto(message));
}

void AgentLink::set_handler(Handler handler) {
    impl_->handler_ = std::move(handler);
}

const std::string& AgentLink::address() const {
    return impl_->config_.address;
}
bool AgentLink::connected() const {
    return impl_->up_;
}

}  // namespace khronos::wire

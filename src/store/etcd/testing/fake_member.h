// Members that do what a test says, without a network: calls are kept until the test answers them.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/entropy.h"
#include "runtime/manual_loop.h"
#include "store/etcd/member.h"

namespace khronos::store::etcd {

inline const RpcStatus kOk{};
inline const RpcStatus kTimeout{RpcCode::deadline_exceeded, "Deadline Exceeded"};
inline const RpcStatus kGone{RpcCode::unavailable, "Socket closed"};

// Always the same: pauses are as short as they may be, and the first seat comes first.
class FixedEntropy final : public runtime::Entropy {
  public:
    std::uint64_t next() override { return 0; }
};

class FakeMember final : public Member {
  public:
    struct Stream {
        std::vector<pb::WatchRequest> sent;
        std::shared_ptr<WatchStream::Listener> listener;
        std::string token;
        bool open = true;

        void say(pb::WatchResponse response) { listener->on_response(std::move(response)); }
        void end(const RpcStatus& status) {
            const auto last_word = listener;
            last_word->on_end(status);
        }
        std::size_t progress_requests() const {
            std::size_t count = 0;
            for (const pb::WatchRequest& request : sent)
                count += request.has_progress_request();
            return count;
        }
    };
    template <class Message, class Response>
    struct Calls {
        struct Call {
            Message request;
            CallOptions options;
            RpcDone<Response> done;
        };
        std::deque<Call> waiting;
        int count = 0;  // in all

        void add(const Message& request, const CallOptions& options, RpcDone<Response> done) {
            ++count;
            waiting.push_back({request, options, std::move(done)});
        }
        // Answers the oldest.
        void answer(const RpcStatus& status, Response response = {}) {
            Call call = std::move(waiting.front());
            waiting.pop_front();
            call.done(status, std::move(response));
        }
    };

    explicit FakeMember(std::string name) : name_(std::move(name)) {}

    const std::string& endpoint() const override { return name_; }
    bool connected() override { return is_connected; }
    void txn(const pb::TxnRequest& request, const CallOptions& options,
             RpcDone<pb::TxnResponse> done) override {
        txns.add(request, options, std::move(done));
    }
    void range(const pb::RangeRequest& request, const CallOptions& options,
               RpcDone<pb::RangeResponse> done) override {
        ranges.add(request, options, std::move(done));
    }
    void compact(const pb::CompactionRequest& request, const CallOptions& options,
                 RpcDone<pb::CompactionResponse> done) override {
        compactions.add(request, options, std::move(done));
    }
    void lease_grant(const pb::LeaseGrantRequest&, const CallOptions&,
                     RpcDone<pb::LeaseGrantResponse>) override {}
    void lease_revoke(const pb::LeaseRevokeRequest&, const CallOptions&,
                      RpcDone<pb::LeaseRevokeResponse>) override {}
    void lease_keep_alive(const pb::LeaseKeepAliveRequest&, const CallOptions&,
                          RpcDone<pb::LeaseKeepAliveResponse>) override {}
    void status(const CallOptions& options, RpcDone<pb::StatusResponse> done) override {
        statuses.add({}, options, std::move(done));
    }
    void authenticate(const pb::AuthenticateRequest& request, const CallOptions& options,
                      RpcDone<pb::AuthenticateResponse> done) override {
        logins.add(request, options, std::move(done));
    }
    std::unique_ptr<WatchStream> watch(runtime::Loop&, const std::string& token,
                                       WatchStream::Listener listener) override {
        auto stream = std::make_shared<Stream>();
        stream->token = token;
        stream->listener = std::make_shared<WatchStream::Listener>(std::move(listener));
        streams.push_back(stream);
        return std::make_unique<FakeStream>(stream);
    }

    // Answers a probe.
    void turn_good(const std::string& version = "3.5.9", std::uint64_t cluster = 1,
                   std::uint64_t leader = 1) {
        pb::StatusResponse response;
        response.mutable_header()->set_cluster_id(cluster);
        response.set_version(version);
        response.set_leader(leader);
        statuses.answer(kOk, response);
    }
    Stream& stream() { return *streams.back(); }

    bool is_connected = true;
    Calls<pb::TxnRequest, pb::TxnResponse> txns;
    Calls<pb::RangeRequest, pb::RangeResponse> ranges;
    Calls<pb::CompactionRequest, pb::CompactionResponse> compactions;
    Calls<pb::StatusRequest, pb::StatusResponse> statuses;
    Calls<pb::AuthenticateRequest, pb::AuthenticateResponse> logins;
    std::vector<std::shared_ptr<Stream>> streams;

  private:
    class FakeStream final : public WatchStream {
      public:
        explicit FakeStream(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
        ~FakeStream() override { stream_->open = false; }
        void send(pb::WatchRequest request) override {
            stream_->sent.push_back(std::move(request));
        }

      private:
        std::shared_ptr<Stream> stream_;
    };
    std::string name_;
};

}  // namespace khronos::store::etcd

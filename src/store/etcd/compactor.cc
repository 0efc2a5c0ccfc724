#include "store/etcd/compactor.h"

#include <utility>

#include "store/etcd/outcome.h"

namespace khronos::store::etcd {

Compactor::Compactor(runtime::Loop& loop, runtime::Log& log, const Messages& messages,
                     Router& router, Duration interval, Duration call_deadline)
    : loop_(loop),
      log_(log),
      messages_(messages),
      router_(router),
      interval_(interval),
      call_deadline_(call_deadline) {}

Compactor::~Compactor() {
    loop_.cancel(timer_);
}

void Compactor::start() {
    if (interval_ > Duration::zero()) read_revision();
}

void Compactor::arm() {
    timer_ = loop_.call_after(interval_, [this] {
        if (last_) compact(last_);
        read_revision();
    });
}

void Compactor::read_revision() {
    pb::RangeRequest read;
    read.set_key(messages_.prefix());
    read.set_count_only(true);
    auto call = [read = std::move(read)](Member& member, const CallOptions& options,
                                         RpcDone<pb::RangeResponse> done) {
        member.range(read, options, std::move(done));
    };
    using Read = TypedRequest<pb::RangeResponse, decltype(call)>;
    router_.submit(std::make_shared<Read>(
        true, call_deadline_, std::move(call), [this](std::shared_ptr<Read> answer) {
            loop_.post([this, answer] {
                // After an outage the next interval is counted from what is seen then.
                last_ = answer->status.ok() ? revision_of(answer->response.header()) : Revision{};
                arm();
            });
        }));
}

void Compactor::compact(Revision revision) {
    pb::CompactionRequest request;
    request.set_revision(static_cast<std::int64_t>(revision.value));
    auto call = [request](Member& member, const CallOptions& options,
                          RpcDone<pb::CompactionResponse> done) {
        member.compact(request, options, std::move(done));
    };
    using Compact = TypedRequest<pb::CompactionResponse, decltype(call)>;
    router_.submit(std::make_shared<Compact>(
        true, call_deadline_, std::move(call), [this](std::shared_ptr<Compact> answer) {
            loop_.post([this, answer] {
                if (answer->status.ok()) {
                    ++compactions_;
                } else if (answer->status.code != RpcCode::out_of_range) {
                    // Out of range: another agent was first.
                    log_.warn("etcd does not compact its history",
                              {runtime::field::error(words(answer->status))});
                }
            });
        }));
}

}  // namespace khronos::store::etcd

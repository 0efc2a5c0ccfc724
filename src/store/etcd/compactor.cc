#include "store/etcd/compactor.h"

#include <utility>

#include "store/etcd/outcome.h"

namespace khronos::store::etcd {

Compactor::Compactor(runtime::Loop& loop, runtime::Log& log, const Messages& messages,
                     Router& router, Config config)
    : loop_(loop), log_(log), messages_(messages), router_(router), config_(config) {}

Compactor::~Compactor() {
    loop_.cancel(timer_);
}

void Compactor::start() {
    if (config_.interval > Duration::zero()) read_revision();
}

void Compactor::arm() {
    timer_ = loop_.call_after(config_.interval, [this] {
        if (last_ && config_.shared)
            compact(last_);
        else if (last_)
            look_for_others(last_);
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
        true, config_.call_deadline, std::move(call), [this](std::shared_ptr<Read> answer) {
            loop_.post([this, answer] {
                // After an outage the next interval is counted from what is seen then.
                last_ = answer->status.ok() ? revision_of(answer->response.header()) : Revision{};
                arm();
            });
        }));
}

// One key below ours and one above.
void Compactor::look_for_others(Revision revision) {
    static const std::string kFirstKey(1, '\0');
    static const std::string kNoEnd(1, '\0');
    pb::TxnRequest txn;
    auto look = [&txn](const std::string& begin, const std::string& end) {
        pb::RangeRequest& range = *txn.add_success()->mutable_request_range();
        range.set_key(begin);
        range.set_range_end(end);
        range.set_limit(1);
        range.set_keys_only(true);
    };
    look(kFirstKey, messages_.prefix());
    look(prefix_end(messages_.prefix()), kNoEnd);

    auto call = [txn = std::move(txn)](Member& member, const CallOptions& options,
                                       RpcDone<pb::TxnResponse> done) {
        member.txn(txn, options, std::move(done));
    };
    using Look = TypedRequest<pb::TxnResponse, decltype(call)>;
    router_.submit(std::make_shared<Look>(
        true, config_.call_deadline, std::move(call),
        [this, revision](std::shared_ptr<Look> answer) {
            loop_.post([this, revision, answer] {
                if (is_denied(answer->status))
                    return leave_to_others("we may not see its other keys");
                if (!answer->status.ok()) return;
                for (const pb::ResponseOp& one : answer->response.responses())
                    if (!one.response_range().kvs().empty())
                        return leave_to_others("it holds keys of others, too");
                compact(revision);
            });
        }));
}

void Compactor::leave_to_others(std::string_view why) {
    if (std::exchange(said_so_, true)) return;
    log_.warn(
        "etcd's history is not compacted by us: set its --auto-compaction-retention, or it "
        "grows until its space is used up",
        {{"why", why}});
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
        true, config_.call_deadline, std::move(call), [this](std::shared_ptr<Compact> answer) {
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

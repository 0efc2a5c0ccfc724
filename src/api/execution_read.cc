#include "api/execution_read.h"

#include <fmt/format.h>

#include <memory>

#include "store/codec.h"
#include "store/keys.h"

namespace khronos::api {
namespace {

using core::Execution;

std::vector<Execution> decode_all(const std::vector<store::KeyValue>& kvs) {
    std::vector<Execution> executions;
    for (const store::KeyValue& kv : kvs)
        if (auto execution = store::decode<Execution>(kv.value.view()))
            executions.push_back(std::move(*execution));
    return executions;
}

// Reads executions one after the other by the keys of open/, a few at a time.
class OpenReader : public std::enable_shared_from_this<OpenReader> {
  public:
    OpenReader(Services& services, std::vector<core::ExecutionId> ids,
               Done<std::vector<Execution>> done)
        : services_(services), ids_(std::move(ids)), done_(std::move(done)) {}

    void begin() {
        running_ = kAtOnce;
        for (int i = 0; i < kAtOnce; ++i)
            read_next();
    }

  private:
    static constexpr int kAtOnce = 32;

    void read_next() {
        if (next_ == ids_.size() || error_) {
            if (--running_ > 0) return;
            if (error_) return done_(std::unexpected(*error_));
            return done_(std::move(executions_));
        }
        read_execution(services_, ids_[next_++], [self = shared_from_this()](auto&& execution) {
            if (!execution)
                self->error_ = execution.error();
            else if (*execution && core::is_open((*execution)->state))
                self->executions_.push_back(std::move(**execution));
            self->read_next();
        });
    }

    Services& services_;
    std::vector<core::ExecutionId> ids_;
    Done<std::vector<Execution>> done_;
    std::vector<Execution> executions_;
    std::optional<Error> error_;
    std::size_t next_ = 0;
    int running_ = 0;
};

}  // namespace

void with_execution(Services& services, std::shared_ptr<Reply> reply, std::string_view text,
                    std::move_only_function<void(core::Execution)> go_on) {
    const auto id = core::execution_id_from_text(text);
    if (!id) return reply->problem({ErrorKind::not_found, "", id.error()});
    read_execution(services, *id, [reply, id = *id, go_on = std::move(go_on)](auto found) mutable {
        if (!found) return reply->problem(found.error());
        if (!*found)
            return reply->problem(
                {ErrorKind::not_found, "",
                 fmt::format("there is no execution '{}', or it is not decided yet",
                             core::to_text(id))});
        go_on(std::move(**found));
    });
}

Error store_error(const store::ReadError& error) {
    return {ErrorKind::unavailable, "", "the store does not answer: " + error.why};
}

void read_history(Services& services, JobUid uid, std::size_t limit,
                  Done<std::vector<Execution>> done) {
    store::RangeRequest request;
    request.begin = store::keys::executions_of(uid);
    request.end = store::prefix_end(request.begin);
    request.limit = limit;
    request.descending = true;
    services.store.range(std::move(request), [done = std::move(done)](auto result) mutable {
        if (!result) return done(std::unexpected(store_error(result.error())));
        done(decode_all(result->kvs));
    });
}

void read_execution(Services& services, const core::ExecutionId& id,
                    Done<std::optional<Execution>> done) {
    services.store.get(store::keys::execution(id), [done = std::move(done)](auto result) mutable {
        if (!result) return done(std::unexpected(store_error(result.error())));
        if (!result->kv) return done(std::optional<Execution>());
        auto execution = store::decode<Execution>(result->kv->value.view());
        if (!execution)
            return done(std::unexpected(Error{ErrorKind::internal, "", execution.error()}));
        done(std::move(*execution));
    });
}

void read_open(Services& services, Done<std::vector<Execution>> done) {
    store::RangeRequest request;
    request.begin = store::keys::kOpen;
    request.end = store::prefix_end(request.begin);
    request.limit = kOpenMax;
    request.keys_only = true;
    services.store.range(
        std::move(request), [&services, done = std::move(done)](auto result) mutable {
            if (!result) return done(std::unexpected(store_error(result.error())));
            std::vector<core::ExecutionId> ids;
            for (const store::KeyValue& kv : result->kvs)
                if (const auto item = store::keys::open_of_key(kv.key)) ids.push_back(item->id);
            std::make_shared<OpenReader>(services, std::move(ids), std::move(done))->begin();
        });
}

void read_output_tail(Services& services, const Execution& execution, std::size_t limit,
                      std::move_only_function<void(std::string)> done) {
    const std::string_view tail = execution.output_tail;
    std::string known(tail.substr(tail.size() - std::min(limit, tail.size())));
    // All of it is in the record already.
    const bool whole = core::is_ended(execution.state) && execution.output_bytes <= tail.size();
    if (whole || limit <= known.size() || !services.read_output) {
        services.loop.post([known = std::move(known), done = std::move(done)]() mutable {
            done(std::move(known));
        });
        return;
    }
    services.read_output(execution, {0, limit, true},
                         [known = std::move(known), done = std::move(done)](auto part) mutable {
                             done(part ? std::move(part->bytes) : std::move(known));
                         });
}

}  // namespace khronos::api

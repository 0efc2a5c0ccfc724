// One request of a handle on its way to some member and back.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "runtime/loop.h"
#include "store/etcd/member.h"

namespace khronos::store::etcd {

// The way back to a handle's loop, for as long as the handle lives.
class Outlet {
  public:
    explicit Outlet(runtime::Loop& loop) : loop_(&loop) {}

    // Any thread. Dropped if the handle is gone; a task that was posted before must still ask
    // is_open() on the loop, and touch nothing of the handle if it is not.
    void post(runtime::Task task) {
        const std::lock_guard lock(mutex_);
        if (loop_) loop_->post(std::move(task));
    }
    bool is_open() const {
        const std::lock_guard lock(mutex_);
        return loop_ != nullptr;
    }
    // On the loop.
    void close() {
        const std::lock_guard lock(mutex_);
        loop_ = nullptr;
    }

  private:
    mutable std::mutex mutex_;
    runtime::Loop* loop_;
};

class Request : public std::enable_shared_from_this<Request> {
  public:
    explicit Request(bool may_repeat, Duration time) : repeatable(may_repeat), deadline(time) {}
    virtual ~Request() = default;
    Request(const Request&) = delete;

    // Keeps the response and calls `ended` once, on any thread.
    virtual void send(Member& member, const CallOptions& options,
                      std::move_only_function<void(RpcStatus)> ended) = 0;
    // Hands `status` and the response over to whoever asked. Any thread, once, and the last.
    virtual void finish(RpcStatus status) = 0;

    const bool repeatable;  // may be carried out twice: every kind but a write
    const Duration deadline;

    // The router's: one thread at a time.
    int attempts = 0;
    int logins = 0;
    bool sent = false;  // perhaps some member received it
    MonoTime waiting_since;
};

// `Call` is called as call(Member&, const CallOptions&, RpcDone<Response>).
template <class Response, class Call>
class TypedRequest final : public Request {
  public:
    // What the asker gets: the request itself, with status and response.
    using Finished = std::move_only_function<void(std::shared_ptr<TypedRequest>)>;

    TypedRequest(bool may_repeat, Duration time, Call call, Finished finished)
        : Request(may_repeat, time), call_(std::move(call)), finished_(std::move(finished)) {}

    void send(Member& member, const CallOptions& options,
              std::move_only_function<void(RpcStatus)> ended) override {
        auto self = std::static_pointer_cast<TypedRequest>(shared_from_this());
        call_(member, options,
              [self, ended = std::move(ended)](RpcStatus end, Response answer) mutable {
                  self->response = std::move(answer);
                  ended(std::move(end));
              });
    }
    void finish(RpcStatus end) override {
        status = std::move(end);
        finished_(std::static_pointer_cast<TypedRequest>(shared_from_this()));
    }

    RpcStatus status;
    Response response;

  private:
    Call call_;
    Finished finished_;
};

}  // namespace khronos::store::etcd

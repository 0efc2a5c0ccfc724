// The first contact: waits for a member and a login, then looks whether the keyspace is ours.
// Reads only. On the backend's loop.
#pragma once

#include <expected>
#include <functional>
#include <memory>

#include "base/error.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "store/etcd/etcd_options.h"
#include "store/etcd/messages.h"
#include "store/etcd/router.h"

namespace khronos::store::etcd {

class Opening {
  public:
    using Done = std::move_only_function<void(std::expected<void, Error>)>;

    // `done` is called once, on the loop.
    Opening(runtime::Loop& loop, runtime::Log& log, const EtcdOptions& options,
            const Messages& messages, Router& router, Done done);
    ~Opening();
    Opening(const Opening&) = delete;
    Opening& operator=(const Opening&) = delete;

    void start();
    void on_route_change();

  private:
    void look();
    void on_answer(const RpcStatus& status, const pb::TxnResponse& response);
    std::expected<void, Error> check_version() const;
    void finish(std::expected<void, Error> result);

    runtime::Loop& loop_;
    runtime::Log& log_;
    const EtcdOptions& options_;
    const Messages& messages_;
    Router& router_;
    Done done_;  // empty once called
    bool looked_ = false;
    runtime::TimerId timer_;
};

// Whether a keyspace is one that `options` may use. `meta`: its meta record, nullptr if it has
// none; `any_key`: whether it has any key.
std::expected<void, Error> check_keyspace(const EtcdOptions& options, const std::string* meta,
                                          bool any_key);

}  // namespace khronos::store::etcd

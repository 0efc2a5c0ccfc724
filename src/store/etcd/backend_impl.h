// What is behind an EtcdBackend: a loop on a thread of its own, and the parts that live on it.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "runtime/asio/asio_loop.h"
#include "store/etcd/compactor.h"
#include "store/etcd/etcd_backend.h"
#include "store/etcd/messages.h"
#include "store/etcd/opening.h"
#include "store/etcd/router.h"
#include "store/etcd/watch_hub.h"

namespace khronos::store {

struct EtcdBackend::Impl {
    Impl(EtcdOptions with, std::vector<std::unique_ptr<etcd::Member>> members,
         runtime::Entropy& entropy, runtime::Log& log);
    ~Impl();

    // Blocks.
    std::expected<void, Error> open();
    // Runs `read` on the loop and waits for what it returns. Not from the loop.
    template <class Read>
    auto ask_loop(Read read) const;

    const EtcdOptions options;
    const etcd::Messages messages;
    // From any thread.
    std::atomic<std::uint64_t> transactions = 0;  // answered by etcd
    std::atomic<std::int64_t> last_watch = 0;

    mutable runtime::AsioLoop loop;
    etcd::Router router;
    etcd::WatchHub hub;
    etcd::Compactor compactor;
    runtime::Log& log;
    std::unique_ptr<etcd::Opening> opening;
    std::thread thread;
};

}  // namespace khronos::store

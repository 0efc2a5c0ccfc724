// Workers' heartbeats: makes those that this agent hears durable, several workers in one
// transaction, and follows everybody's.
//
// Invariant: `on_committed` is told of a heartbeat only after the store has it. An outcome that is
// not known counts as not committed: the worker sends another one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "core/model/messages.h"
#include "runtime/loop.h"
#include "store/codec.h"
#include "store/mirror.h"
#include "store/store.h"

namespace khronos::dispatch {

class Heartbeats {
  public:
    struct Config {
        std::string agent;  // its name, for people
        // Heartbeats are collected for so long before they are written.
        Duration collect = std::chrono::milliseconds(200);
        Duration relist_every = std::chrono::seconds(60);
        // The key of a worker that was silent for so long is removed.
        Duration keep = std::chrono::hours(24);
    };
    struct Events {
        std::move_only_function<void(const core::WorkerId&, const std::string& boot_id,
                                     std::uint64_t sequence)>
            on_committed;
        // Anybody's committed heartbeat; revision 0: there is none any more.
        std::move_only_function<void(const core::WorkerId&, Revision,
                                     const store::WorkerHeartbeat&)>
            on_seen;
    };

    Heartbeats(store::Store& store, runtime::Loop& loop, Config config, Events events);
    ~Heartbeats();
    Heartbeats(const Heartbeats&) = delete;

    void start();
    void stop();
    void commit(const core::WorkerId& worker, std::string boot_id, std::uint64_t sequence);

  private:
    struct Beat {
        std::string boot_id;
        std::uint64_t sequence = 0;
    };
    struct Known {
        Revision revision;
        WallTime at;
        bool listed = false;  // by the list under way
    };
    store::Mirror::Listener listener();
    void seen(const store::KeyValue& kv);
    void write();
    void sweep();

    store::Store& store_;
    runtime::Loop& loop_;
    Config config_;
    Events events_;
    store::Mirror mirror_;
    std::map<core::WorkerId, Beat> waiting_;
    std::map<core::WorkerId, Known> known_;
    std::size_t under_way_ = 0;
    runtime::TimerId write_timer_;
    runtime::TimerId sweep_timer_;
    bool stopped_ = false;
};

}  // namespace khronos::dispatch

// All watches of all handles over one stream to the member in use. On the backend's loop only.
//
// Invariants:
// - A watch has delivered every event of its range up to `reached`, each revision whole, and none
//   after it. A new stream goes on from there, so nothing is missed, doubled or reordered.
// - The stream is asked for a sign of life every interval; one that stays silent for two and a
//   half of them is replaced, and its member reported.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/loop.h"
#include "store/etcd/member.h"
#include "store/etcd/messages.h"
#include "store/etcd/router.h"
#include "store/store.h"

namespace khronos::store::etcd {

class WatchHub {
  public:
    using Id = std::int64_t;  // greater than 0
    struct Config {
        Duration progress_interval = 1s;
    };

    WatchHub(runtime::Loop& loop, const Messages& messages, Router& router, Config config);
    ~WatchHub();
    WatchHub(const WatchHub&) = delete;
    WatchHub& operator=(const WatchHub&) = delete;

    // `begin` and `end` as the port has them. `deliver` hands over to the watcher's loop; after a
    // WatchLost it is gone.
    void add(Id id, std::string begin, std::string end, Revision after,
             std::move_only_function<void(WatchUpdate)> deliver);
    void remove(Id id);  // ignored if there is none
    // The router's member in use may be another.
    void on_route_change();

    struct Stats {
        std::uint64_t streams = 0;  // opened so far
        std::uint64_t stalls = 0;   // of them given up for their silence
    };
    const Stats& stats() const { return stats_; }

  private:
    struct Watch {
        std::string begin, end;
        Revision reached;
        bool created = false;  // on this stream
        bool denied_before = false;
        std::vector<WatchEvent> partial;  // fragments whose last one is still to come
        std::move_only_function<void(WatchUpdate)> deliver;
    };
    using Watches = std::map<Id, Watch>;

    void open();
    void close();
    void open_later();
    void send_create(Id id, const Watch& watch);
    void send_cancel(Id id);
    void on_response(const pb::WatchResponse& response);
    void on_progress(Revision revision);
    void on_canceled(Watches::iterator found, const pb::WatchResponse& response);
    void on_events(Watch& watch, const pb::WatchResponse& response);
    void on_end(const RpcStatus& status);
    void deliver(Watch& watch, std::vector<WatchEvent> events, Revision revision);
    void lose(Watches::iterator found, std::string why);
    void tick();

    runtime::Loop& loop_;
    const Messages& messages_;
    Router& router_;
    const Config config_;

    Watches watches_;
    std::unique_ptr<WatchStream> stream_;
    Member* member_ = nullptr;   // of the stream
    std::string token_;          // it was opened with
    std::deque<Id> unanswered_;  // watches asked for on it, in order
    bool trusts_progress_ = false;
    MonoTime heard_;
    Duration pause_{};
    runtime::TimerId tick_timer_;
    runtime::TimerId retry_timer_;
    Stats stats_;
};

}  // namespace khronos::store::etcd

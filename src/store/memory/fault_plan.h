// What may go wrong between a handle and the memory backend. Consulted once for each request and
// once for each watch update; the default is a network and a server without faults.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/time.h"
#include "store/store.h"

namespace khronos::store {

enum class RequestKind : std::uint8_t {
    write,
    get,
    range,
    watch,
    lease_grant,
    lease_keep_alive,
    lease_revoke,
    status,
};

struct RequestInfo {
    std::string_view client;  // the name its handle was given
    RequestKind kind;
    const Txn* txn = nullptr;  // of a write
};

struct RequestFault {
    enum class Fate : std::uint8_t {
        carry_out,     // answered after request_delay + answer_delay
        lose_request,  // never carried out; the caller gives up after answer_delay
        lose_answer,   // carried out after request_delay; the caller gives up after answer_delay,
                       // which may be the sooner
        refuse,        // never sent, and the caller knows
    };
    // Writes answer Unknown when either is lost, reads and leases an error; `refuse` is
    // Refused/ReadError unreachable. A watch knows only carry_out and lose_request (-> WatchLost).
    Fate fate = Fate::carry_out;
    Duration request_delay{0};
    Duration answer_delay{0};
};

struct WatchFault {
    enum class Fate : std::uint8_t {
        deliver,
        drop,       // silently: the watcher never learns of these events
        duplicate,  // delivered twice
        lose,       // WatchLost instead
    };
    Fate fate = Fate::deliver;
    // Later updates of the same watch may overtake a delayed one, unless the plan delays them too.
    Duration delay{0};
};

class FaultPlan {
  public:
    virtual ~FaultPlan() = default;
    virtual RequestFault on_request(const RequestInfo&) { return {}; }
    virtual WatchFault on_watch_batch(std::string_view /*client*/, const WatchBatch&) { return {}; }
};

}  // namespace khronos::store

// The port to the key-value data store. Its model is etcd's: one revision counter for the whole
// store, transactions with compares, watches, leases. Backends: store/memory (the reference),
// store/embedded (SQLite), store/etcd. All pass one suite: store/conformance.h.
//
// A `Store` is one loop's handle on a backend. Every method is called on that loop, returns at
// once, and its completion is posted to that loop, exactly once, never inside the call. Reads are
// linearizable: they see every write that was acknowledged, to anybody, before the call.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/shared_bytes.h"
#include "base/time.h"

namespace khronos::store {

struct KeyValue {
    std::string key;
    SharedBytes value;
    Revision create_revision;  // of the write that made the key
    Revision mod_revision;     // of the last write to the key
    LeaseId lease;             // 0: none
    bool operator==(const KeyValue&) const = default;
};

// ---- writes

struct Compare {
    enum class Target : std::uint8_t { create_revision, mod_revision };
    std::string key;
    Target target = Target::mod_revision;
    Revision equals;  // 0: the key is absent
    bool operator==(const Compare&) const = default;
};

struct Put {
    std::string key;
    std::string value;
    LeaseId lease;  // 0: none. A lease that is gone makes the transaction Refused.
    bool operator==(const Put&) const = default;
};
struct Erase {
    std::string key;  // no error if absent
    bool operator==(const Erase&) const = default;
};
// Every key k with begin <= k < end.
struct EraseRange {
    std::string begin, end;
    bool operator==(const EraseRange&) const = default;
};
using Operation = std::variant<Put, Erase, EraseRange>;

// Applied as a whole, at one revision, if every compare holds. A key may be written at most once.
// At most limits::kTxnOperations operations + compares each, and limits::kTxnBytes.
struct Txn {
    std::vector<Compare> compares;
    std::vector<Operation> operations;
    bool operator==(const Txn&) const = default;
};

// Durable: fsynced, or on a quorum. `revision` is the one the writes were given; where the
// transaction changed nothing (only erases of absent keys) it is the store's current one.
struct Applied {
    Revision revision;
    bool operator==(const Applied&) const = default;
};
// A compare did not hold; nothing was written. `revision` is the store's at that moment.
struct Conflict {
    Revision revision;
    bool operator==(const Conflict&) const = default;
};
// May have been applied, may still be, or never. Read back by a nonce; never retry blindly.
struct Unknown {
    std::string why;
    bool operator==(const Unknown&) const = default;
};
enum class RefusedKind : std::uint8_t {
    too_large,   // over a limit, or a key written twice: a mistake of the caller's
    no_space,    // the store is full: deletes still work
    no_lease,    // a put names a lease that is gone
    unreachable, // was never sent
    denied,      // the store's own access control
    closed,
};
// Certainly not applied, and not because of a compare.
struct Refused {
    RefusedKind kind;
    std::string why;
    bool operator==(const Refused&) const = default;
};
using WriteOutcome = std::variant<Applied, Conflict, Unknown, Refused>;

// ---- reads

struct ReadError {
    RefusedKind kind = RefusedKind::unreachable;
    std::string why;
    bool operator==(const ReadError&) const = default;
};
struct GetResult {
    std::optional<KeyValue> kv;
    Revision revision;  // the store's, when it was read
};
struct RangeRequest {
    std::string begin, end;  // begin <= key < end
    std::size_t limit = 1000;
    bool keys_only = false;
    bool descending = false;  // from the end
};
struct RangeResult {
    std::vector<KeyValue> kvs;  // by key, in the order asked for
    bool more = false;          // there are further keys: go on from the last key
    Revision revision;
};

// ---- watches

struct WatchEvent {
    KeyValue kv;           // of a deletion: the key and mod_revision only
    bool deleted = false;
    bool operator==(const WatchEvent&) const = default;
};
// All events of the watched range up to `revision` have been delivered with this batch. The
// events of one revision are never split over two batches. May be empty (progress).
struct WatchBatch {
    std::vector<WatchEvent> events;
    Revision revision;
};
// Events were, or may have been, lost (compaction, a broken stream that could not be resumed):
// list again and watch from there. The watch is over.
struct WatchLost {
    std::string why;
};
using WatchUpdate = std::variant<WatchBatch, WatchLost>;
using WatchId = Strong<struct WatchIdTag, std::uint64_t>;

struct StoreStatus {
    bool reachable = true;
    bool no_space = false;
    std::string backend;       // `memory`, `embedded`, `etcd 3.4.23`
    std::string message;       // why not healthy; empty when healthy
    std::uint64_t transactions = 0;
    std::uint64_t commits = 0;  // fsyncs or round trips; transactions / commits = batching
    std::uint64_t bytes = 0;    // on disk
};

class Store {
  public:
    virtual ~Store() = default;

    virtual void write(Txn txn, std::move_only_function<void(WriteOutcome)> done) = 0;
    virtual void get(std::string key,
                     std::move_only_function<void(std::expected<GetResult, ReadError>)> done) = 0;
    virtual void range(
        RangeRequest request,
        std::move_only_function<void(std::expected<RangeResult, ReadError>)> done) = 0;

    // Every change to begin <= key < end after revision `after`, in order. Watching from a past
    // revision replays what happened since, or reports WatchLost at once.
    virtual WatchId watch(std::string begin, std::string end, Revision after,
                          std::move_only_function<void(WatchUpdate)> on_update) = 0;
    // No update is delivered after this returns.
    virtual void unwatch(WatchId id) = 0;

    // A lease's keys are deleted when it ends. Errs both ways: it may end early and last longer.
    virtual void lease_grant(Duration ttl,
                             std::move_only_function<void(std::expected<LeaseId, ReadError>)> done) = 0;
    virtual void lease_keep_alive(LeaseId id,
                                  std::move_only_function<void(std::expected<void, ReadError>)> done) = 0;
    virtual void lease_revoke(LeaseId id,
                              std::move_only_function<void(std::expected<void, ReadError>)> done) = 0;

    virtual void status(std::move_only_function<void(StoreStatus)> done) = 0;
};

// The smallest string that is greater than every string that starts with `prefix`.
std::string prefix_end(std::string_view prefix);

}  // namespace khronos::store

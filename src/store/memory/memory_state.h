// The store's rules as a plain data structure: what each request does to the keys, the revision,
// the leases and the history, and nothing about who asks or when the answer comes. Every other
// backend is compared with this one.
//
// Invariants: the revision grows by one with every change and never otherwise; the history holds
// every event after `compacted()`, in order; a lease's keys are keys that name that lease.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace khronos::store {

class MemoryState {
  public:
    // Applied, Conflict or Refused; never Unknown. Events of an applied transaction are at the
    // end of the history.
    WriteOutcome apply(const Txn& txn);

    GetResult get(std::string_view key) const;
    RangeResult range(const RangeRequest& request) const;

    LeaseId grant(Duration ttl, MonoTime now);
    bool keep_alive(LeaseId id, MonoTime now);  // false: gone
    bool revoke(LeaseId id);                    // false: gone; else its keys are erased
    // Ends every lease whose time has come, oldest deadline first, each at a revision of its own.
    void expire(MonoTime now);
    std::optional<MonoTime> next_expiry() const;

    // The events of begin <= key < end after `after`; nothing if some of them are forgotten.
    std::optional<std::vector<WatchEvent>> events(std::string_view begin, std::string_view end,
                                                  Revision after) const;
    // Forgets the events at and before `revision`.
    void compact(Revision revision);
    // Forgets the oldest revisions until at most `events` events are left.
    void trim_history(std::size_t events);

    Revision revision() const { return revision_; }
    Revision compacted() const { return compacted_; }
    std::size_t size() const { return data_.size(); }
    std::uint64_t bytes() const { return bytes_; }  // of keys and values
    // While set, transactions with a Put are refused with no_space.
    void set_no_space(bool full) { no_space_ = full; }
    bool no_space() const { return no_space_; }

  private:
    using Data = std::map<std::string, KeyValue, std::less<>>;
    struct Lease {
        Duration ttl;
        MonoTime deadline;
        std::set<std::string, std::less<>> keys;
    };

    bool holds(const Compare& compare) const;
    std::optional<Refused> refuse(const Txn& txn) const;
    void put(const Put& put, Revision at);
    Data::iterator erase(Data::iterator found, Revision at);
    void erase_range(std::string_view begin, std::string_view end, Revision at);
    void detach(const KeyValue& kv);
    void end_lease(std::map<LeaseId, Lease>::iterator found);

    Data data_;
    Revision revision_{1};  // as in etcd, the empty store's
    Revision compacted_;
    std::deque<WatchEvent> history_;
    std::map<LeaseId, Lease> leases_;
    std::uint64_t last_lease_ = 0;
    std::uint64_t bytes_ = 0;
    bool no_space_ = false;
};

}  // namespace khronos::store

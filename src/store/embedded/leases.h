// The leases of one process, in memory: they end with it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace khronos::store::embedded {

class Leases {
  public:
    // Ids go on from `first`, so that a new process does not give an old one's out again.
    explicit Leases(LeaseId first) : next_(first) {}

    LeaseId grant(Duration ttl, MonoTime now);
    bool keep_alive(LeaseId id, MonoTime now);  // false: gone
    bool contains(LeaseId id) const { return leases_.contains(id); }

    void attach(LeaseId id, const std::string& key);
    void detach(LeaseId id, const std::string& key);
    // Forgets the lease; the keys that were on it.
    std::vector<std::string> remove(LeaseId id);

    // Those whose time has come, in the order of their ends.
    std::vector<LeaseId> ended(MonoTime now) const;
    std::optional<MonoTime> next_end() const;

  private:
    struct Lease {
        Duration ttl;
        MonoTime end;
        std::set<std::string> keys;
    };
    std::map<LeaseId, Lease> leases_;
    LeaseId next_;
};

}  // namespace khronos::store::embedded

#include "store/embedded/leases.h"

#include <algorithm>

namespace khronos::store::embedded {

LeaseId Leases::grant(Duration ttl, MonoTime now) {
    LeaseId id = next_;
    next_ = next_.next();
    leases_.emplace(id, Lease{ttl, now + ttl, {}});
    return id;
}

bool Leases::keep_alive(LeaseId id, MonoTime now) {
    auto found = leases_.find(id);
    if (found == leases_.end()) return false;
    found->second.end = now + found->second.ttl;
    return true;
}

void Leases::attach(LeaseId id, const std::string& key) {
    leases_.at(id).keys.insert(key);
}

void Leases::detach(LeaseId id, const std::string& key) {
    if (auto found = leases_.find(id); found != leases_.end()) found->second.keys.erase(key);
}

std::vector<std::string> Leases::remove(LeaseId id) {
    auto found = leases_.find(id);
    if (found == leases_.end()) return {};
    std::vector<std::string> keys(found->second.keys.begin(), found->second.keys.end());
    leases_.erase(found);
    return keys;
}

std::vector<LeaseId> Leases::ended(MonoTime now) const {
    std::vector<LeaseId> ids;
    for (const auto& [id, lease] : leases_)
        if (lease.end <= now) ids.push_back(id);
    std::ranges::stable_sort(ids, {}, [this](LeaseId id) { return leases_.at(id).end; });
    return ids;
}

std::optional<MonoTime> Leases::next_end() const {
    std::optional<MonoTime> first;
    for (const auto& [id, lease] : leases_)
        if (!first || lease.end < *first) first = lease.end;
    return first;
}

}  // namespace khronos::store::embedded

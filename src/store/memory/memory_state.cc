#include "store/memory/memory_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "base/check.h"
#include "store/txn_check.h"

namespace khronos::store {

// ---- writes

bool MemoryState::holds(const Compare& compare) const {
    auto found = data_.find(compare.key);
    Revision actual;
    if (found != data_.end()) {
        switch (compare.target) {
            case Compare::Target::create_revision:
                actual = found->second.create_revision;
                break;
            case Compare::Target::mod_revision:
                actual = found->second.mod_revision;
                break;
        }
    }
    return actual == compare.equals;
}

std::optional<Refused> MemoryState::refuse(const Txn& txn) const {
    for (const Operation& operation : txn.operations) {
        const Put* put = std::get_if<Put>(&operation);
        if (!put) continue;
        if (no_space_)
            return Refused{RefusedKind::no_space, "the store is full: delete something first"};
        if (put->lease && !leases_.contains(put->lease))
            return Refused{
                RefusedKind::no_lease,
                fmt::format("the lease {} of the key '{}' has ended", put->lease.value, put->key)};
    }
    return std::nullopt;
}

WriteOutcome MemoryState::apply(const Txn& txn) {
    if (auto refused = check_txn(txn)) return *refused;
    if (!std::ranges::all_of(txn.compares, [this](const Compare& c) { return holds(c); }))
        return Conflict{revision_};
    if (auto refused = refuse(txn)) return *refused;

    Revision at = revision_.next();
    std::size_t events_before = history_.size();
    for (const Operation& operation : txn.operations) {
        if (const Put* one = std::get_if<Put>(&operation)) {
            put(*one, at);
        } else if (const Erase* other = std::get_if<Erase>(&operation)) {
            auto found = data_.find(other->key);
            if (found != data_.end()) erase(found, at);
        } else {
            const EraseRange& all = std::get<EraseRange>(operation);
            erase_range(all.begin, all.end, at);
        }
    }
    if (history_.size() != events_before) revision_ = at;
    return Applied{revision_};
}

void MemoryState::put(const Put& put, Revision at) {
    auto [found, made] = data_.try_emplace(put.key);
    KeyValue& kv = found->second;
    if (made) {
        kv.key = put.key;
        kv.create_revision = at;
        bytes_ += put.key.size();
    } else {
        detach(kv);
        bytes_ -= kv.value.view().size();
    }
    kv.value = SharedBytes(put.value);
    kv.mod_revision = at;
    kv.lease = put.lease;
    bytes_ += put.value.size();
    if (put.lease) leases_.at(put.lease).keys.insert(put.key);
    history_.push_back({kv, false});
}

MemoryState::Data::iterator MemoryState::erase(Data::iterator found, Revision at) {
    const KeyValue& kv = found->second;
    detach(kv);
    bytes_ -= kv.key.size() + kv.value.view().size();
    WatchEvent event;
    event.kv.key = kv.key;
    event.kv.mod_revision = at;
    event.deleted = true;
    history_.push_back(std::move(event));
    return data_.erase(found);
}

void MemoryState::erase_range(std::string_view begin, std::string_view end, Revision at) {
    auto next = data_.lower_bound(begin);
    while (next != data_.end() && next->first < end)
        next = erase(next, at);
}

void MemoryState::detach(const KeyValue& kv) {
    if (kv.lease) leases_.at(kv.lease).keys.erase(kv.key);
}

// ---- reads

GetResult MemoryState::get(std::string_view key) const {
    GetResult result{std::nullopt, revision_};
    if (auto found = data_.find(key); found != data_.end()) result.kv = found->second;
    return result;
}

RangeResult MemoryState::range(const RangeRequest& request) const {
    RangeResult result;
    result.revision = revision_;
    if (request.begin >= request.end) return result;
    std::ranges::subrange found(data_.lower_bound(request.begin), data_.lower_bound(request.end));
    auto take = [&](const auto& keys) {
        for (const auto& [key, kv] : keys) {
            if (result.kvs.size() == request.limit) {
                result.more = true;
                return;
            }
            result.kvs.push_back(kv);
            if (request.keys_only) result.kvs.back().value = SharedBytes();
        }
    };
    if (request.descending)
        take(found | std::views::reverse);
    else
        take(found);
    return result;
}

// ---- leases

LeaseId MemoryState::grant(Duration ttl, MonoTime now) {
    LeaseId id(++last_lease_);
    leases_.emplace(id, Lease{ttl, now + ttl, {}});
    return id;
}

bool MemoryState::keep_alive(LeaseId id, MonoTime now) {
    auto found = leases_.find(id);
    if (found == leases_.end()) return false;
    found->second.deadline = now + found->second.ttl;
    return true;
}

bool MemoryState::revoke(LeaseId id) {
    auto found = leases_.find(id);
    if (found == leases_.end()) return false;
    end_lease(found);
    return true;
}

void MemoryState::end_lease(std::map<LeaseId, Lease>::iterator found) {
    std::vector<std::string> keys(found->second.keys.begin(), found->second.keys.end());
    Revision at = revision_.next();
    for (const std::string& key : keys)
        erase(data_.find(key), at);
    if (!keys.empty()) revision_ = at;
    leases_.erase(found);
}

void MemoryState::expire(MonoTime now) {
    auto sooner = [](const auto& a, const auto& b) {
        return a.second.deadline < b.second.deadline;
    };
    while (!leases_.empty()) {
        auto first = std::ranges::min_element(leases_, sooner);
        if (first->second.deadline > now) return;
        end_lease(first);
    }
}

std::optional<MonoTime> MemoryState::next_expiry() const {
    std::optional<MonoTime> first;
    for (const auto& [id, lease] : leases_)
        if (!first || lease.deadline < *first) first = lease.deadline;
    return first;
}

// ---- history

std::optional<std::vector<WatchEvent>> MemoryState::events(std::string_view begin,
                                                           std::string_view end,
                                                           Revision after) const {
    if (after < compacted_) return std::nullopt;
    auto first = std::ranges::upper_bound(
        history_, after, {}, [](const WatchEvent& event) { return event.kv.mod_revision; });
    std::vector<WatchEvent> found;
    for (; first != history_.end(); ++first)
        if (begin <= first->kv.key && first->kv.key < end) found.push_back(*first);
    return found;
}

void MemoryState::compact(Revision revision) {
    CHECK(revision <= revision_);
    compacted_ = std::max(compacted_, revision);
    while (!history_.empty() && history_.front().kv.mod_revision <= compacted_)
        history_.pop_front();
}

void MemoryState::trim_history(std::size_t events) {
    while (history_.size() > events)
        compact(history_.front().kv.mod_revision);
}

}  // namespace khronos::store

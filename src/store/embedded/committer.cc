#include "store/embedded/committer.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/txn_check.h"

namespace khronos::store::embedded {
namespace {

std::unexpected<ReadError> no_lease() {
    return std::unexpected(ReadError{RefusedKind::no_lease, "the lease has ended"});
}

constexpr const char* kNoSpace = "the disk is full: free some space, or delete something";

}  // namespace

Committer::Committer(Connection& connection, const StoredState& state, SpaceReserve& reserve)
    : connection_(connection),
      reserve_(reserve),
      state_table_(connection),
      begin_(connection, "BEGIN IMMEDIATE"),
      commit_(connection, "COMMIT"),
      rollback_(connection, "ROLLBACK"),
      find_(connection,
            "SELECT create_revision, mod_revision, lease, checksum FROM kv WHERE key=?"),
      put_(connection,
           "REPLACE INTO kv (key, create_revision, mod_revision, lease, checksum, value) "
           "VALUES (?, ?, ?, ?, ?, ?)"),
      erase_(connection, "DELETE FROM kv WHERE key=?"),
      keys_of_range_(connection,
                     "SELECT key, create_revision, mod_revision, lease, checksum FROM kv "
                     "WHERE key>=? AND key<? ORDER BY key"),
      state_(state),
      leases_(LeaseId((state.revision.value << 20) + 1)) {}

// ---- commits

Committer::Batch Committer::commit(std::span<const Change* const> changes) {
    Batch batch;
    if (full_) full_ = !reserve_.hold();
    if (!full_) {
        try {
            try_commit(changes, batch);
            return batch;
        } catch (const SqlError& error) {
            roll_back();
            if (!error.no_space()) throw;
        }
        make_room();
    }
    for (const Change* change : changes)
        commit_when_full(*change, batch);
    return batch;
}

void Committer::commit_when_full(const Change& change, Batch& batch) {
    const Txn* txn = std::get_if<Txn>(&change);
    bool puts = txn && std::ranges::any_of(txn->operations, [](const Operation& operation) {
                    return std::holds_alternative<Put>(operation);
                });
    if (!puts || !full_ || may_put(*txn)) {
        if (try_commit_alone(change, batch)) return;
        make_room();
        if (!puts && try_commit_alone(change, batch)) return;
    }
    batch.no_space = true;
    batch.results.push_back(refuse_no_space(change));
}

bool Committer::try_commit_alone(const Change& change, Batch& batch) {
    const Change* const one = &change;
    try {
        try_commit({&one, 1}, batch);
        return true;
    } catch (const SqlError& error) {
        roll_back();
        if (!error.no_space()) throw;
        return false;
    }
}

bool Committer::may_put(const Txn& txn) {
    // Pages that are free inside the file need no space of the disk's.
    constexpr std::int64_t kPage = 4096, kSpare = 16;
    std::int64_t needed = 2 * static_cast<std::int64_t>(txn_bytes(txn)) / kPage +
                          static_cast<std::int64_t>(txn.operations.size()) + kSpare;
    return connection_.integer("PRAGMA freelist_count") > needed;
}

void Committer::try_commit(std::span<const Change* const> changes, Batch& batch) {
    attempt_ = Attempt{state_, {}, std::nullopt};
    std::vector<ChangeResult> results;
    results.reserve(changes.size());
    begin_.execute();
    for (const Change* change : changes)
        results.push_back(carry_out(*change));
    if (attempt_.state != state_) {
        state_table_.write(attempt_.state);
        ++batch.commits;
    }
    commit_.execute();
    state_ = attempt_.state;
    std::ranges::move(results, std::back_inserter(batch.results));
    std::ranges::move(attempt_.events, std::back_inserter(batch.events));
}

void Committer::roll_back() {
    if (attempt_.leases_before) leases_ = *std::move(attempt_.leases_before);
    if (connection_.in_transaction()) rollback_.execute();
}

void Committer::make_room() {
    reserve_.release();
    try {
        connection_.checkpoint(SQLITE_CHECKPOINT_RESTART);
    } catch (const SqlError& error) {
        if (!error.no_space()) throw;
    }
    // One that was too big for a disk that is not full leaves the rest as it was.
    full_ = !reserve_.hold();
}

ChangeResult Committer::refuse_no_space(const Change& change) {
    ReadError error{RefusedKind::no_space, kNoSpace};
    if (std::holds_alternative<Txn>(change)) return WriteOutcome(Refused{error.kind, error.why});
    if (std::holds_alternative<GrantLease>(change))
        return std::expected<LeaseId, ReadError>(std::unexpected(error));
    // Time has not stopped: the next check tries again.
    if (const CheckLeases* check = std::get_if<CheckLeases>(&change))
        return LeasesChecked{check->now + 1s};
    return std::expected<void, ReadError>(std::unexpected(error));
}

Committer::Batch Committer::erase_left_over(const std::vector<std::string>& keys) {
    Batch batch;
    if (keys.empty()) return batch;
    try {
        attempt_ = Attempt{state_, {}, std::nullopt};
        begin_.execute();
        Revision at = next_revision();
        for (const std::string& key : keys)
            erase(key, at);
        use_revision(at, 0);
        state_table_.write(attempt_.state);
        commit_.execute();
    } catch (const SqlError&) {
        roll_back();
        throw;
    }
    state_ = attempt_.state;
    batch.commits = 1;
    return batch;
}

// ---- the rules

ChangeResult Committer::carry_out(const Change& change) {
    return std::visit([this](const auto& one) { return carry_out_one(one); }, change);
}

ChangeResult Committer::carry_out_one(const Txn& txn) {
    for (const Compare& compare : txn.compares)
        if (!holds(compare)) return WriteOutcome(Conflict{attempt_.state.revision});
    if (auto refused = lease_gone(txn)) return WriteOutcome(*refused);
    Revision at = next_revision();
    std::size_t events_before = attempt_.events.size();
    for (const Operation& operation : txn.operations) {
        if (const Put* one = std::get_if<Put>(&operation))
            put(*one, at);
        else if (const Erase* single = std::get_if<Erase>(&operation))
            erase(single->key, at);
        else
            erase_range(std::get<EraseRange>(operation), at);
    }
    use_revision(at, events_before);
    return WriteOutcome(Applied{attempt_.state.revision});
}

ChangeResult Committer::carry_out_one(const GrantLease& grant) {
    return std::expected<LeaseId, ReadError>(leases_to_change().grant(grant.ttl, grant.now));
}

ChangeResult Committer::carry_out_one(const KeepLeaseAlive& keep) {
    std::expected<void, ReadError> result;
    if (!leases_to_change().keep_alive(keep.id, keep.now)) result = no_lease();
    return result;
}

ChangeResult Committer::carry_out_one(const RevokeLease& revoke) {
    std::expected<void, ReadError> result;
    if (leases_.contains(revoke.id))
        end_lease(revoke.id);
    else
        result = no_lease();
    return result;
}

ChangeResult Committer::carry_out_one(const CheckLeases& check) {
    for (LeaseId id : leases_.ended(check.now))
        end_lease(id);
    return LeasesChecked{leases_.next_end()};
}

void Committer::end_lease(LeaseId id) {
    Revision at = next_revision();
    std::size_t events_before = attempt_.events.size();
    for (const std::string& key : leases_to_change().remove(id))
        erase(key, at);
    use_revision(at, events_before);
}

void Committer::use_revision(Revision at, std::size_t events_before) {
    if (attempt_.events.size() != events_before) attempt_.state.revision = at;
}

Leases& Committer::leases_to_change() {
    if (!attempt_.leases_before) attempt_.leases_before = leases_;
    return leases_;
}

bool Committer::holds(const Compare& compare) {
    std::optional<RowHead> row = find(compare.key);
    if (!row) return compare.equals == Revision{};
    switch (compare.target) {
        case Compare::Target::create_revision:
            return row->create_revision == compare.equals;
        case Compare::Target::mod_revision:
            return row->mod_revision == compare.equals;
    }
    return false;
}

std::optional<Refused> Committer::lease_gone(const Txn& txn) const {
    for (const Operation& operation : txn.operations) {
        const Put* one = std::get_if<Put>(&operation);
        if (one && one->lease && !leases_.contains(one->lease))
            return Refused{
                RefusedKind::no_lease,
                fmt::format("the lease {} of the key '{}' has ended", one->lease.value, one->key)};
    }
    return std::nullopt;
}

// ---- rows

std::optional<RowHead> Committer::find(std::string_view key) {
    auto row = find_.run(key);
    if (!row.next()) return std::nullopt;
    return RowHead{Revision(row.unsigned_integer(0)), Revision(row.unsigned_integer(1)),
                   LeaseId(row.unsigned_integer(2)), row.unsigned_integer(3)};
}

void Committer::put(const Put& put, Revision at) {
    std::optional<RowHead> old = find(put.key);
    Revision created = old ? old->create_revision : at;
    std::uint64_t sum = row_checksum(put.key, put.value, created, at, put.lease);
    put_.execute(std::string_view(put.key), created.value, at.value, put.lease.value, sum,
                 std::string_view(put.value));
    if (old) attempt_.state.digest.remove(old->checksum);
    attempt_.state.digest.add(sum);
    if (old && old->lease) leases_to_change().detach(old->lease, put.key);
    if (put.lease) leases_to_change().attach(put.lease, put.key);
    attempt_.events.push_back({{put.key, SharedBytes(put.value), created, at, put.lease}, false});
}

void Committer::erase(const std::string& key, Revision at) {
    if (std::optional<RowHead> row = find(key)) erase_row(key, *row, at);
}

void Committer::erase_row(const std::string& key, const RowHead& row, Revision at) {
    erase_.execute(std::string_view(key));
    attempt_.state.digest.remove(row.checksum);
    if (row.lease) leases_to_change().detach(row.lease, key);
    attempt_.events.push_back({{key, {}, {}, at, {}}, true});
}

void Committer::erase_range(const EraseRange& range, Revision at) {
    std::vector<std::pair<std::string, RowHead>> found;
    {
        auto rows = keys_of_range_.run(std::string_view(range.begin), std::string_view(range.end));
        while (rows.next())
            found.push_back(
                {std::string(rows.blob(0)),
                 {Revision(rows.unsigned_integer(1)), Revision(rows.unsigned_integer(2)),
                  LeaseId(rows.unsigned_integer(3)), rows.unsigned_integer(4)}});
    }
    for (const auto& [key, row] : found)
        erase_row(key, row, at);
}

}  // namespace khronos::store::embedded

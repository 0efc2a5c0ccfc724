// Carries out changes on the store's file: many at a time, in order, as one durable commit.
// The rules are those of store/store.h; one thread's, and no word about who asked.
#pragma once

#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "store/embedded/database.h"
#include "store/embedded/leases.h"
#include "store/embedded/space_reserve.h"
#include "store/embedded/sqlite.h"
#include "store/store.h"

namespace khronos::store::embedded {

struct GrantLease {
    Duration ttl;
    MonoTime now;
};
struct KeepLeaseAlive {
    LeaseId id;
    MonoTime now;
};
struct RevokeLease {
    LeaseId id;
};
// Ends the leases whose time has come.
struct CheckLeases {
    MonoTime now;
};
using Change = std::variant<Txn, GrantLease, KeepLeaseAlive, RevokeLease, CheckLeases>;

struct LeasesChecked {
    std::optional<MonoTime> next_end;
};
using ChangeResult = std::variant<WriteOutcome, std::expected<LeaseId, ReadError>,
                                  std::expected<void, ReadError>, LeasesChecked>;

class Committer {
  public:
    struct Batch {
        std::vector<ChangeResult> results;  // one for each change
        std::vector<WatchEvent> events;     // of all of them, in order
        bool no_space = false;              // at least one was refused for it
        int commits = 0;
    };

    Committer(Connection& connection, const StoredState& state, SpaceReserve& reserve);

    // Durable when it returns. A transaction must have passed check_txn(). Where the disk is full,
    // each change is tried by itself, and the reserve is given up for those that only erase.
    // Throws SqlError for all else that fails: nothing more may be asked of it then.
    Batch commit(std::span<const Change* const> changes);

    // Erases keys of leases that ended with an earlier process.
    Batch erase_left_over(const std::vector<std::string>& keys);

    // The disk is full: what puts is refused until the reserve can be set aside again, or
    // erasures have made room within the file.
    bool full() const { return full_; }
    Revision revision() const { return state_.revision; }
    const Digest& digest() const { return state_.digest; }

  private:
    // What a commit in the making has changed in memory; dropped if it fails.
    struct Attempt {
        StoredState state;
        std::vector<WatchEvent> events;
        std::optional<Leases> leases_before;
    };

    void try_commit(std::span<const Change* const> changes, Batch& batch);
    void commit_when_full(const Change& change, Batch& batch);
    // False: no space.
    bool try_commit_alone(const Change& change, Batch& batch);
    void roll_back();
    // Gives the reserve up and lets the log be written from its beginning again, where it takes
    // no new space.
    void make_room();
    bool may_put(const Txn& txn);
    static ChangeResult refuse_no_space(const Change& change);

    ChangeResult carry_out(const Change& change);
    ChangeResult carry_out_one(const Txn& txn);
    ChangeResult carry_out_one(const GrantLease& grant);
    ChangeResult carry_out_one(const KeepLeaseAlive& keep);
    ChangeResult carry_out_one(const RevokeLease& revoke);
    ChangeResult carry_out_one(const CheckLeases& check);

    std::optional<RowHead> find(std::string_view key);
    bool holds(const Compare& compare);
    std::optional<Refused> lease_gone(const Txn& txn) const;
    void put(const Put& put, Revision at);
    void erase(const std::string& key, Revision at);
    void erase_range(const EraseRange& range, Revision at);
    void erase_row(const std::string& key, const RowHead& row, Revision at);
    void end_lease(LeaseId id);
    // The revision the next change is given; and that it was given, if it changed anything.
    Revision next_revision() const { return attempt_.state.revision.next(); }
    void use_revision(Revision at, std::size_t events_before);
    Leases& leases_to_change();

    Connection& connection_;
    SpaceReserve& reserve_;
    StateTable state_table_;
    Statement begin_, commit_, rollback_;
    Statement find_, put_, erase_, keys_of_range_;

    StoredState state_;
    Leases leases_;
    Attempt attempt_;
    bool full_ = false;
};

}  // namespace khronos::store::embedded

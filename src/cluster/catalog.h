// All jobs, in memory, on one loop: what the API lists from. A job costs its encoded record, which
// is shared with whoever else holds it, and some 80 bytes; nothing is kept decoded.
//
// Invariants: entries are in the order of their names; an entry's revision never goes back;
// everything up to `revision()` has been applied.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/shared_bytes.h"
#include "cluster/job_peek.h"
#include "cluster/sorted_chunks.h"
#include "core/model/job.h"
#include "runtime/loop.h"

namespace khronos::cluster {

struct CatalogEntry {
    SharedBytes record;  // store::decode<core::Job>, or cluster::peek_job
    Revision mod;
    JobUid uid;

    std::string_view name() const { return peek_job_name(record.view()); }
};

class Catalog {
  public:
    explicit Catalog(runtime::Loop& loop) : loop_(loop) {}
    ~Catalog();
    Catalog(const Catalog&) = delete;
    Catalog& operator=(const Catalog&) = delete;

    // ---- fed from the store; what is older than what is known changes nothing

    // False, and nothing changes, where the record is no job of that name.
    bool apply(std::string_view name, const SharedBytes& record, Revision mod);
    void erase(std::string_view name, Revision mod);
    void apply_stats(JobUid uid, const core::JobStats& stats);
    void erase_stats(JobUid uid);
    // What a list that goes from `last_seen` to `next_seen` does not have. An empty `last_seen`
    // stands for the beginning, an empty `next_seen` for the end.
    void erase_between(std::string_view last_seen, std::string_view next_seen);
    void erase_stats_between(std::optional<JobUid> last_seen, std::optional<JobUid> next_seen);
    // Everything up to `revision` has been applied; waiters for it are let go.
    void reached(Revision revision);

    // ---- read

    Revision revision() const { return revision_; }
    // Runs `done(true)` once revision() >= `revision`, or `done(false)` after `patience`. Posted.
    void when_reached(Revision revision, Duration patience,
                      std::move_only_function<void(bool)> done);

    std::size_t size() const { return jobs_.size(); }
    const CatalogEntry* find(std::string_view name) const { return jobs_.find(name); }
    // Zeroes for a job that never ran.
    core::JobStats stats(JobUid uid) const;
    // The names of the jobs whose parent_job is that one, in order.
    std::vector<std::string> children_of(std::string_view parent) const;
    // Visits at most `count` entries in the order of their names, from the first name >= `from`.
    template <class Visit>
    void visit(std::string_view from, std::size_t count, Visit visit) const {
        jobs_.visit_from(from.empty() ? 0 : jobs_.rank(from), count, visit);
    }
    // The same, from entry number `first` on.
    template <class Visit>
    void visit_from(std::size_t first, std::size_t count, Visit visit) const {
        jobs_.visit_from(first, count, visit);
    }

  private:
    struct NameOf {
        std::string_view operator()(const CatalogEntry& entry) const { return entry.name(); }
    };
    struct StatsEntry {
        JobUid uid;
        std::uint64_t success_count : 60;
        std::uint64_t last_status : 4;
        std::uint64_t error_count;
        WallTime last_success;
        WallTime last_error;
    };
    struct UidOf {
        JobUid operator()(const StatsEntry& entry) const { return entry.uid; }
    };
    struct Waiter {
        std::move_only_function<void(bool)> done;
        runtime::TimerId timer;
    };

    void note_parent(std::string_view name, std::string_view before, std::string_view after);

    runtime::Loop& loop_;
    std::map<std::string, std::set<std::string, std::less<>>, std::less<>> children_;
    SortedChunks<CatalogEntry, NameOf> jobs_;
    SortedChunks<StatsEntry, UidOf> stats_;
    Revision revision_;
    // By revision, then by arrival.
    std::map<std::pair<Revision, std::uint64_t>, Waiter> waiters_;
    std::uint64_t last_waiter_ = 0;
};

}  // namespace khronos::cluster

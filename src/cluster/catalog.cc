#include "cluster/catalog.h"

#include <array>
#include <vector>

namespace khronos::cluster {
namespace {

// The words a job's last status can be, by number.
constexpr std::array<std::string_view, 4> kStatuses{"", "success", "failed", "partially_failed"};

std::uint64_t number_of_status(std::string_view text) {
    for (std::size_t i = 0; i < kStatuses.size(); ++i)
        if (kStatuses[i] == text) return i;
    return 0;
}

}  // namespace

Catalog::~Catalog() {
    for (auto& [key, waiter] : waiters_)
        loop_.cancel(waiter.timer);
}

bool Catalog::apply(std::string_view name, const SharedBytes& record, Revision mod) {
    const auto peek = peek_job(record.view());
    if (!peek || peek->name != name || !is_job_record(record.view())) return false;
    if (CatalogEntry* known = jobs_.find(name)) {
        if (known->mod >= mod) return true;
        const auto before = peek_job(known->record.view());
        note_parent(name, before ? before->parent_job : std::string_view(), peek->parent_job);
        // Deleted and made again between two looks: another job.
        if (known->uid != peek->uid) stats_.erase(known->uid);
        *known = {record, mod, peek->uid};
    } else {
        note_parent(name, "", peek->parent_job);
        jobs_.insert({record, mod, peek->uid});
    }
    return true;
}

void Catalog::erase(std::string_view name, Revision mod) {
    const CatalogEntry* known = jobs_.find(name);
    if (!known || known->mod > mod) return;
    stats_.erase(known->uid);
    if (const auto peek = peek_job(known->record.view())) note_parent(name, peek->parent_job, "");
    jobs_.erase(name);
}

void Catalog::note_parent(std::string_view name, std::string_view before, std::string_view after) {
    if (before == after) return;
    if (const auto was = children_.find(before); !before.empty() && was != children_.end()) {
        if (const auto place = was->second.find(name); place != was->second.end())
            was->second.erase(place);
        if (was->second.empty()) children_.erase(was);
    }
    if (!after.empty()) children_[std::string(after)].emplace(name);
}

std::vector<std::string> Catalog::children_of(std::string_view parent) const {
    const auto found = children_.find(parent);
    if (found == children_.end()) return {};
    return {found->second.begin(), found->second.end()};
}

void Catalog::apply_stats(JobUid uid, const core::JobStats& stats) {
    StatsEntry entry{};
    entry.uid = uid;
    entry.success_count = stats.success_count;
    entry.last_status = number_of_status(stats.last_status);
    entry.error_count = stats.error_count;
    entry.last_success = stats.last_success;
    entry.last_error = stats.last_error;
    if (StatsEntry* known = stats_.find(uid))
        *known = entry;
    else
        stats_.insert(entry);
}

void Catalog::erase_stats(JobUid uid) {
    stats_.erase(uid);
}

void Catalog::erase_between(std::string_view last_seen, std::string_view next_seen) {
    std::size_t first = 0;
    if (!last_seen.empty()) first = jobs_.rank(last_seen) + (jobs_.find(last_seen) ? 1 : 0);
    const std::size_t end = next_seen.empty() ? jobs_.size() : jobs_.rank(next_seen);
    if (end <= first) return;
    std::vector<CatalogEntry> gone;
    jobs_.visit_from(first, end - first, [&](const CatalogEntry& entry) { gone.push_back(entry); });
    for (const CatalogEntry& entry : gone)
        erase(entry.name(), Revision(UINT64_MAX));
}

void Catalog::erase_stats_between(std::optional<JobUid> last_seen,
                                  std::optional<JobUid> next_seen) {
    const std::size_t first =
        last_seen ? stats_.rank(*last_seen) + (stats_.find(*last_seen) ? 1 : 0) : 0;
    const std::size_t end = next_seen ? stats_.rank(*next_seen) : stats_.size();
    if (end <= first) return;
    std::vector<JobUid> gone;
    stats_.visit_from(first, end - first,
                      [&](const StatsEntry& entry) { gone.push_back(entry.uid); });
    for (const JobUid uid : gone)
        stats_.erase(uid);
}

core::JobStats Catalog::stats(JobUid uid) const {
    const StatsEntry* known = stats_.find(uid);
    if (!known) return {};
    return {known->success_count, known->error_count, known->last_success, known->last_error,
            std::string(kStatuses[known->last_status])};
}

void Catalog::reached(Revision revision) {
    if (revision <= revision_) return;
    revision_ = revision;
    while (!waiters_.empty() && waiters_.begin()->first.first <= revision_) {
        auto node = waiters_.extract(waiters_.begin());
        loop_.cancel(node.mapped().timer);
        loop_.post([done = std::move(node.mapped().done)]() mutable { done(true); });
    }
}

void Catalog::when_reached(Revision revision, Duration patience,
                           std::move_only_function<void(bool)> done) {
    if (revision <= revision_) {
        loop_.post([done = std::move(done)]() mutable { done(true); });
        return;
    }
    const std::pair key(revision, ++last_waiter_);
    const runtime::TimerId timer = loop_.call_after(patience, [this, key] {
        auto node = waiters_.extract(key);
        if (!node.empty()) node.mapped().done(false);
    });
    waiters_.emplace(key, Waiter{std::move(done), timer});
}

}  // namespace khronos::cluster

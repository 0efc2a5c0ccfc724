#include "api/job_list.h"

#include <algorithm>
#include <memory>

#include "cluster/job_peek.h"
#include "cluster/next_run.h"
#include "store/codec.h"

namespace khronos::api {
namespace {

using cluster::CatalogEntry;
using cluster::JobPeek;
using Sort = JobListQuery::Sort;

// About a millisecond of work each.
constexpr std::size_t kSlice = 2000;
constexpr std::size_t kSliceOfDecoding = 200;

// What a row is sorted by: one of the two, then the name.
struct Row {
    CatalogEntry entry;
    std::int64_t number = 0;
    std::string_view text;  // into the record
};

class Listing : public std::enable_shared_from_this<Listing> {
  public:
    Listing(cluster::Catalog& catalog, runtime::Loop& loop, JobListQuery query,
            std::move_only_function<void(JobList)> done)
        : catalog_(catalog), loop_(loop), query_(std::move(query)), done_(std::move(done)) {
        query_.end = std::max(query_.end, query_.start);
        // A page of the whole catalog in its own order needs no scan.
        direct_ = query_.sort == Sort::name && query_.q.empty() && query_.metadata.empty() &&
                  query_.tags.empty() && query_.application.empty() && !query_.status &&
                  !query_.disabled;
        // Statistics are found by the uid, which stands in the entry.
        looks_inside_ = !query_.q.empty() || !query_.metadata.empty() || query_.disabled ||
                        !query_.tags.empty() || !query_.application.empty() ||
                        query_.sort == Sort::displayname || query_.sort == Sort::schedule;
    }

    void begin() {
        loop_.post([self = shared_from_this()] {
            if (self->direct_)
                self->take_page();
            else
                self->slice();
        });
    }

  private:
    void take_page() {
        JobList list;
        list.total = catalog_.size();
        const std::size_t start = std::min(query_.start, list.total);
        const std::size_t count = std::min(query_.end, list.total) - start;
        const std::size_t first = query_.descending ? list.total - start - count : start;
        catalog_.visit_from(first, count,
                            [&](const CatalogEntry& entry) { list.entries.push_back(entry); });
        if (query_.descending) std::reverse(list.entries.begin(), list.entries.end());
        done_(std::move(list));
    }

    void slice() {
        const std::size_t size = query_.sort == Sort::next ? kSliceOfDecoding : kSlice;
        std::size_t seen = 0;
        std::string last;
        catalog_.visit(from_, size, [&](const CatalogEntry& entry) {
            consider(entry);
            if (++seen == size) last = entry.name();
        });
        if (seen < size) return finish();
        from_ = last + '\0';  // the first name that can follow
        loop_.post([self = shared_from_this()] { self->slice(); });
    }

    void consider(const CatalogEntry& entry) {
        JobPeek peek;
        if (looks_inside_) {
            const auto found = cluster::peek_job(entry.record.view());
            if (!found) return;
            peek = *found;
        }
        if (!matches(entry, peek)) return;
        ++total_;
        if (query_.sort == Sort::name) {  // they come in this order
            if (query_.descending || rows_.size() < query_.end) rows_.push_back({entry, 0, {}});
            return;
        }
        rows_.push_back(row_of(entry, peek));
        // Only the rows up to the page's end can be wanted.
        if (query_.end < SIZE_MAX / 2 && rows_.size() >= 2 * query_.end + kSlice) drop_the_last();
    }

    bool matches(const CatalogEntry& entry, const JobPeek& peek) const {
        if (!query_.q.empty() && !peek.name.contains(query_.q) &&
            !peek.display_name.contains(query_.q))
            return false;
        if (query_.disabled && *query_.disabled != peek.disabled) return false;
        for (const auto& [key, value] : query_.metadata)
            if (!cluster::metadata_has(peek, key, value)) return false;
        for (const auto& [key, value] : query_.tags)
            if (!cluster::tags_have(peek, key, value)) return false;
        if (!query_.application.empty()) {
            const std::string_view application = cluster::application_of(peek);
            if ((application.empty() ? "default" : application) != query_.application) return false;
        }
        if (query_.status) {
            const bool runs = query_.running && query_.running->contains(entry.uid);
            if (*query_.status == "running") return runs;
            if (catalog_.stats(entry.uid).last_status != *query_.status) return false;
        }
        return true;
    }

    Row row_of(const CatalogEntry& entry, const JobPeek& peek) const {
        Row row{entry, 0, {}};
        switch (query_.sort) {
            case Sort::name:
                break;
            case Sort::displayname:
                row.text = peek.display_name;
                break;
            case Sort::schedule:
                row.text = peek.schedule;
                break;
            case Sort::success_count:
                row.number = static_cast<std::int64_t>(catalog_.stats(entry.uid).success_count);
                break;
            case Sort::error_count:
                row.number = static_cast<std::int64_t>(catalog_.stats(entry.uid).error_count);
                break;
            case Sort::last_success:
                row.number = catalog_.stats(entry.uid).last_success.us;
                break;
            case Sort::last_error:
                row.number = catalog_.stats(entry.uid).last_error.us;
                break;
            case Sort::next:
                if (const auto job = store::decode<core::Job>(entry.record.view()))
                    row.number = cluster::next_run(*job, now_).us;
                break;
        }
        return row;
    }

    // Equal rows stay in the order of their names, both ways.
    bool before(const Row& a, const Row& b) const {
        if (a.number != b.number)
            return query_.descending ? a.number > b.number : a.number < b.number;
        if (a.text != b.text) return query_.descending ? a.text > b.text : a.text < b.text;
        return a.entry.name() < b.entry.name();
    }
    auto order() const {
        return [this](const Row& a, const Row& b) { return before(a, b); };
    }

    void drop_the_last() {
        const auto keep = rows_.begin() + static_cast<std::ptrdiff_t>(query_.end);
        std::nth_element(rows_.begin(), keep, rows_.end(), order());
        rows_.resize(query_.end);
    }

    void finish() {
        JobList list;
        list.total = total_;
        const std::size_t start = std::min(query_.start, rows_.size());
        const std::size_t end = std::min(query_.end, rows_.size());
        if (query_.sort != Sort::name)
            std::partial_sort(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(end),
                              rows_.end(), order());
        else if (query_.descending)
            std::reverse(rows_.begin(), rows_.end());
        for (std::size_t i = start; i < end; ++i)
            list.entries.push_back(std::move(rows_[i].entry));
        done_(std::move(list));
    }

    cluster::Catalog& catalog_;
    runtime::Loop& loop_;
    JobListQuery query_;
    std::move_only_function<void(JobList)> done_;
    WallTime now_ = loop_.wall_now();
    bool direct_ = false;
    bool looks_inside_ = true;
    std::string from_;
    std::vector<Row> rows_;
    std::size_t total_ = 0;
};

}  // namespace

void list_jobs(cluster::Catalog& catalog, runtime::Loop& loop, JobListQuery query,
               std::move_only_function<void(JobList)> done) {
    std::make_shared<Listing>(catalog, loop, std::move(query), std::move(done))->begin();
}

}  // namespace khronos::api

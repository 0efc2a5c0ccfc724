#include "cluster/verify_look.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "store/codec.h"
#include "store/keys.h"

namespace khronos::cluster {
namespace {

using store::KeyValue;
namespace keys = store::keys;

constexpr std::size_t kPage = 500;

struct Look : std::enable_shared_from_this<Look> {
    using Done = std::move_only_function<void(std::expected<LookedAt, std::string>)>;
    using Each = std::move_only_function<void(const KeyValue&)>;

    Look(store::Store& from, JobUid of, std::string called, std::uint64_t base,
         verify::Ticks& shared, const verify::Clocks& by, Done when_done)
        : store(from), token_base(base), ticks(shared), clocks(by), done(std::move(when_done)) {
        history.uid = of;
        history.name = std::move(called);
    }

    store::Store& store;
    const std::uint64_t token_base;
    verify::Ticks& ticks;
    const verify::Clocks clocks;
    Done done;

    verify::JobHistory history;
    LookedAt seen;
    std::vector<verify::Finding> findings;  // of what is beside the history
    std::vector<std::pair<std::int32_t, std::string>> slots;
    Revision revision;

    void finding(std::string invariant, std::string text) {
        findings.push_back({std::move(invariant), std::move(text)});
    }
    void fail(const std::string& why) { done(std::unexpected(why)); }

    // Every key of a prefix, page by page.
    void each(std::string begin, std::string end, std::shared_ptr<Each> on, runtime::Task then) {
        store::RangeRequest request;
        request.begin = std::move(begin);
        request.end = end;
        request.limit = kPage;
        store.range(std::move(request), [self = shared_from_this(), end = std::move(end), on,
                                         then = std::move(then)](auto got) mutable {
            if (!got) return self->fail(got.error().why);
            self->revision = std::max(self->revision, got->revision);
            for (const KeyValue& kv : got->kvs)
                (*on)(kv);
            if (!got->more) return then();
            self->each(got->kvs.back().key + '\0', std::move(end), on, std::move(then));
        });
    }
    void prefix(const std::string& of, Each on, runtime::Task then) {
        each(of, store::prefix_end(of), std::make_shared<Each>(std::move(on)), std::move(then));
    }

    // ---- reading: the cursor first, since records only follow it

    void start() {
        if (!history.name.empty()) return read_cursor();
        // The name of a job that is gone stands in its versions.
        read_versions([self = shared_from_this()] {
            if (self->history.versions.empty()) return self->read_records();
            self->history.name = self->history.versions.back().spec.name;
            self->history.versions.clear();
            self->read_cursor();
        });
    }
    void read_cursor() {
        store.get(keys::shard_cursor(shard_of(history.name)),
                  [self = shared_from_this()](auto got) {
                      if (!got) return self->fail(got.error().why);
                      if (got->kv) {
                          const auto cursor = store::decode<core::Cursor>(got->kv->value.view());
                          if (cursor)
                              self->history.decided = cursor->decided_up_to(self->history.uid);
                          else
                              self->finding("I12", got->kv->key + ": " + cursor.error());
                      }
                      self->read_records();
                  });
    }
    void read_records() {
        prefix(
            keys::executions_of(history.uid),
            [self = shared_from_this()](const KeyValue& kv) {
                auto record = store::decode<core::Execution>(kv.value.view());
                if (!record)
                    self->finding("I13", kv.key + ": " + record.error());
                else if (keys::execution(record->id) != kv.key)
                    self->finding("I13",
                                  kv.key + " holds the record of " + core::to_text(record->id));
                else
                    self->history.records.push_back(std::move(*record));
            },
            [self = shared_from_this()] { self->read_versions([self] { self->read_job(); }); });
    }
    void read_versions(runtime::Task then) {
        history.versions.clear();
        prefix(
            keys::versions_of(history.uid),
            [self = shared_from_this()](const KeyValue& kv) {
                auto version = store::decode<store::JobVersion>(kv.value.view());
                if (!version) return self->finding("I13", kv.key + ": " + version.error());
                if (version->deleted) self->history.deleted_at = version->ended_at;
                self->history.versions.push_back(std::move(version->job));
            },
            std::move(then));
    }
    void read_job() {
        if (history.name.empty()) return read_slots();
        store.get(keys::job(history.name), [self = shared_from_this()](auto got) {
            if (!got) return self->fail(got.error().why);
            if (got->kv) {
                auto job = store::decode<core::Job>(got->kv->value.view());
                if (!job) self->finding("I13", got->kv->key + ": " + job.error());
                // Another job may have the name by now.
                if (job && job->uid == self->history.uid) {
                    std::erase_if(self->history.versions, [&](const core::Job& version) {
                        return version.generation == job->generation;
                    });
                    self->history.versions.push_back(std::move(*job));
                    self->history.deleted_at.reset();
                }
            }
            self->read_slots();
        });
    }
    void read_slots() {
        prefix(
            keys::slots_of(history.uid),
            [self = shared_from_this()](const KeyValue& kv) {
                if (const auto slot = keys::slot_of_key(kv.key))
                    self->slots.emplace_back(slot->number, std::string(kv.value.view()));
            },
            [self = shared_from_this()] { self->read_open(0); });
    }
    // Each open execution is among its shard's open ones.
    void read_open(std::size_t from) {
        const auto& records = history.records;
        while (from < records.size() && !core::is_open(records[from].state))
            ++from;
        if (from == records.size()) return check();
        const core::Execution& record = records[from];
        store.get(keys::open(shard_of(record.job_name), record.id),
                  [self = shared_from_this(), from](auto got) {
                      if (!got) return self->fail(got.error().why);
                      const core::Execution& open = self->history.records[from];
                      if (!got->kv)
                          self->finding("I16", fmt::format("{} is {} and not among the open ones",
                                                           core::to_text(open.id),
                                                           core::to_text(open.state)));
                      self->read_open(from + 1);
                  });
    }

    // ---- checking

    void check() {
        if (history.deleted_at) history.decided = *history.deleted_at;
        check_slots();
        check_tokens();
        seen.name = history.name;
        seen.deleted = history.deleted_at.has_value();
        seen.records = history.records.size();
        seen.verdict = verify::check_job(history, ticks, clocks);
        auto& all = seen.verdict.findings;
        all.insert(all.end(), findings.begin(), findings.end());
        std::sort(all.begin(), all.end());
        done(std::move(seen));
    }
    void check_slots() {
        std::map<std::string, const core::Execution*> open;
        for (const core::Execution& record : history.records)
            if (core::is_open(record.state)) open[core::to_text(record.id)] = &record;
        for (const auto& [number, holder] : slots) {
            const auto at = open.find(holder);
            if (at == open.end())
                finding("I16",
                        fmt::format("slot {} is held by {}, which is not open", number, holder));
            else if (at->second->slot != number)
                finding("I16", fmt::format("slot {} is held by {}, which has slot {}", number,
                                           holder, at->second->slot));
        }
        for (const auto& [id, record] : open) {
            if (record->slot < 0) continue;
            const bool holds = std::any_of(slots.begin(), slots.end(), [&](const auto& slot) {
                return slot.first == record->slot && slot.second == id;
            });
            if (!holds)
                finding("I16",
                        fmt::format("{} is open and does not hold its slot {}", id, record->slot));
        }
    }
    // A token is the base and the revision of a claim.
    void check_tokens() {
        for (const core::Execution& record : history.records)
            if (record.token.value > token_base + revision.value)
                finding("I14", fmt::format("{} has the token {}; the store has given none beyond "
                                           "{}",
                                           core::to_text(record.id), record.token.value,
                                           token_base + revision.value));
    }
};

}  // namespace

void look_at_job(store::Store& store, JobUid uid, std::string name, std::uint64_t token_base,
                 verify::Ticks& ticks, const verify::Clocks& clocks,
                 std::move_only_function<void(std::expected<LookedAt, std::string>)> done) {
    std::make_shared<Look>(store, uid, std::move(name), token_base, ticks, clocks, std::move(done))
        ->start();
}

}  // namespace khronos::cluster

#include "cluster/migrate.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/limits.h"
#include "cluster/meta.h"
#include "store/keys.h"
#include "store/settle.h"

namespace khronos::cluster {
namespace {

using store::KeyValue;
using store::Store;
namespace keys = store::keys;

constexpr std::size_t kPage = 1000;
constexpr std::string_view kSessions = "agents/";
// Of a transaction; its keys cost something, too.
constexpr std::size_t kPuts = limits::kTxnOperations - 1;
constexpr std::size_t kPutBytes = limits::kTxnBytes * 3 / 4;
constexpr std::string_view kEnd = "\xff";

struct Migration : std::enable_shared_from_this<Migration> {
    using Done = std::move_only_function<void(std::expected<Migrated, Error>)>;
    using Page = std::move_only_function<void(store::RangeResult)>;

    Migration(Store& source, Store& target, runtime::Loop& on, MigrateOptions with,
              std::function<void(const MigrateProgress&)> tell, Done when_done)
        : from(source),
          to(target),
          loop(on),
          options(with),
          on_progress(std::move(tell)),
          done(std::move(when_done)) {}

    Store& from;
    Store& to;
    runtime::Loop& loop;
    const MigrateOptions options;
    std::function<void(const MigrateProgress&)> on_progress;
    Done done;

    MigrateProgress progress;
    Migrated result;
    Revision placeholder;
    std::vector<KeyValue> page;  // being copied
    std::size_t written = 0;     // of the page
    bool more = false;

    void fail(ErrorKind kind, std::string message) {
        done(std::unexpected(Error{kind, "", std::move(message)}));
    }
    // One page of a store from `begin` on, up to `end`.
    void read(Store& store, std::string begin, std::string_view end, std::size_t limit,
              bool keys_only, Page then) {
        store::RangeRequest request;
        request.begin = std::move(begin);
        request.end = std::string(end);
        request.limit = limit;
        request.keys_only = keys_only;
        const char* which = &store == &from ? "source" : "target";
        store.range(std::move(request), [self = shared_from_this(), which,
                                         then = std::move(then)](auto got) mutable {
            if (!got)
                return self->fail(ErrorKind::unavailable,
                                  fmt::format("the {} cannot be read: {}", which, got.error().why));
            then(std::move(*got));
        });
    }

    // ---- before anything is written

    void start() {
        from.get(std::string(keys::kMeta), [self = shared_from_this()](auto got) {
            if (!got)
                return self->fail(ErrorKind::unavailable,
                                  "the source cannot be read: " + got.error().why);
            if (!got->kv)
                return self->fail(ErrorKind::refused, "the source holds no Khronos store");
            auto meta = check_meta(*got->kv);
            if (!meta) return self->fail(meta.error().kind, "the source: " + meta.error().message);
            self->result.meta = std::move(*meta);
            // The greatest token there can be is the base and this revision.
            self->result.meta.token_base += got->revision.value;
            self->look_for_sessions([self] { self->look_at_owners(); });
        });
    }
    void look_for_sessions(std::move_only_function<void()> then) {
        read(from, std::string(kSessions), store::prefix_end(kSessions), 1, true,
             [self = shared_from_this(), then = std::move(then)](store::RangeResult got) mutable {
                 if (got.kvs.empty()) return then();
                 self->fail(ErrorKind::refused,
                            fmt::format("an agent works on the source ('{}'): stop all agents "
                                        "first; one that was killed is forgotten after some "
                                        "seconds",
                                        got.kvs.front().key));
             });
    }
    void look_at_owners() {
        read(from, std::string(keys::kShards), store::prefix_end(keys::kShards), kShardCount * 8,
             false, [self = shared_from_this()](store::RangeResult got) {
                 std::size_t owned = 0;
                 std::set<std::string> owners;
                 for (const KeyValue& kv : got.kvs) {
                     const auto key = keys::shard_key_of(kv.key);
                     if (!key || key->part != keys::ShardPart::owner) continue;
                     const auto owner = store::decode<core::Owner>(kv.value.view());
                     if (!owner)
                         return self->fail(ErrorKind::refused,
                                           fmt::format("{}: {}", kv.key, owner.error()));
                     if (owner->agent.empty()) continue;
                     ++owned;
                     owners.insert(owner->node.empty() ? owner->agent : owner->node);
                 }
                 if (owned > 0 && !self->options.owners_are_dead)
                     return self->fail(
                         ErrorKind::refused,
                         fmt::format("{} shards of the source were not given back by {}: its agent "
                                     "runs, or was killed; start it and stop it with SIGTERM, or "
                                     "say that it is dead",
                                     owned, fmt::join(owners, ", ")));
                 self->look_at_target();
             });
    }
    void look_at_target() {
        read(to, "", kEnd, 1, true, [self = shared_from_this()](store::RangeResult got) {
            if (got.kvs.empty()) return self->close_target();
            self->fail(ErrorKind::refused,
                       fmt::format("the target is not empty: it has '{}'", got.kvs.front().key));
        });
    }

    // ---- copying

    // Its meta record is the first key, and one that nobody works with.
    void close_target() {
        store::Meta closed;
        closed.incomplete = true;
        write_meta(closed, Revision{}, [](Migration& self, Revision revision) {
            self.placeholder = revision;
            self.copy_from("");
        });
    }
    void write_meta(const store::Meta& meta, Revision as_read, void (*then)(Migration&, Revision)) {
        const std::string key(keys::kMeta);
        settle({{{key, store::Compare::Target::mod_revision, as_read}},
                {store::Put{key, store::encode(meta), {}}}},
               key, store::encode(meta), then);
    }
    // Nothing else is written to the target, so a conflict is somebody's interference.
    void settle(store::Txn txn, std::string probe, std::string value,
                std::move_only_function<void(Migration&, Revision)> then) {
        store::SettleRequest request;
        request.txn = std::move(txn);
        request.probe = std::move(probe);
        request.is_mine = [value = std::move(value)](const KeyValue& kv) {
            return kv.value.view() == value;
        };
        store::settle(
            to, loop, std::move(request),
            [self = shared_from_this(),
             then = std::move(then)](store::WriteOutcome outcome) mutable {
                if (const auto* applied = std::get_if<store::Applied>(&outcome))
                    return then(*self, applied->revision);
                if (std::holds_alternative<store::Conflict>(outcome))
                    return self->fail(ErrorKind::conflict,
                                      "somebody else writes to the target: nothing else may");
                std::string why = "its outcome is unknown";
                if (const auto* refused = std::get_if<store::Refused>(&outcome)) why = refused->why;
                self->fail(ErrorKind::unavailable, "the target cannot be written: " + why);
            });
    }

    void copy_from(std::string begin) {
        read(from, std::move(begin), kEnd, kPage, false,
             [self = shared_from_this()](store::RangeResult got) {
                 self->page = std::move(got.kvs);
                 self->more = got.more;
                 self->written = 0;
                 self->copy_page();
             });
    }
    void copy_page() {
        store::Txn txn;
        txn.compares.push_back(
            {std::string(keys::kMeta), store::Compare::Target::mod_revision, placeholder});
        std::size_t bytes = 0;
        while (written < page.size() && txn.operations.size() < kPuts) {
            const KeyValue& kv = page[written];
            if (kv.lease)
                return fail(ErrorKind::refused,
                            fmt::format("'{}' of the source lives as long as some session: stop "
                                        "all agents first",
                                        kv.key));
            if (kv.key == keys::kMeta) {
                ++written;
                continue;
            }
            const std::size_t cost = kv.key.size() + kv.value.view().size();
            if (!txn.operations.empty() && bytes + cost > kPutBytes) break;
            bytes += cost;
            result.keys += 1;
            result.bytes += kv.value.view().size();
            if (kv.key.starts_with(keys::kOpen)) ++result.open;
            txn.operations.push_back(store::Put{kv.key, std::string(kv.value.view()), {}});
            ++written;
        }
        if (txn.operations.empty()) return page_is_copied();
        progress.copied = result.keys;
        const auto& last = std::get<store::Put>(txn.operations.back());
        std::string probe = last.key, value = last.value;
        settle(std::move(txn), std::move(probe), std::move(value), [](Migration& self, Revision) {
            if (self.on_progress) self.on_progress(self.progress);
            self.copy_page();
        });
    }
    void page_is_copied() {
        if (more) return copy_from(page.back().key + '\0');
        page.clear();
        compare_from("");
    }

    // ---- reading back

    void compare_from(std::string begin) {
        read(from, begin, kEnd, kPage, false,
             [self = shared_from_this(), begin](store::RangeResult source) mutable {
                 self->read(self->to, std::move(begin), kEnd, kPage, false,
                            [self, source = std::move(source)](store::RangeResult target) {
                                self->compare(source, target);
                            });
             });
    }
    void compare(const store::RangeResult& source, const store::RangeResult& target) {
        const std::size_t common = std::min(source.kvs.size(), target.kvs.size());
        for (std::size_t i = 0; i < common; ++i) {
            const KeyValue& was = source.kvs[i];
            const KeyValue& is = target.kvs[i];
            if (was.key != is.key) return differs(std::min(was.key, is.key));
            if (was.key != keys::kMeta && was.value != is.value) return differs(was.key);
        }
        if (source.kvs.size() != target.kvs.size() || source.more != target.more)
            return differs(common < source.kvs.size()   ? source.kvs[common].key
                           : common < target.kvs.size() ? target.kvs[common].key
                                                        : source.kvs.back().key);
        progress.compared += common;
        if (on_progress) on_progress(progress);
        if (source.more) return compare_from(source.kvs.back().key + '\0');
        // An agent that came meanwhile would go on with the source.
        look_for_sessions([self = shared_from_this()] { self->open_target(); });
    }
    void differs(const std::string& key) {
        fail(ErrorKind::conflict,
             fmt::format("the target does not have what the source has at '{}': was one of them "
                         "written to meanwhile?",
                         key));
    }

    void open_target() {
        write_meta(result.meta, placeholder,
                   [](Migration& self, Revision) { self.done(std::move(self.result)); });
    }
};

}  // namespace

void migrate(Store& from, Store& to, runtime::Loop& loop, MigrateOptions options,
             std::function<void(const MigrateProgress&)> on_progress,
             std::move_only_function<void(std::expected<Migrated, Error>)> done) {
    std::make_shared<Migration>(from, to, loop, options, std::move(on_progress), std::move(done))
        ->start();
}

}  // namespace khronos::cluster

// How a scheduler begins: takes the shards, then reads what they hold.
#include "scheduler/scheduler.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "store/codec.h"
#include "store/keys.h"
#include "store/settle.h"

namespace khronos::scheduler {

using store::Applied;
using store::KeyValue;
namespace keys = store::keys;
namespace txns = store::txns;

void Scheduler::start(std::move_only_function<void(std::expected<void, std::string>)> done) {
    started_ = std::move(done);
    last_look_ = loop_.now();
    read_shards([this](const std::vector<KeyValue>& records) { take_all(records); });
}

void Scheduler::fail(std::string why) {
    if (started_) std::exchange(started_, nullptr)(std::unexpected(std::move(why)));
}

void Scheduler::part_ends() {
    CHECK(parts_ > 0);
    if (--parts_ == 0 && next_part_) std::exchange(next_part_, nullptr)();
}

void Scheduler::read_shards(
    std::move_only_function<void(const std::vector<KeyValue>&)> done) {
    store::RangeRequest request;
    request.begin = keys::kShards;
    request.end = store::prefix_end(keys::kShards);
    request.limit = kShardCount * 8;
    store_.range(std::move(request), [this, done = std::move(done)](auto result) mutable {
        if (!result) return fail("the shards cannot be read: " + result.error().why);
        done(result->kvs);
    });
}

void Scheduler::take_all(const std::vector<KeyValue>& records) {
    struct Found {
        Revision owner;
        Epoch epoch;
        bool cursor = false;
    };
    std::array<Found, kShardCount> found;
    for (const KeyValue& kv : records) {
        const auto key = keys::shard_key_of(kv.key);
        if (!key) continue;
        Found& shard = found[key->shard.value];
        if (key->part == keys::ShardPart::cursor) shard.cursor = true;
        if (key->part != keys::ShardPart::owner) continue;
        shard.owner = kv.mod_revision;
        const auto owner = store::decode<core::Owner>(kv.value.view());
        if (!owner) return fail(fmt::format("{}: {}", kv.key, owner.error()));
        shard.epoch = owner->epoch;
    }
    part_begins();
    next_part_ = [this] {
        // What a shard holds is read after it was taken: nobody else can change it any more.
        read_shards([this](const std::vector<KeyValue>& now) { load_all(now); });
    };
    for (const auto& shard : shards_) {
        const Found& as_read = found[shard->id.value];
        take(*shard, as_read.owner, as_read.epoch.next(), as_read.cursor);
    }
    part_ends();
}

void Scheduler::take(Shard& shard, Revision owner_as_read, Epoch epoch, bool has_cursor) {
    part_begins();
    std::optional<core::Cursor> first;
    if (!has_cursor) {
        first.emplace();
        first->t = loop_.wall_now().floor_second();
        first->nonce = entropy_.next();
    }
    store::SettleRequest request;
    request.txn = txns::take(shard.id, owner_as_read, {config_.agent_id, epoch, config_.node, {}},
                             first);
    request.probe = keys::shard_owner(shard.id);
    request.is_mine = [agent = config_.agent_id, epoch](const KeyValue& kv) {
        const auto owner = store::decode<core::Owner>(kv.value.view());
        return owner && owner->agent == agent && owner->epoch == epoch;
    };
    request.persist = true;
    store::settle(store_, loop_, std::move(request),
                  [this, &shard, epoch](store::WriteOutcome outcome) {
                      if (const auto* applied = std::get_if<Applied>(&outcome)) {
                          shard.owner_revision = applied->revision;
                          shard.epoch = epoch;
                          shard.owned = true;
                      } else if (std::holds_alternative<store::Conflict>(outcome)) {
                          take_again(shard);
                      }
                      part_ends();
                  });
}

// Somebody else's last word came in between: the former owner's, mostly, who gave it back.
void Scheduler::take_again(Shard& shard) {
    part_begins();
    store::RangeRequest request;
    request.begin = keys::shard_owner(shard.id).substr(0, keys::kShards.size() + 4);
    request.end = store::prefix_end(request.begin);
    store_.range(std::move(request), [this, &shard](auto result) {
        if (!result) return fail("a shard cannot be read: " + result.error().why);
        Revision owner_as_read;
        Epoch epoch;
        bool has_cursor = false;
        for (const KeyValue& kv : result->kvs) {
            const auto key = keys::shard_key_of(kv.key);
            if (key && key->part == keys::ShardPart::cursor) has_cursor = true;
            if (!key || key->part != keys::ShardPart::owner) continue;
            const auto owner = store::decode<core::Owner>(kv.value.view());
            if (!owner) return fail(fmt::format("{}: {}", kv.key, owner.error()));
            owner_as_read = kv.mod_revision;
            epoch = owner->epoch;
        }
        take(shard, owner_as_read, epoch.next(), has_cursor);
        part_ends();
    });
}

void Scheduler::load_all(const std::vector<KeyValue>& records) {
    for (const KeyValue& kv : records) {
        const auto key = keys::shard_key_of(kv.key);
        if (!key) continue;
        Shard& shard = *shards_[key->shard.value];
        switch (key->part) {
            case keys::ShardPart::owner:
                if (kv.mod_revision != shard.owner_revision) shard.owned = false;
                break;
            case keys::ShardPart::cursor: {
                const auto cursor = store::decode<core::Cursor>(kv.value.view());
                if (!cursor) return fail(fmt::format("{}: {}", kv.key, cursor.error()));
                shard.engine.set_cursor(*cursor, kv.mod_revision);
                break;
            }
            case keys::ShardPart::jobs:
                learn_jobs_version(shard, kv.mod_revision);
                break;
        }
    }
    part_begins();
    next_part_ = [this] {
        store::Mirror::Listener listener;
        listener.on_list_begins = [] {};
        listener.on_put = [this](KeyValue kv) {
            const auto key = keys::trigger_of_key(kv.key);
            const auto trigger = store::decode<core::Trigger>(kv.value.view());
            if (!key || !trigger) return;
            shards_[key->shard.value]->engine.add_trigger(*trigger);
        };
        listener.on_erase = [this](const std::string& key, Revision) {
            if (const auto item = keys::trigger_of_key(key))
                shards_[item->shard.value]->engine.remove_trigger(item->id);
        };
        listener.on_listed = [] {};
        listener.on_reached = [this](Revision) { wake(); };
        triggers_ = std::make_unique<store::Mirror>(
            store_, loop_,
            store::Mirror::Config{std::string(keys::kTriggers), 5000, config_.relist_every},
            std::move(listener));
        triggers_->start();
        running_ = true;
        std::exchange(started_, nullptr)({});
        wake();
    };
    load_open(std::string(keys::kOpen));
    part_ends();
}

void Scheduler::load_open(std::string from) {
    part_begins();
    store::RangeRequest request;
    request.begin = std::move(from);
    request.end = store::prefix_end(keys::kOpen);
    request.limit = 5000;
    request.keys_only = true;
    store_.range(std::move(request), [this](auto result) {
        if (!result) return fail("the open executions cannot be read: " + result.error().why);
        for (const KeyValue& kv : result->kvs)
            if (const auto item = keys::open_of_key(kv.key))
                if (owns(item->shard)) load_execution(item->shard, item->id);
        if (result->more) load_open(result->kvs.back().key + '\0');
        part_ends();
    });
}

txns::Fence Scheduler::fence_of(const Shard& shard, JobUid job) {
    return {shard.id, shard.owner_revision, shard.engine.job_created(job)};
}

void Scheduler::load_execution(ShardId shard_id, core::ExecutionId id) {
    part_begins();
    store_.get(keys::execution(id), [this, shard_id, id](auto result) {
        if (!result) return fail("an open execution cannot be read: " + result.error().why);
        Shard& shard = *shards_[shard_id.value];
        if (result->kv) {
            auto execution = store::decode<core::Execution>(result->kv->value.view());
            if (!execution)
                return fail(fmt::format("{}: {}", result->kv->key, execution.error()));
            if (core::is_open(execution->state)) {
                shard.engine.add_open(execution->id, execution->slot);
                Fired fired{fence_of(shard, id.uid), std::move(*execution),
                            result->kv->mod_revision, std::nullopt, true};
                if (const SharedBytes* record = shard.engine.job_record(id.uid))
                    if (auto job = store::decode<core::Job>(record->view()))
                        fired.job = std::move(*job);
                events_.on_fired(std::move(fired));
            }
        }
        part_ends();
    });
}

}  // namespace khronos::scheduler

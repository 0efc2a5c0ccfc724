// How a scheduler comes to a shard and leaves it: takes it, reads what it holds, gives it back.
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "scheduler/scheduler.h"
#include "store/codec.h"
#include "store/keys.h"
#include "store/settle.h"

namespace khronos::scheduler {

using store::Applied;
using store::KeyValue;
namespace keys = store::keys;
namespace txns = store::txns;

void Scheduler::start() {
    CHECK(jobs_listed_);
    last_look_ = loop_.now();
    running_ = true;
    watch_triggers();
    arm();
}

// Those of all shards, so that one that is taken has them at once.
void Scheduler::watch_triggers() {
    store::Mirror::Listener listener;
    listener.on_list_begins = [] {};
    listener.on_put = [this](KeyValue kv) {
        const auto key = keys::trigger_of_key(kv.key);
        auto trigger = store::decode<core::Trigger>(kv.value.view());
        if (!key || !trigger) return;
        trigger->revision = kv.mod_revision;
        at(key->shard).engine.add_trigger(*trigger);
    };
    listener.on_erase = [this](const std::string& key, Revision) {
        if (const auto item = keys::trigger_of_key(key))
            at(item->shard).engine.remove_trigger(item->id);
    };
    listener.on_listed = [] {};
    listener.on_reached = [this](Revision) { wake(); };
    triggers_ = std::make_unique<store::Mirror>(
        store_, loop_,
        store::Mirror::Config{std::string(keys::kTriggers), 5000, config_.relist_every},
        std::move(listener));
    triggers_->start();
}

// ---- take

void Scheduler::take(const core::TakeShard& order) {
    Shard& shard = at(order.shard);
    CHECK(shard.state == State::others);
    // A batch of a former time may still be under way; its end is waited for.
    if (shard.writing || !running_)
        return loop_.post([this, id = shard.id] { events_.on_not_taken(id); });
    shard.state = State::taking;
    std::optional<core::Cursor> first;
    if (!order.has_cursor) {
        first.emplace();
        first->t = loop_.wall_now().floor_second();
        first->nonce = entropy_.next();
    }
    store::SettleRequest request;
    request.txn = txns::take(shard.id, order.owner_as_read,
                             {config_.agent_id, order.epoch, config_.node, {}}, first);
    request.probe = keys::shard_owner(shard.id);
    request.is_mine = [agent = config_.agent_id, epoch = order.epoch](const KeyValue& kv) {
        const auto owner = store::decode<core::Owner>(kv.value.view());
        return owner && owner->agent == agent && owner->epoch == epoch;
    };
    store::settle(store_, loop_, std::move(request),
                  [this, &shard, epoch = order.epoch](store::WriteOutcome outcome) {
                      const auto* applied = std::get_if<Applied>(&outcome);
                      if (!applied) {
                          shard.state = State::others;
                          return events_.on_not_taken(shard.id);
                      }
                      shard.owner_revision = applied->revision;
                      shard.epoch = epoch;
                      events_.on_taken(shard.id, epoch, applied->revision);
                      // It may be known already to be another's again.
                      if (shard.state == State::taking) load(shard);
                  });
}

// ---- load: read after it was taken, so nobody else can change it any more

txns::Fence Scheduler::fence_of(const Shard& shard, JobUid job) {
    return {shard.id, shard.owner_revision, shard.engine.job_created(job)};
}

void Scheduler::load(Shard& shard) {
    shard.state = State::loading;
    shard.wait_for = {};
    shard.doubtful.clear();
    shard.load = std::make_shared<Load>();
    read_keys(shard, shard.load);
    read_open(shard, shard.load, keys::open_of(shard.id));
}

void Scheduler::read_again(Shard& shard, std::shared_ptr<Load> load,
                           std::move_only_function<void()> read) {
    loop_.call_after(std::chrono::milliseconds(200),
                     [&shard, load = std::move(load), read = std::move(read)]() mutable {
                         if (shard.load == load) read();
                     });
}

// Its owner decides nothing rather than something wrong.
void Scheduler::unreadable(Shard& shard, const std::string& key, const std::string& why) {
    events_.on_warning(fmt::format("shard {} is not decided for: {} cannot be read: {}",
                                   shard.id.value, key, why));
}

void Scheduler::read_keys(Shard& shard, std::shared_ptr<Load> load) {
    store::RangeRequest request;
    request.begin = keys::shard_keys(shard.id);
    request.end = store::prefix_end(request.begin);
    store_.range(std::move(request), [this, &shard, load](auto result) mutable {
        if (shard.load != load) return;
        if (!result)
            return read_again(shard, load, [this, &shard, load] { read_keys(shard, load); });
        for (const KeyValue& kv : result->kvs) {
            const auto key = keys::shard_key_of(kv.key);
            if (!key) continue;
            switch (key->part) {
                case keys::ShardPart::owner:
                    if (kv.mod_revision != shard.owner_revision) return lose(shard.id);
                    break;
                case keys::ShardPart::cursor: {
                    const auto cursor = store::decode<core::Cursor>(kv.value.view());
                    if (!cursor) return unreadable(shard, kv.key, cursor.error());
                    shard.engine.set_cursor(*cursor, kv.mod_revision);
                    break;
                }
                case keys::ShardPart::jobs: learn_jobs_version(shard, kv.mod_revision); break;
            }
        }
        part_read(shard, load);
    });
}

void Scheduler::read_open(Shard& shard, std::shared_ptr<Load> load, std::string from) {
    store::RangeRequest request;
    request.begin = from;
    request.end = store::prefix_end(keys::open_of(shard.id));
    request.limit = 5000;
    request.keys_only = true;
    store_.range(std::move(request), [this, &shard, load,
                                      from = std::move(from)](auto result) mutable {
        if (shard.load != load) return;
        if (!result)
            return read_again(shard, load, [this, &shard, load, from] {
                read_open(shard, load, from);
            });
        for (const KeyValue& kv : result->kvs) {
            const auto item = keys::open_of_key(kv.key);
            if (!item) continue;
            ++load->missing;
            read_execution(shard, load, item->id);
        }
        if (result->more) {
            ++load->missing;
            read_open(shard, load, result->kvs.back().key + '\0');
        }
        part_read(shard, load);
    });
}

void Scheduler::read_execution(Shard& shard, std::shared_ptr<Load> load, core::ExecutionId id) {
    store_.get(keys::execution(id), [this, &shard, load, id](auto result) mutable {
        if (shard.load != load) return;
        if (!result)
            return read_again(shard, load, [this, &shard, load, id] {
                read_execution(shard, load, id);
            });
        if (result->kv) {
            auto execution = store::decode<core::Execution>(result->kv->value.view());
            if (!execution) return unreadable(shard, result->kv->key, execution.error());
            if (core::is_open(execution->state))
                load->open.emplace_back(std::move(*execution), result->kv->mod_revision);
        }
        part_read(shard, load);
    });
}

void Scheduler::part_read(Shard& shard, const std::shared_ptr<Load>& load) {
    CHECK(load->missing > 0);
    if (--load->missing == 0) loaded(shard);
}

// Everything is read, and the jobs are known as they were when it was: an execution whose job is
// not among them belongs to a deleted one.
void Scheduler::loaded(Shard& shard) {
    if (shard.state != State::loading || shard.load->missing > 0 || shard.wait_for) return;
    const std::shared_ptr<Load> load = std::move(shard.load);
    shard.state = State::owned;
    shard.engine.clear_open();
    for (const auto& [execution, revision] : load->open)
        shard.engine.add_open(execution.id, execution.slot);
    for (auto& [execution, revision] : load->open) {
        const JobUid uid = execution.id.uid;
        Fired fired{fence_of(shard, uid), std::move(execution), revision, std::nullopt, true};
        if (const SharedBytes* record = shard.engine.job_record(uid))
            if (auto job = store::decode<core::Job>(record->view())) fired.job = std::move(*job);
        events_.on_fired(std::move(fired));
    }
    events_.on_loaded(shard.id);
    wake();
}

// ---- leave

void Scheduler::hand_over(ShardId id) {
    Shard& shard = at(id);
    if (shard.state == State::others) return loop_.post([this, id] { events_.on_lost(id); });
    CHECK(shard.state == State::owned || shard.state == State::loading);
    shard.load.reset();
    shard.state = State::leaving;
    if (!shard.writing) give_back(shard);
}

void Scheduler::give_back(Shard& shard) {
    events_.on_gone(shard.id);
    store::SettleRequest request;
    request.txn = txns::release({shard.id, shard.owner_revision}, {{}, shard.epoch, {}, {}});
    request.probe = keys::shard_owner(shard.id);
    request.is_mine = [epoch = shard.epoch](const KeyValue& kv) {
        const auto owner = store::decode<core::Owner>(kv.value.view());
        return owner && owner->agent.empty() && owner->epoch == epoch;
    };
    request.persist = true;
    store::settle(store_, loop_, std::move(request), [this, &shard](store::WriteOutcome outcome) {
        if (shard.state != State::leaving) return;
        shard.state = State::others;
        if (const auto* applied = std::get_if<Applied>(&outcome)) {
            events_.on_handed_over(shard.id, applied->revision);
        } else {
            events_.on_lost(shard.id);
        }
    });
}

void Scheduler::lose(ShardId id) {
    Shard& shard = at(id);
    if (shard.state == State::others) return;
    const bool told = shard.state == State::leaving && !shard.writing;  // on_gone was
    shard.load.reset();
    shard.state = State::others;
    if (!told) events_.on_gone(id);
    events_.on_lost(id);
}

}  // namespace khronos::scheduler

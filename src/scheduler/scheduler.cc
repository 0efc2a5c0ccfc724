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

struct Scheduler::InFlight {
    std::vector<core::ExecutionId> triggers;
    core::Cursor after;
    std::vector<core::Execution> records;
    std::vector<std::optional<core::Job>> jobs;
};

Scheduler::Scheduler(store::Store& store, runtime::Loop& loop, runtime::Entropy& entropy,
                     SchedulerConfig config, Events events)
    : store_(store),
      loop_(loop),
      entropy_(entropy),
      config_(std::move(config)),
      events_(std::move(events)) {
    for (std::uint16_t i = 0; i < kShardCount; ++i)
        shards_[i] = std::make_unique<Shard>(ShardId(i), config_.rules);
}

Scheduler::~Scheduler() { loop_.cancel(timer_); }

// ---- the catalog of jobs

void Scheduler::jobs_list_begins() {
    listing_ = true;
    for (const auto& shard : shards_) shard->engine.list_begins();
}

void Scheduler::put_job(const KeyValue& kv) {
    auto job = store::decode<core::Job>(kv.value.view());
    if (!job) {
        events_.on_warning(fmt::format("{}: {}; it is left alone", kv.key, job.error()));
        return;
    }
    Shard& shard = *shards_[shard_of(job->spec.name).value];
    if (!shard.engine.save_job(*job, kv.value, kv.create_revision)) {
        ++stats_.unknown_schedules;
        events_.on_warning(
            fmt::format("job {}: this version of Khronos cannot read its schedule '{}' (zone "
                        "'{}'); it does not run here by itself",
                        job->spec.name, job->spec.schedule, job->spec.timezone));
    }
    // A name has one job: the end of the one before was lost on the way.
    if (!listing_) {
        std::vector<JobUid> replaced;
        for (const SharedBytes* record : shard.engine.perhaps_named(job->spec.name))
            if (const auto other = store::decode<core::Job>(record->view());
                other && other->uid != job->uid && other->spec.name == job->spec.name)
                replaced.push_back(other->uid);
        for (const JobUid uid : replaced) {
            shard.engine.remove_job(uid);
            events_.on_job_deleted(uid);
        }
    }
    // A list tells jobs in the order of their names, not of their revisions: it says nothing of
    // the version until it is complete.
    if (!listing_) shard.engine.set_jobs_version(std::max(shard.engine.jobs_version(), kv.mod_revision));
}

void Scheduler::erase_job(std::string_view key, Revision revision) {
    const auto name = keys::job_name_of(key);
    if (!name) return;
    Shard& shard = *shards_[shard_of(*name).value];
    for (const SharedBytes* record : shard.engine.perhaps_named(*name)) {
        const auto job = store::decode<core::Job>(record->view());
        if (!job || job->spec.name != *name) continue;
        const JobUid uid = job->uid;
        shard.engine.remove_job(uid);
        events_.on_job_deleted(uid);
        break;
    }
    shard.engine.set_jobs_version(std::max(shard.engine.jobs_version(), revision));
}

void Scheduler::jobs_listed() {
    listing_ = false;
    jobs_listed_ = true;
    for (const auto& shard : shards_)
        for (const JobUid uid : shard->engine.list_ends()) events_.on_job_deleted(uid);
}

void Scheduler::jobs_reached(Revision revision) {
    jobs_reached_ = revision;
    for (const auto& shard : shards_) {
        if (!shard->wait_for || shard->wait_for > revision) continue;
        shard->engine.set_jobs_version(std::max(shard->engine.jobs_version(), shard->wait_for));
        shard->wait_for = {};
        loaded(*shard);
    }
    wake();
}

void Scheduler::learn_jobs_version(Shard& shard, Revision version) {
    if (version <= shard.engine.jobs_version()) return;
    if (jobs_listed_ && !listing_ && version <= jobs_reached_) {
        shard.engine.set_jobs_version(version);
    } else {
        if (!shard.wait_for) shard.waits_since = loop_.mono_now();
        shard.wait_for = std::max(shard.wait_for, version);
    }
}

// A watch that lost an event without saying so would leave a shard waiting for ever.
void Scheduler::look_for_lag(MonoTime now) {
    for (const auto& shard : shards_) {
        if (!shard->wait_for || now - shard->waits_since < config_.jobs_patience) continue;
        if (lag_told_ && now - *lag_told_ < config_.jobs_patience * 3) return;
        lag_told_ = now;
        events_.on_jobs_lag();
        return;
    }
}

void Scheduler::claimed(const core::Execution& execution) {
    if (execution.slot >= 0)
        at(shard_of(execution.job_name)).engine.took_slot(execution.id, execution.slot);
}

void Scheduler::ended(ShardId shard, const core::ExecutionId& id) {
    shards_[shard.value]->engine.remove_open(id);
}

// ---- the round

void Scheduler::wake() {
    if (!running_ || run_posted_) return;
    run_posted_ = true;
    loop_.post([this] {
        run_posted_ = false;
        run();
    });
}

WallTime Scheduler::next_due() const {
    WallTime due = WallTime::max();
    for (const auto& shard : shards_)
        if (shard->state == State::owned) due = std::min(due, shard->engine.next_due());
    return due;
}

WallTime Scheduler::decided_up_to(ShardId shard) const {
    const Shard& one = *shards_[shard.value];
    return one.state == State::owned ? one.engine.cursor().t : WallTime{};
}

void Scheduler::arm() {
    loop_.cancel(timer_);
    if (!running_) return;
    const Now now = loop_.now();
    Duration sleep = config_.longest_sleep;
    if (hold_until_) {
        sleep = std::min(sleep, *hold_until_ - now.mono);
    } else if (const WallTime due = next_due(); due != WallTime::max()) {
        sleep = std::min(sleep, due - now.wall);
    }
    // A due shard that waits for its catalog is woken by that; it must not spin here.
    sleep = std::max<Duration>(sleep, std::chrono::microseconds(100));
    timer_ = loop_.call_at(now.mono + sleep, [this] { run(); });
}

// Whether the wall clock was stepped forward just now: then the ticks that it jumped over are
// missed ones, and one looks again after a moment, lest a passing error of the clock decide them.
bool Scheduler::clock_stepped(Now now) {
    const Duration drift = (now.wall - last_look_.wall) - (now.mono - last_look_.mono);
    const Now before = last_look_;
    last_look_ = now;
    if (drift > config_.step_threshold) {
        events_.on_warning(fmt::format("the wall clock was stepped forward from {} to {}; what it "
                                       "jumped over is missed, by each job's policy",
                                       to_rfc3339(before.wall), to_rfc3339(now.wall)));
        hold_until_ = now.mono + config_.hold_after_step;
        stepped_to_ = now.wall;
        for (const auto& shard : shards_) shard->engine.clock_stepped(now.wall);
    } else if (drift < -config_.step_threshold) {
        events_.on_warning(fmt::format("the wall clock was stepped back from {} to {}; decided "
                                       "ticks stay decided",
                                       to_rfc3339(before.wall), to_rfc3339(now.wall)));
        hold_until_.reset();
    }
    if (stepped_to_.is_set() && now.wall < stepped_to_) {
        // Taken back: what it seemed to have jumped over is still to come.
        stepped_to_ = {};
        for (const auto& shard : shards_) shard->engine.clock_stepped({});
    }
    if (hold_until_ && now.mono >= *hold_until_) hold_until_.reset();
    return hold_until_.has_value();
}

void Scheduler::run() {
    if (!running_ || !jobs_listed_) return;
    const Now now = loop_.now();
    look_for_lag(now.mono);
    if (!clock_stepped(now)) {
        for (const auto& shard : shards_)
            if (shard->state == State::owned && !shard->wait_for && !shard->resyncing &&
                shard->engine.next_due() <= now.wall)
                run_shard(*shard, now.wall);
    }
    arm();
}

void Scheduler::run_shard(Shard& shard, WallTime now) {
    if (auto batch = shard.engine.decide(now)) write(shard, std::move(*batch));
}

core::Execution Scheduler::record_of(const core::Decision& decision, const core::Job* job,
                                     WallTime now, std::uint64_t nonce) const {
    core::Execution e;
    e.id = decision.id;
    e.generation = decision.generation;
    e.scheduled_at = decision.tick.at;
    e.decided_at = now;
    e.decided_by = config_.node;
    e.nonce = nonce;
    e.reason = decision.tick.reason;
    if (job) e.job_name = job->spec.name;
    if (decision.trigger) {
        e.job_name = decision.trigger->job_name;
        e.payload = decision.trigger->payload;
    }
    if (decision.blocked_by) e.blocked_by = core::to_text(*decision.blocked_by);
    e.range_from = decision.tick.range_from;
    e.range_count = decision.tick.count;
    e.range_count_is_floor = decision.tick.count_is_floor;
    e.coalesced_into = decision.tick.coalesced_into;
    switch (decision.tick.kind) {
        case core::TickDecision::Kind::fire:
            e.state = core::ExecutionState::waiting;
            e.slot = decision.slot;
            // Decided at T, started up to `spread` later; the same moment for the same tick.
            if (job && job->spec.spread > Duration(0) &&
                decision.id.trigger.kind == core::TriggerKind::tick) {
                const std::uint64_t hash = stable_hash(core::to_text(decision.id));
                e.not_before = e.scheduled_at +
                               Duration(static_cast<std::int64_t>(
                                   hash % static_cast<std::uint64_t>(job->spec.spread.count())));
            }
            // Asked for while the shard was ahead of the clock: decided now, started on time.
            if (e.scheduled_at > now) e.not_before = std::max(e.not_before, e.scheduled_at);
            break;
        case core::TickDecision::Kind::skip:
            e.state = core::ExecutionState::skipped;
            break;
        case core::TickDecision::Kind::coalesce:
            e.state = core::ExecutionState::coalesced;
            break;
    }
    return e;
}

void Scheduler::write(Shard& shard, core::Batch batch) {
    auto in_flight = std::make_shared<InFlight>();
    const WallTime now = loop_.wall_now();
    const std::uint64_t nonce = entropy_.next();
    in_flight->after = batch.after;
    in_flight->after.nonce = nonce;
    in_flight->records.reserve(batch.decisions.size());
    for (const core::Decision& decision : batch.decisions) {
        std::optional<core::Job> job;
        if (!decision.job.empty())
            if (auto decoded = store::decode<core::Job>(decision.job.view()))
                job = std::move(*decoded);
        in_flight->records.push_back(record_of(decision, job ? &*job : nullptr, now, nonce));
        in_flight->jobs.push_back(std::move(job));
        if (decision.trigger) in_flight->triggers.push_back(decision.trigger->id);
    }
    store::SettleRequest request;
    request.txn = txns::fire({shard.id, shard.owner_revision}, batch, in_flight->after,
                             in_flight->records);
    request.probe = keys::shard_cursor(shard.id);
    request.is_mine = [nonce](const KeyValue& kv) {
        const auto cursor = store::decode<core::Cursor>(kv.value.view());
        return cursor && cursor->nonce == nonce;
    };
    request.persist = true;
    ++in_flight_;
    shard.writing = true;
    store::settle(store_, loop_, std::move(request),
                  [this, &shard, in_flight](store::WriteOutcome outcome) {
                      --in_flight_;
                      shard.writing = false;
                      on_written(shard, in_flight, std::move(outcome));
                      if (quiet_ && in_flight_ == 0) std::exchange(quiet_, nullptr)();
                  });
}

void Scheduler::on_written(Shard& shard, std::shared_ptr<InFlight> in_flight,
                           store::WriteOutcome outcome) {
    const auto* applied = std::get_if<Applied>(&outcome);
    if (!applied) {
        shard.engine.not_applied();
        if (const auto* refused = std::get_if<store::Refused>(&outcome))
            events_.on_warning(fmt::format("shard {}: a decision was refused by the store: {}",
                                           shard.id.value, refused->why));
        ++stats_.conflicts;
        if (shard.state == State::leaving) return give_back(shard);
        if (shard.state != State::owned) return;
        shard.doubtful = std::move(in_flight->triggers);
        resync(shard);
        return;
    }
    // Where the shard was lost meanwhile, the next owner goes on from these records.
    const bool ours = shard.state == State::owned || shard.state == State::leaving;
    shard.engine.applied(applied->revision);
    for (std::size_t i = 0; i < in_flight->records.size(); ++i) {
        core::Execution& record = in_flight->records[i];
        switch (record.state) {
            case core::ExecutionState::waiting: ++stats_.fired; break;
            case core::ExecutionState::skipped: stats_.skipped += record.range_count; break;
            default: stats_.coalesced += record.range_count; break;
        }
        events_.on_decided(record);
        if (record.state != core::ExecutionState::waiting || !ours) continue;
        const txns::Fence fence = fence_of(shard, record.id.uid);
        events_.on_fired({fence, std::move(record), applied->revision,
                          std::move(in_flight->jobs[i]), false});
    }
    if (shard.state == State::leaving) return give_back(shard);
    wake();
}

// A compare failed: find out which, and wait for what is missing.
void Scheduler::resync(Shard& shard) {
    if (shard.resyncing || !running_) return;
    shard.resyncing = true;  // nothing is decided until it is over
    read_back(shard);
}

void Scheduler::read_back(Shard& shard) {
    if (shard.state != State::owned) {
        shard.resyncing = false;
        return;
    }
    struct Seen {
        Revision owner, cursor, jobs;
        int missing = 3;
        bool failed = false;
    };
    auto seen = std::make_shared<Seen>();
    const auto part = [this, &shard, seen](Revision Seen::*field) {
        return [this, &shard, seen, field](std::expected<store::GetResult, store::ReadError> r) {
            if (!r) {
                seen->failed = true;
            } else if (r->kv) {
                (*seen).*field = r->kv->mod_revision;
            }
            if (--seen->missing > 0) return;
            if (seen->failed) {
                loop_.call_after(std::chrono::milliseconds(200),
                                 [this, &shard] { read_back(shard); });
                return;
            }
            shard.resyncing = false;
            if (shard.state != State::owned) return;
            if (seen->owner != shard.owner_revision || seen->cursor != shard.engine.cursor_revision())
                return lose(shard.id);
            learn_jobs_version(shard, seen->jobs);
            drop_decided_triggers(shard);
            wake();
        };
    };
    store_.get(keys::shard_owner(shard.id), part(&Seen::owner));
    store_.get(keys::shard_cursor(shard.id), part(&Seen::cursor));
    store_.get(keys::shard_jobs(shard.id), part(&Seen::jobs));
}

// An `@at` may be asked for that was decided by another version of its job: a tick is decided
// once, so there is nothing more to do.
void Scheduler::drop_decided_triggers(Shard& shard) {
    for (const core::ExecutionId& id : std::exchange(shard.doubtful, {})) {
        // Decided by a former owner, and the watch has not told yet that it is consumed.
        store_.get(keys::trigger(shard.id, id), [this, &shard, id](auto result) {
            if (!result || result->kv || shard.state != State::owned) return;
            shard.engine.remove_trigger(id);
            wake();
        });
        store_.get(keys::execution(id), [this, &shard, id](auto result) {
            if (!result || !result->kv || shard.state != State::owned) return;
            shard.engine.remove_trigger(id);
            drop_trigger(shard, id);
            wake();
        });
    }
}

// Erasing it twice does no harm.
void Scheduler::drop_trigger(Shard& shard, const core::ExecutionId& id) {
    store_.write(txns::drop_trigger({shard.id, shard.owner_revision}, id),
                 [this, &shard, id](store::WriteOutcome outcome) {
                     if (std::holds_alternative<store::Applied>(outcome) ||
                         std::holds_alternative<store::Conflict>(outcome) || !running_)
                         return;
                     loop_.call_after(std::chrono::seconds(1),
                                      [this, &shard, id] { drop_trigger(shard, id); });
                 });
}

// ---- stop

void Scheduler::quiesce(std::move_only_function<void()> done) {
    running_ = false;
    loop_.cancel(timer_);
    if (triggers_) triggers_->stop();
    if (in_flight_ == 0) {
        loop_.post(std::move(done));
    } else {
        quiet_ = std::move(done);
    }
}

SchedulerStats Scheduler::stats() const {
    SchedulerStats stats = stats_;
    for (const auto& shard : shards_) {
        stats.jobs += shard->engine.job_count();
        if (shard->state == State::owned) ++stats.shards_owned;
    }
    return stats;
}

}  // namespace khronos::scheduler

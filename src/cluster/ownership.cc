#include "cluster/ownership.h"

#include <fmt/format.h>

#include <utility>

#include "core/model/shard.h"
#include "store/codec.h"
#include "store/keys.h"

namespace khronos::cluster {

namespace keys = store::keys;

namespace {

// Patience runs out, and a refused take is tried again, at this pace.
constexpr Duration kStepEvery = std::chrono::milliseconds(250);

}  // namespace

Ownership::Ownership(store::Store& store, runtime::Loop& loop, Config config, Actions actions)
    : store_(store),
      loop_(loop),
      config_(std::move(config)),
      actions_(std::move(actions)),
      engine_(config_.session.self.id, config_.rules),
      mirror_(store, loop,
              {std::string(keys::kShards), 1000, config_.alone ? Duration(0) : config_.relist_every},
              listener()) {
    if (config_.alone) return;
    Session::Events events;
    events.on_change = [this] {
        set_members();
        actions_.on_members();
        wake();
    };
    events.on_warning = [this](std::string what) { actions_.on_warning(std::move(what)); };
    session_ = std::make_unique<Session>(store, loop, config_.session, std::move(events));
}

Ownership::~Ownership() {
    *alive_ = false;
    loop_.cancel(timer_);
    loop_.cancel(leave_timer_);
}

void Ownership::start(std::move_only_function<void()> settled) {
    settled_ = std::move(settled);
    set_members();
    mirror_.start();
    if (session_) session_->start();
    step();
}

void Ownership::set_members() {
    std::vector<core::OwnershipMember> members;
    if (!session_) {
        if (!leaving_) members.push_back({config_.session.self.id, true});
    } else {
        for (const auto& [id, session] : session_->members())
            members.push_back({id, !session.leaving && !session.clock_off &&
                                       !(leaving_ && id == config_.session.self.id)});
    }
    engine_.set_members(std::move(members));
}

// ---- what the owner keys say

store::Mirror::Listener Ownership::listener() {
    store::Mirror::Listener listener;
    listener.on_list_begins = [] {};
    listener.on_put = [this](store::KeyValue kv) { on_put(kv); };
    // Owner keys and cursors are never erased.
    listener.on_erase = [](const std::string&, Revision) {};
    listener.on_listed = [this] { listed_ = true; };
    listener.on_reached = [this](Revision) { wake(); };
    return listener;
}

void Ownership::on_put(const store::KeyValue& kv) {
    const auto key = keys::shard_key_of(kv.key);
    if (!key) return;
    if (key->part == keys::ShardPart::cursor) {
        engine_.set_has_cursor(key->shard);
        if (const auto cursor = store::decode<core::Cursor>(kv.value.view()))
            cursors_[key->shard.value] = cursor->t;
        return;
    }
    if (key->part != keys::ShardPart::owner) return;
    const auto owner = store::decode<core::Owner>(kv.value.view());
    if (!owner) return actions_.on_warning(fmt::format("{}: {}", kv.key, owner.error()));
    const std::string before = engine_.owner_of(key->shard);
    engine_.set_owner(key->shard, owner->agent, owner->epoch, kv.mod_revision);
    if (before != engine_.owner_of(key->shard)) actions_.on_owner(key->shard);
    if (engine_.mine(key->shard) && engine_.owner_of(key->shard) != config_.session.self.id)
        actions_.lose(key->shard);
}

// A take failed, or a shard was lost: what the mirror said was too old.
void Ownership::read_owner(ShardId shard) {
    store_.get(keys::shard_owner(shard), [this, alive = alive_, shard](auto result) {
        if (!*alive) return;
        if (!result) {
            loop_.call_after(kStepEvery, [this, alive, shard] {
                if (*alive) read_owner(shard);
            });
            return;
        }
        if (result->kv) on_put(*result->kv);
        wake();
    });
}

// ---- rounds

void Ownership::wake() {
    if (std::exchange(wake_posted_, true)) return;
    loop_.post([this, alive = alive_] {
        if (!*alive) return;
        wake_posted_ = false;
        step();
    });
}

void Ownership::step() {
    loop_.cancel(timer_);
    timer_ = loop_.call_after(kStepEvery, [this] { step(); });
    if (!listed_) return;
    for (const core::OwnershipEffect& effect : engine_.step(loop_.mono_now())) {
        if (const auto* take = std::get_if<core::TakeShard>(&effect)) {
            ++taking_;
            actions_.take(*take);
        } else {
            actions_.hand_over(std::get<core::HandOverShard>(effect).shard);
        }
    }
    check_settled();
    check_left();
}

void Ownership::took(ShardId shard, Epoch epoch, Revision revision) {
    --taking_;
    const std::string before = engine_.owner_of(shard);
    engine_.took(shard, epoch, revision);
    if (before != engine_.owner_of(shard)) actions_.on_owner(shard);
    if (!engine_.mine(shard)) actions_.lose(shard);
    wake();
}

void Ownership::not_taken(ShardId shard) {
    --taking_;
    engine_.not_taken(shard);
    read_owner(shard);
}

void Ownership::handed_over(ShardId shard, Revision revision) {
    engine_.handed_over(shard, revision);
    actions_.on_owner(shard);
    wake();
}

void Ownership::lost(ShardId shard) {
    engine_.lost(shard);
    if (!leaving_) {
        actions_.on_warning(fmt::format("shard {} is no longer ours", shard.value));
        read_owner(shard);
    }
    wake();
}

void Ownership::check_settled() {
    if (settled_ && taking_ == 0 && engine_.orphans() == 0) std::exchange(settled_, nullptr)();
}

void Ownership::set_addresses(std::string http, std::string rpc) {
    if (session_) return session_->set_addresses(std::move(http), std::move(rpc));
    config_.session.self.http_address = std::move(http);
    config_.session.self.rpc_address = std::move(rpc);
}

// ---- leave

void Ownership::leave(std::move_only_function<void()> done) {
    left_ = std::move(done);
    leaving_ = true;
    settled_ = nullptr;
    leave_timer_ = loop_.call_after(config_.leave_patience, [this] { finish_leaving(); });
    if (session_) session_->say_leaving();
    set_members();
    engine_.give_up_all();
    step();
}

void Ownership::check_left() {
    if (left_ && taking_ == 0 && engine_.all_handed_over()) finish_leaving();
}

void Ownership::finish_leaving() {
    if (!left_) return;
    loop_.cancel(leave_timer_);
    loop_.cancel(timer_);
    mirror_.stop();
    auto done = std::exchange(left_, nullptr);
    if (!session_) return loop_.post(std::move(done));
    session_->end(std::move(done));
}

// ---- views

std::vector<core::AgentSession> Ownership::members() const {
    if (!session_) return {config_.session.self};
    std::vector<core::AgentSession> members;
    for (const auto& [id, session] : session_->members()) members.push_back(session);
    return members;
}

const core::AgentSession* Ownership::eldest() const {
    return session_ ? session_->eldest() : &config_.session.self;
}

std::vector<ShardView> Ownership::shards() const {
    std::vector<ShardView> views;
    for (std::uint16_t i = 0; i < kShardCount; ++i)
        views.push_back({ShardId(i), engine_.owner_of(ShardId(i)), engine_.epoch_of(ShardId(i)),
                         cursors_[i]});
    return views;
}

}  // namespace khronos::cluster

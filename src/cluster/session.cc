#include "cluster/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/ownership/clock_check.h"
#include "store/codec.h"
#include "store/keys.h"

namespace khronos::cluster {

namespace keys = store::keys;

namespace {

// Of a peer's clock: the least delayed of the last few tells most.
constexpr std::size_t kClockSamples = 4;
constexpr std::size_t kClockSamplesNeeded = 2;
constexpr Duration kClockLookEvery = std::chrono::seconds(1);

}  // namespace

Session::Session(store::Store& store, runtime::Loop& loop, Config config, Events events)
    : store_(store),
      loop_(loop),
      config_(std::move(config)),
      events_(std::move(events)),
      mirror_(store, loop, {std::string(keys::kAgents), 1000, config_.relist_every}, listener()) {}

Session::~Session() {
    *alive_ = false;
    for (const runtime::TimerId timer : {keep_timer_, refresh_timer_, join_timer_, clock_timer_})
        loop_.cancel(timer);
}

void Session::start() {
    mirror_.start();
    if (!config_.predecessor.empty())
        store_.write({{}, {store::Erase{keys::agent(config_.predecessor)}}},
                     [](store::WriteOutcome) {});
    last_look_ = loop_.now();
    look_at_own_clock();
}

// ---- our own record

void Session::join() {
    if (ended_ || joining_) return;
    joining_ = true;
    const std::uint64_t round = ++round_;
    store_.lease_grant(config_.ttl, [this, alive = alive_, round](auto granted) {
        if (!*alive || ended_ || round != round_) return;
        joining_ = false;
        if (!granted) {
            join_timer_ = loop_.call_after(config_.ttl / 6, [this] { join(); });
            return;
        }
        lease_ = *granted;
        put_record();
        keep_alive();
    });
}

void Session::rejoin() {
    if (ended_) return;
    lease_ = {};
    joining_ = false;
    loop_.cancel(keep_timer_);
    loop_.cancel(refresh_timer_);
    loop_.cancel(join_timer_);
    join();
}

void Session::put_record() {
    if (!lease_ || ended_) return;
    loop_.cancel(refresh_timer_);
    refresh_timer_ = loop_.call_after(config_.refresh, [this] { put_record(); });
    config_.self.clock = loop_.wall_now();
    // Whether it was applied is told by the mirror; written again it does no harm.
    store_.write({{}, {store::Put{keys::agent(config_.self.id), store::encode(config_.self), lease_}}},
                 [this, alive = alive_, lease = lease_](store::WriteOutcome outcome) {
                     if (!*alive || ended_ || lease != lease_) return;
                     const auto* refused = std::get_if<store::Refused>(&outcome);
                     if (refused && refused->kind == store::RefusedKind::no_lease) return rejoin();
                     if (std::holds_alternative<store::Applied>(outcome)) return;
                     loop_.cancel(refresh_timer_);
                     refresh_timer_ = loop_.call_after(config_.ttl / 6, [this] { put_record(); });
                 });
}

void Session::keep_alive() {
    if (ended_ || !lease_) return;
    loop_.cancel(keep_timer_);
    keep_timer_ = loop_.call_after(config_.ttl / 3, [this] { keep_alive(); });
    store_.lease_keep_alive(lease_, [this, alive = alive_, lease = lease_](auto kept) {
        if (!*alive || ended_ || lease != lease_ || kept) return;
        if (kept.error().kind != store::RefusedKind::no_lease) return;  // the next one may do
        events_.on_warning("the session of this agent has run out; it is begun anew");
        rejoin();
    });
}

void Session::set_addresses(std::string http, std::string rpc) {
    config_.self.http_address = std::move(http);
    config_.self.rpc_address = std::move(rpc);
    put_record();
}

void Session::say_leaving() {
    if (config_.self.leaving) return;
    config_.self.leaving = true;
    put_record();
}

void Session::end(std::move_only_function<void()> done) {
    ended_ = true;
    mirror_.stop();
    for (const runtime::TimerId timer : {keep_timer_, refresh_timer_, join_timer_, clock_timer_})
        loop_.cancel(timer);
    if (!lease_) return loop_.post(std::move(done));
    // An answer that does not come is not waited for: the lease runs out.
    auto once = std::make_shared<std::move_only_function<void()>>(std::move(done));
    const auto finish = [once] {
        if (*once) std::exchange(*once, nullptr)();
    };
    store_.lease_revoke(lease_, [finish](auto) { finish(); });
    join_timer_ = loop_.call_after(config_.ttl, finish);
}

// ---- the others' records

store::Mirror::Listener Session::listener() {
    store::Mirror::Listener listener;
    listener.on_list_begins = [this] {
        listing_ = true;
        before_list_.clear();
        for (const auto& [id, session] : members_) before_list_.push_back(id);
    };
    listener.on_put = [this](store::KeyValue kv) { on_put(kv); };
    listener.on_erase = [this](const std::string& key, Revision) {
        if (const auto id = keys::agent_of_key(key)) changed_ |= members_.erase(*id) > 0;
    };
    listener.on_listed = [this] {
        listing_ = false;
        for (const std::string& id : before_list_) changed_ |= members_.erase(id) > 0;
        before_list_.clear();
        look_at_clocks();
        if (std::exchange(joined_, true)) return;
        join();
    };
    listener.on_reached = [this](Revision) {
        if (!std::exchange(changed_, false)) return;
        std::erase_if(came_, [this](const auto& one) { return !members_.contains(one.first); });
        std::erase_if(samples_, [this](const auto& one) { return !members_.contains(one.first); });
        events_.on_change();
        // Revoked by somebody, or run out while we were slow: say again that we are here.
        if (lease_ && !ended_ && !members_.contains(config_.self.id)) put_record();
    };
    return listener;
}

void Session::on_put(const store::KeyValue& kv) {
    const auto id = keys::agent_of_key(kv.key);
    auto session = store::decode<core::AgentSession>(kv.value.view());
    if (!id || !session) {
        events_.on_warning(fmt::format("{}: this agent's session cannot be read; it is taken for "
                                       "absent", kv.key));
        return;
    }
    std::erase(before_list_, *id);
    if (*id != config_.self.id) sample(*id, loop_.wall_now() - session->clock);
    core::AgentSession& known = members_[*id];
    came_[*id] = kv.create_revision;
    session->clock = known.clock.is_set() && known.id == session->id ? known.clock : session->clock;
    if (known == *session) return;
    known = std::move(*session);
    changed_ = true;
}

// ---- clocks

// An event has just been written. A listed record may be as old as two writes of it lie apart:
// enough to see a clock that is grossly wrong, before its agent takes anything.
void Session::sample(const std::string& id, Duration ahead) {
    Samples& samples = samples_[id];
    if (listing_) {
        samples.listed = ahead > Duration(0) ? std::max(Duration(0), ahead - 2 * config_.refresh)
                                             : ahead;
        return;
    }
    samples.ahead.push_back(ahead);
    if (samples.ahead.size() > kClockSamples) samples.ahead.pop_front();
    look_at_clocks();
}

std::optional<Duration> Session::ahead_of(const std::string& id) const {
    const auto at = samples_.find(id);
    if (at == samples_.end()) return std::nullopt;
    const Samples& samples = at->second;
    if (samples.ahead.size() < kClockSamplesNeeded) return samples.listed;
    return *std::ranges::min_element(samples.ahead);
}

// Of two clocks that agreed and do so no more, the one that was stepped is wrong.
void Session::look_at_own_clock() {
    clock_timer_ = loop_.call_after(kClockLookEvery, [this] { look_at_own_clock(); });
    const Now now = loop_.now();
    const Duration step = (now.wall - last_look_.wall) - (now.mono - last_look_.mono);
    last_look_ = now;
    if (step < core::kClockTolerance && step > -core::kClockTolerance) return;
    stepped_ = true;
    for (auto& [id, samples] : samples_) {
        for (Duration& ahead : samples.ahead) ahead += step;
        if (samples.listed) *samples.listed += step;
    }
    look_at_clocks();
}

void Session::look_at_clocks() {
    std::vector<Duration> ahead;
    for (const auto& [id, session] : members_)
        if (const auto known = ahead_of(id); known && id != config_.self.id)
            ahead.push_back(*known);
    const bool off = core::clock_is_off(ahead, stepped_);
    if (!off) stepped_ = false;
    if (off == config_.self.clock_off) return;
    config_.self.clock_off = off;
    events_.on_warning(off ? "this agent's clock is more than a second off most other agents': it "
                             "decides for no shard until that is mended"
                           : "this agent's clock is right again");
    put_record();
}

const core::AgentSession* Session::eldest() const {
    const core::AgentSession* eldest = nullptr;
    Revision first;
    for (const auto& [id, session] : members_) {
        const Revision came = came_.at(id);
        if (eldest && came >= first) continue;
        eldest = &session;
        first = came;
    }
    return eldest;
}

}  // namespace khronos::cluster

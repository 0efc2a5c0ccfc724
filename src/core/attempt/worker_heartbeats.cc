// The worker's signs of life: heartbeats, which its guards live on; how full it is; and the results
// that nobody has acknowledged yet.
#include <algorithm>
#include <utility>

#include "core/attempt/worker_engine.h"

namespace khronos::core::attempt {
namespace {

constexpr std::size_t kMostUnacknowledged = 600;
// Without guarded runs heartbeats only keep the base young for the next one.
constexpr int kIdleFactor = 10;
constexpr std::size_t kMostRepeated = 200;

}  // namespace

MonoTime WorkerEngine::next_wake() const {
    MonoTime next = std::min({soonest_, next_heartbeat_, next_repeat_});
    if (beat_unanswered_since_.us != 0)
        next = std::min(next, beat_unanswered_since_ + config_.heartbeat_patience);
    for (const auto& [link, load_at] : links_)
        next = std::min(next, load_at);
    return next;
}

void WorkerEngine::on(const TimePassed&) {
    if (beat_unanswered_since_.us != 0 &&
        beat_unanswered_since_ + config_.heartbeat_patience <= now_.mono) {
        next_agent();
    } else if (next_heartbeat_ <= now_.mono) {
        heartbeat();
    }
    for (auto& [link, load_at] : links_) {
        if (load_at > now_.mono) continue;
        load_at = now_.mono + config_.load_every;
        say_load(link);
    }
    if (next_repeat_ <= now_.mono) repeat_results();
}

// ---- heartbeats

Duration WorkerEngine::heartbeat_interval() const {
    Duration smallest = kIdleFactor * config_.heartbeat_every * 6;
    for (const auto& [id, a] : attempts_) {
        if (a.deadline.us != 0 && a.spec.guard > Duration(0))
            smallest = std::min(smallest, a.spec.guard);
        // Of an earlier incarnation's run only its host still knows the guard.
        if (a.state == State::running && a.spec.job_name.empty()) return config_.heartbeat_every;
    }
    return std::max(config_.heartbeat_every, smallest / 6);
}

void WorkerEngine::heartbeat() {
    if (beat_link_.value == 0) return;
    Heartbeat beat;
    beat.sequence = ++sequence_;
    beat.sent_at = now_.mono;
    for (const auto& [id, a] : attempts_)
        if (a.state == State::starting || a.state == State::running) beat.running.push_back(id);
    unacknowledged_.emplace_back(beat.sequence, now_.mono);
    if (unacknowledged_.size() > kMostUnacknowledged) unacknowledged_.pop_front();
    if (beat_unanswered_since_.us == 0) beat_unanswered_since_ = now_.mono;
    last_beat_ = now_.mono;
    next_heartbeat_ = now_.mono + heartbeat_interval();
    say(beat_link_, std::move(beat));
}

// The one after it in the order of their numbers; the same one where there is no other.
void WorkerEngine::next_agent() {
    beat_unanswered_since_ = {};
    auto next = links_.upper_bound(beat_link_);
    if (next == links_.end()) next = links_.begin();
    if (next == links_.end()) {
        beat_link_ = {};
        next_heartbeat_ = MonoTime::max();
        return;
    }
    beat_link_ = next->first;
    heartbeat();
}

void WorkerEngine::hear(LinkId, const HeartbeatAck& m) {
    MonoTime sent;
    while (!unacknowledged_.empty() && unacknowledged_.front().first <= m.sequence) {
        if (unacknowledged_.front().first == m.sequence) sent = unacknowledged_.front().second;
        unacknowledged_.pop_front();
    }
    beat_unanswered_since_ = unacknowledged_.empty() ? MonoTime{} : unacknowledged_.front().second;
    if (sent <= guard_base_) return;
    guard_base_ = sent;
    std::vector<AttemptId> uncovered;
    for (auto& [id, a] : attempts_) {
        // pass_deadlines() has already taken away what is dead by now.
        if (a.deadline.us != 0 && !a.guard_killed)
            a.deadline = std::max(a.deadline, guard_base_ + a.spec.guard);
        if (a.state == State::accepting && a.noted) uncovered.push_back(id);
    }
    extend_guards();
    for (const AttemptId& id : uncovered)
        accept_if_ready(attempts_.find(id));
}

void WorkerEngine::extend_guards() {
    if (guard_base_.us == 0) return;
    ExtendGuards effect{guard_base_, {}};
    bool any = false;
    for (const auto& [id, a] : attempts_) {
        if (a.state != State::starting && a.state != State::running) continue;
        // Runs of an earlier incarnation: only their host still knows their guard.
        const bool guarded = a.deadline.us != 0 || a.spec.job_name.empty();
        any |= guarded && a.covered;
        if (!a.covered) effect.except.push_back(id);
    }
    if (any) effects_.emplace_back(std::move(effect));
}

// ---- how full it is, and what was not heard

void WorkerEngine::say_load(LinkId link) {
    say(link, Load{busy_, busy_by_type_, draining_});
}

void WorkerEngine::repeat_results() {
    next_repeat_ = MonoTime::max();
    std::size_t said = 0;
    for (const auto& [id, a] : attempts_) {
        if (a.state != State::ended) continue;
        next_repeat_ = now_.mono + config_.repeat_every;
        if (++said > kMostRepeated) break;
        for (const auto& [link, when] : links_)
            say(link, Finished{id, a.token, a.result, a.spec.shard});
    }
}

}  // namespace khronos::core::attempt

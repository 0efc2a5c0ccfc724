#include "core/attempt/worker_engine.h"

#include <algorithm>
#include <set>
#include <utility>

namespace khronos::core::attempt {
namespace {

// Refused tokens of attempts that are gone; an owner this far behind has long lost its fence.
constexpr std::size_t kMostRefused = 20000;

Refused refusal(const AttemptId& id, ShardId shard, Reason reason, std::string message) {
    return {id, reason, std::move(message), true, shard};
}

}  // namespace

WorkerEngine::WorkerEngine(WorkerEngineConfig config, const Restored& restored)
    : config_(std::move(config)) {
    for (const HeldAttempt& held : restored.held) {
        Attempt attempt;
        attempt.state = held.state == HeldState::ended ? State::ended : State::running;
        attempt.token = held.token;
        attempt.result = held.result;
        attempt.noted = true;
        attempt.spec.shard = held.shard;
        if (const auto type = restored.types.find(held.id); type != restored.types.end())
            attempt.spec.type = type->second;
        attempt.covered = false;
        if (attempt.state == State::running) take_slot(attempt);
        attempts_.emplace(held.id, std::move(attempt));
    }
    for (const AttemptNote& note : restored.dead) {
        refused_[note.id] = note.token;
        refused_order_.push_back(note.id);
    }
}

void WorkerEngine::take_slot(const Attempt& attempt) {
    ++busy_;
    if (!attempt.spec.type.empty()) ++busy_by_type_[attempt.spec.type];
}

void WorkerEngine::free_slot(const Attempt& attempt) {
    --busy_;
    const auto type = busy_by_type_.find(attempt.spec.type);
    if (type != busy_by_type_.end() && --type->second == 0) busy_by_type_.erase(type);
}

std::vector<WorkerEffect> WorkerEngine::step(const WorkerEvent& event, Now now) {
    now_ = now;
    effects_.clear();
    // Before anything else: no message of this moment may revive what is dead by the clock.
    pass_deadlines();
    std::visit([this](const auto& e) { on(e); }, event);
    return std::exchange(effects_, {});
}

MonoTime WorkerEngine::due(const Attempt& a) {
    const bool before = (a.state == State::accepting || a.state == State::accepted) && a.noted;
    const bool runs = (a.state == State::starting || a.state == State::running) && !a.guard_killed;
    MonoTime at = before ? a.give_up_at : MonoTime::max();
    if ((before || runs) && a.deadline.us != 0) at = std::min(at, a.deadline);
    return at;
}

std::vector<AttemptNote> WorkerEngine::live_notes() const {
    std::vector<AttemptNote> notes;
    for (const auto& [id, token] : refused_) {
        AttemptNote note;
        note.step = AttemptStep::dead;
        note.id = id;
        note.token = token;
        notes.push_back(std::move(note));
    }
    for (const auto& [id, a] : attempts_) {
        AttemptNote note;
        note.step = AttemptStep::intended;
        note.id = id;
        note.shard = a.spec.shard;
        note.type = a.spec.type;
        notes.push_back(note);
        note.token = a.token;
        if (a.state == State::ended || a.state == State::ending) {
            note.step = AttemptStep::ended;
            note.result = a.result;
            notes.push_back(std::move(note));
        } else if (a.state == State::starting || a.state == State::running) {
            note.step = AttemptStep::started;
            note.in_process = config_.in_process && config_.in_process(a.spec);
            notes.push_back(std::move(note));
        }
    }
    return notes;
}

// ---- links

void WorkerEngine::on(const LinkUp& e) {
    if (given_up_) return;
    links_[e.link] = now_.mono + config_.load_every;
    Hello hello = config_.hello;
    for (const auto& [id, a] : attempts_) {
        switch (a.state) {
            case State::accepting:
                break;  // nothing was promised yet
            case State::accepted:
                hello.held.push_back({id, {}, HeldState::accepted, {}, a.spec.shard});
                break;
            case State::starting:
            case State::running:
            case State::ending:
                hello.held.push_back({id, a.token, HeldState::running, {}, a.spec.shard});
                break;
            case State::ended:
                hello.held.push_back({id, a.token, HeldState::ended, a.result, a.spec.shard});
                // Also one of an earlier incarnation: the answer may be lost once more.
                next_repeat_ = std::min(next_repeat_, now_.mono + config_.repeat_every);
                break;
        }
    }
    say(e.link, std::move(hello));
    say_load(e.link);
    if (beat_link_.value == 0 || beat_link_ == e.link) {
        beat_link_ = e.link;
        heartbeat();
    }
}

void WorkerEngine::on(const LinkDown& e) {
    links_.erase(e.link);
    if (beat_link_ == e.link) next_agent();
}

void WorkerEngine::on(const AgentSaid& e) {
    std::visit([&](const auto& m) { hear(e.link, m); }, e.message);
}

void WorkerEngine::on(const DrainAsked& e) {
    draining_ = e.drain;
    for (const auto& [link, when] : links_)
        say_load(link);
}

void WorkerEngine::hear(LinkId, const Welcome&) {}

void WorkerEngine::hear(LinkId, const Rejected& m) {
    if (given_up_) return;
    effects_.push_back(GiveUp{m.message});
    given_up_ = true;
    links_.clear();
    beat_link_ = {};
    next_heartbeat_ = next_repeat_ = MonoTime::max();
    beat_unanswered_since_ = {};
}

// ---- from offer to start

void WorkerEngine::hear(LinkId link, const Offer& m) {
    const AttemptId& id = m.spec.id;
    if (const auto at = attempts_.find(id); at != attempts_.end()) {
        at->second.link = link;
        return repeat(link, id, at->second);
    }
    ++counts_.offered;
    const auto refuse = [&](Refused r) {
        ++counts_.refused;
        say(link, std::move(r));
    };
    const auto full = [&](const char* why) {
        refuse(refusal(id, m.spec.shard, Reason::no_worker, why));
    };
    if (draining_) return full("the worker is draining");
    if (busy_ >= config_.hello.slots) return full("no free slot");
    if (const auto quota = config_.hello.type_quotas.find(m.spec.type);
        quota != config_.hello.type_quotas.end()) {
        const auto used = busy_by_type_.find(m.spec.type);
        if ((used == busy_by_type_.end() ? 0 : used->second) >= quota->second)
            return full("no free slot for jobs of this type");
    }
    if (config_.check) {
        if (auto objection = config_.check(m.spec))
            return refuse({id, objection->reason, objection->message, objection->retry_elsewhere,
                           m.spec.shard});
    }
    Attempt attempt;
    attempt.link = link;
    attempt.spec = m.spec;
    attempt.give_up_at = now_.mono + config_.accept_patience;
    take_slot(attempt);
    attempts_.emplace(id, std::move(attempt));
    AttemptNote note;
    note.step = AttemptStep::intended;
    note.id = id;
    note.shard = m.spec.shard;
    note.type = m.spec.type;
    waiting_.push_back({write(std::move(note), true), id, AttemptStep::intended, link, {}});
}

// What this worker has to say about an attempt that it is asked about once more.
void WorkerEngine::repeat(LinkId link, const AttemptId& id, const Attempt& a) {
    switch (a.state) {
        case State::accepting:
        case State::starting:
        case State::ending:
            break;  // the answer follows by itself
        case State::accepted:
            say(link, Accepted{id, a.spec.shard});
            break;
        case State::running:
            say(link, Started{id, a.token, a.started_at});
            break;
        case State::ended:
            say(link, Finished{id, a.token, a.result, a.spec.shard});
            break;
    }
}

void WorkerEngine::accept_if_ready(Attempts::iterator at) {
    auto& [id, a] = *at;
    if (a.state != State::accepting || !a.noted) return;
    if (a.spec.guard > Duration(0)) {
        // Without a committed heartbeat the owner could not tell how long to wait for a worker
        // that is cut off right after the claim. One that is half over is too old to begin with.
        if (guard_base_.us == 0 || guard_base_ + a.spec.guard / 2 <= now_.mono) {
            const bool asked = !unacknowledged_.empty() &&
                               unacknowledged_.back().second + a.spec.guard / 2 > now_.mono;
            if (!asked) heartbeat();
            return;
        }
        a.deadline = guard_base_ + a.spec.guard;
        next_heartbeat_ = std::min(
            next_heartbeat_, last_beat_ + std::max(config_.heartbeat_every, a.spec.guard / 6));
    }
    a.state = State::accepted;
    a.give_up_at = now_.mono + config_.accept_patience;
    soonest_ = std::min(soonest_, due(a));
    ++counts_.accepted;
    say(a.link, Accepted{id, a.spec.shard});
    if (a.leave) give_leave(at, *a.leave);
}

void WorkerEngine::hear(LinkId link, const Start& m) {
    const auto at = attempts_.find(m.id);
    const auto old = refused_.find(m.id);
    const bool refused_before = old != refused_.end() && m.token <= old->second;
    const bool waits = at != attempts_.end() && (at->second.state == State::accepting ||
                                                 at->second.state == State::accepted);
    if (at == attempts_.end() || (waits && refused_before)) {
        const ShardId shard = waits ? at->second.spec.shard : ShardId{};
        const Refused answer =
            refusal(m.id, shard, Reason::worker_lost, "this worker has not accepted the attempt");
        if (refused_before) return say(link, answer);
        return declare_dead(link, m.id, m.token, answer);
    }
    at->second.link = link;
    if (at->second.state == State::accepting) {
        at->second.leave = std::max(m.token, at->second.leave.value_or(FenceToken{}));
    } else if (at->second.state == State::accepted) {
        give_leave(at, m.token);
    } else {
        Attempt& a = at->second;
        if (!a.covered && a.token == m.token) {
            // Its owner knows that this incarnation has it: from now on its guard is extended.
            a.covered = true;
            extend_guards();
        }
        repeat(link, m.id, a);
    }
}

void WorkerEngine::give_leave(Attempts::iterator at, FenceToken token) {
    auto& [id, a] = *at;
    a.token = token;
    a.state = State::starting;
    AttemptNote note;
    note.step = AttemptStep::started;
    note.id = id;
    note.token = token;
    note.shard = a.spec.shard;
    note.type = a.spec.type;
    note.in_process = config_.in_process && config_.in_process(a.spec);
    write(std::move(note), false);
    effects_.push_back(BeginRun{a.spec, token, a.deadline});
}

// ---- what a new owner wants to know

void WorkerEngine::hear(LinkId link, const Ask& m) {
    std::set<AttemptId> asked;
    for (const Claimed& claimed : m.attempts) {
        asked.insert(claimed.id);
        answer(link, claimed);
    }
    if (m.shards.empty()) return;
    const std::set<ShardId> shards(m.shards.begin(), m.shards.end());
    for (auto& [id, a] : attempts_)
        if (shards.contains(a.spec.shard) && !asked.contains(id) && a.state != State::accepting)
            say_state(link, id, a);
}

void WorkerEngine::say_state(LinkId link, const AttemptId& id, Attempt& a) {
    a.link = link;
    Answer answer{id, a.token, AnswerState::running, {}, a.spec.shard};
    if (a.state == State::accepted) answer.state = AnswerState::accepted;
    if (a.state == State::ended) {
        answer.state = AnswerState::ended;
        answer.result = a.result;
    }
    say(link, std::move(answer));
}

void WorkerEngine::answer(LinkId link, const Claimed& claimed) {
    const AttemptId& id = claimed.id;
    const auto at = attempts_.find(id);
    const bool accepting = at != attempts_.end() && at->second.state == State::accepting;
    if (at != attempts_.end() && !accepting) return say_state(link, id, at->second);
    Answer never{id, claimed.token, AnswerState::never, {}, {}};
    // An offer that nobody has an answer to yet: not what was claimed.
    if (accepting) {
        never.shard = at->second.spec.shard;
        free_slot(at->second);
        attempts_.erase(at);
    }
    const auto old = refused_.find(id);
    if (!accepting && old != refused_.end() && claimed.token <= old->second)
        return say(link, never);
    declare_dead(link, id, claimed.token, never);
}

// ---- running

void WorkerEngine::on(const RunStarted& e) {
    const auto at = attempts_.find(e.id);
    if (at == attempts_.end() || at->second.state != State::starting) return;
    Attempt& a = at->second;
    a.state = State::running;
    a.started_at = e.at;
    ++counts_.started;
    say(a.link, Started{e.id, a.token, e.at});
}

void WorkerEngine::on(const RunRefused& e) {
    const auto at = attempts_.find(e.id);
    if (at == attempts_.end() || at->second.state != State::starting) return;
    const LinkId link = at->second.link;
    const FenceToken token = at->second.token;
    const ShardId shard = at->second.spec.shard;
    free_slot(at->second);
    attempts_.erase(at);
    declare_dead(link, e.id, token, refusal(e.id, shard, Reason::start_failed, e.message));
}

void WorkerEngine::on(const RunEnded& e) {
    const auto at = attempts_.find(e.id);
    if (at == attempts_.end()) {
        effects_.push_back(ForgetRun{e.id});
        return;
    }
    Attempt& a = at->second;
    if (a.state == State::ending || a.state == State::ended) return;
    free_slot(a);
    a.result = e.result;
    if (a.guard_killed && a.result.outcome != ExecutionState::succeeded) {
        a.result.outcome = ExecutionState::lost;
        a.result.reason = Reason::guard;
    }
    ++(a.result.outcome == ExecutionState::succeeded ? counts_.succeeded : counts_.failed);
    if (a.disowned) return forget(at);
    a.state = State::ending;
    AttemptNote note;
    note.step = AttemptStep::ended;
    note.id = e.id;
    note.token = a.token;
    note.result = a.result;
    note.shard = a.spec.shard;
    note.type = a.spec.type;
    waiting_.push_back({write(std::move(note), true), e.id, AttemptStep::ended, a.link, {}});
}

void WorkerEngine::on(const NotesDurable& e) {
    while (!waiting_.empty() && waiting_.front().number <= e.up_to) {
        Waiting w = std::move(waiting_.front());
        waiting_.pop_front();
        if (w.step == AttemptStep::dead) {
            ++counts_.refused;
            say(w.link, std::move(w.saying));
            continue;
        }
        const auto at = attempts_.find(w.id);
        if (at == attempts_.end()) continue;
        Attempt& a = at->second;
        if (w.step == AttemptStep::intended) {
            a.noted = true;
            soonest_ = std::min(soonest_, due(a));
            accept_if_ready(at);
        } else if (a.state == State::ending) {
            if (a.disowned) {
                forget(at);
                continue;
            }
            a.state = State::ended;
            say(a.link, Finished{w.id, a.token, a.result, a.spec.shard});
            next_repeat_ = std::min(next_repeat_, now_.mono + config_.repeat_every);
        }
    }
}

// ---- the end

void WorkerEngine::hear(LinkId link, const Cancel& m) {
    const auto at = attempts_.find(m.id);
    if (at == attempts_.end()) {
        const auto old = refused_.find(m.id);
        return declare_dead(
            link, m.id, old == refused_.end() ? FenceToken{} : old->second,
            refusal(m.id, {}, m.reason, "this worker has not accepted the attempt"));
    }
    Attempt& a = at->second;
    if (a.token > m.token) return;  // another owner's by now
    a.link = link;
    switch (a.state) {
        case State::accepting:
        case State::accepted: {
            const ShardId shard = a.spec.shard;
            free_slot(a);
            attempts_.erase(at);
            declare_dead(link, m.id, {},
                         refusal(m.id, shard, m.reason, "cancelled before it started"));
            break;
        }
        case State::starting:
        case State::running:
            effects_.push_back(KillRun{m.id, KillWhy::cancelled});
            break;
        case State::ending:
            break;
        case State::ended:
            repeat(link, m.id, a);
            break;
    }
}

void WorkerEngine::hear(LinkId, const Acknowledge& m) {
    const auto at = attempts_.find(m.id);
    if (at == attempts_.end()) return;
    switch (at->second.state) {
        case State::accepting:
        case State::accepted: {
            AttemptNote note;
            note.step = AttemptStep::forgotten;
            note.id = m.id;
            write(std::move(note), false);
            free_slot(at->second);
            attempts_.erase(at);
            break;
        }
        case State::starting:
        case State::running:
            at->second.disowned = true;
            effects_.push_back(KillRun{m.id, KillWhy::disowned});
            break;
        case State::ending:
            at->second.disowned = true;
            break;
        case State::ended:
            forget(at);
            break;
    }
}

void WorkerEngine::forget(Attempts::iterator at) {
    AttemptNote note;
    note.step = AttemptStep::forgotten;
    note.id = at->first;
    write(std::move(note), false);
    effects_.push_back(ForgetRun{at->first});
    attempts_.erase(at);
}

void WorkerEngine::declare_dead(LinkId link, const AttemptId& id, FenceToken token,
                                FromWorker saying) {
    const auto [at, added] = refused_.try_emplace(id, token);
    at->second = std::max(at->second, token);
    if (added) refused_order_.push_back(id);
    AttemptNote note;
    note.step = AttemptStep::dead;
    note.id = id;
    note.token = at->second;
    waiting_.push_back(
        {write(std::move(note), true), id, AttemptStep::dead, link, std::move(saying)});
    while (refused_order_.size() > kMostRefused) {
        AttemptNote gone;
        gone.step = AttemptStep::forgotten;
        gone.id = refused_order_.front();
        refused_order_.pop_front();
        refused_.erase(gone.id);
        // Under the same name an attempt may be alive again; its own notes go on.
        if (!attempts_.contains(gone.id)) write(std::move(gone), false);
    }
}

// ---- time

void WorkerEngine::pass_deadlines() {
    if (now_.mono < soonest_) return;
    std::vector<AttemptId> passed;
    for (auto& [id, a] : attempts_) {
        if (due(a) > now_.mono) continue;
        if (a.state == State::accepting || a.state == State::accepted) {
            passed.push_back(id);
        } else {
            a.guard_killed = true;
            ++counts_.guard_kills;
            effects_.push_back(KillRun{id, KillWhy::guard});
        }
    }
    for (const AttemptId& id : passed) {
        const auto at = attempts_.find(id);
        const LinkId link = at->second.link;
        const bool guard = at->second.deadline.us != 0 && now_.mono >= at->second.deadline;
        const FenceToken leave = at->second.leave.value_or(FenceToken{});
        const ShardId shard = at->second.spec.shard;
        free_slot(at->second);
        attempts_.erase(at);
        declare_dead(link, id, leave,
                     refusal(id, shard, Reason::worker_lost,
                             guard ? "its guard ran out before it could start"
                                   : "no leave to start came; the worker gave the attempt up"));
    }
    soonest_ = MonoTime::max();
    for (const auto& [id, a] : attempts_)
        soonest_ = std::min(soonest_, due(a));
}

// ----

void WorkerEngine::say(LinkId link, FromWorker message) {
    if (given_up_) return;
    if (!links_.contains(link)) {
        // The agent that asked is gone; whoever owns the execution now may be on another link.
        if (links_.empty()) return;
        link = links_.begin()->first;
    }
    effects_.emplace_back(std::in_place_type<Say>, link, std::move(message));
}

NoteNumber WorkerEngine::write(AttemptNote note, bool durable) {
    last_note_ = last_note_.next();
    effects_.push_back(WriteNote{last_note_, std::move(note), durable});
    return last_note_;
}

}  // namespace khronos::core::attempt

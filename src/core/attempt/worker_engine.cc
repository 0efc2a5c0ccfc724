#include "core/attempt/worker_engine.h"

#include <algorithm>
#include <utility>

namespace khronos::core::attempt {
namespace {

// Refused tokens of attempts that are gone; an owner this far behind has long lost its fence.
constexpr std::size_t kMostRefused = 20000;
constexpr std::size_t kMostUnacknowledged = 600;

Refused refusal(const AttemptId& id, Reason reason, std::string message, bool elsewhere = true) {
    return {id, reason, std::move(message), elsewhere};
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
        if (attempt.state == State::running) ++busy_;
        attempts_.emplace(held.id, std::move(attempt));
    }
    for (const AttemptNote& note : restored.dead) {
        refused_[note.id] = note.token;
        refused_order_.push_back(note.id);
    }
}

std::vector<WorkerEffect> WorkerEngine::step(const WorkerEvent& event, Now now) {
    now_ = now;
    effects_.clear();
    // Before anything else: no message of this moment may revive what is dead by the clock.
    pass_deadlines();
    std::visit([this](const auto& e) { on(e); }, event);
    return std::exchange(effects_, {});
}

MonoTime WorkerEngine::next_wake() const {
    MonoTime next = soonest_;
    for (const auto& [id, link] : links_)
        next = std::min(next, link.next_heartbeat);
    return next;
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
    Link& link = links_[e.link] = {};
    Hello hello = config_.hello;
    for (const auto& [id, a] : attempts_) {
        switch (a.state) {
            case State::accepting:
                break;  // nothing was promised yet
            case State::accepted:
                hello.held.push_back({id, {}, HeldState::accepted, {}});
                break;
            case State::starting:
            case State::running:
            case State::ending:
                hello.held.push_back({id, a.token, HeldState::running, {}});
                break;
            case State::ended:
                hello.held.push_back({id, a.token, HeldState::ended, a.result});
                break;
        }
    }
    say(e.link, std::move(hello));
    heartbeat(e.link, link);
}

void WorkerEngine::on(const LinkDown& e) {
    links_.erase(e.link);
}

void WorkerEngine::on(const AgentSaid& e) {
    std::visit([&](const auto& m) { hear(e.link, m); }, e.message);
}

void WorkerEngine::on(const DrainAsked& e) {
    draining_ = e.drain;
}

void WorkerEngine::hear(LinkId, const Welcome&) {}

void WorkerEngine::heartbeat(LinkId id, Link& link) {
    Heartbeat beat;
    beat.sequence = ++link.sequence;
    beat.sent_at = now_.mono;
    for (const auto& [attempt_id, a] : attempts_)
        if (a.state == State::starting || a.state == State::running)
            beat.running.push_back(attempt_id);
    link.unacknowledged.emplace_back(beat.sequence, now_.mono);
    if (link.unacknowledged.size() > kMostUnacknowledged) link.unacknowledged.pop_front();
    link.next_heartbeat = now_.mono + config_.heartbeat_every;
    say(id, std::move(beat));
}

void WorkerEngine::hear(LinkId id, const HeartbeatAck& m) {
    const auto at = links_.find(id);
    if (at == links_.end()) return;
    auto& open = at->second.unacknowledged;
    MonoTime sent;
    while (!open.empty() && open.front().first <= m.sequence) {
        if (open.front().first == m.sequence) sent = open.front().second;
        open.pop_front();
    }
    if (sent <= guard_base_) return;
    guard_base_ = sent;
    bool guarded_runs = false;
    std::vector<AttemptId> uncovered;
    for (auto& [attempt_id, a] : attempts_) {
        // pass_deadlines() has already taken away what is dead by now.
        if (a.deadline.us != 0 && !a.guard_killed)
            a.deadline = std::max(a.deadline, guard_base_ + a.spec.guard);
        if (a.deadline.us != 0 && (a.state == State::starting || a.state == State::running))
            guarded_runs = true;
        if (a.state == State::accepting && a.noted) uncovered.push_back(attempt_id);
    }
    if (guarded_runs || std::ranges::any_of(attempts_, [](const auto& entry) {
            // Runs of an earlier incarnation: only their host still knows their guard.
            return entry.second.state == State::running && entry.second.spec.job_name.empty();
        }))
        effects_.push_back(ExtendGuards{guard_base_});
    for (const AttemptId& attempt_id : uncovered)
        accept_if_ready(attempts_.find(attempt_id));
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
    if (draining_) return refuse(refusal(id, Reason::no_worker, "the worker is draining"));
    if (busy_ >= config_.hello.slots) return refuse(refusal(id, Reason::no_worker, "no free slot"));
    if (config_.check) {
        if (auto objection = config_.check(m.spec))
            return refuse({id, objection->reason, objection->message, objection->retry_elsewhere});
    }
    Attempt attempt;
    attempt.link = link;
    attempt.spec = m.spec;
    attempt.give_up_at = now_.mono + config_.accept_patience;
    attempts_.emplace(id, std::move(attempt));
    ++busy_;
    AttemptNote note;
    note.step = AttemptStep::intended;
    note.id = id;
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
            say(link, Accepted{id});
            break;
        case State::running:
            say(link, Started{id, a.token, a.started_at});
            break;
        case State::ended:
            say(link, Finished{id, a.token, a.result});
            break;
    }
}

void WorkerEngine::accept_if_ready(Attempts::iterator at) {
    auto& [id, a] = *at;
    if (a.state != State::accepting || !a.noted) return;
    if (a.spec.guard > Duration(0)) {
        // Without a committed heartbeat the owner could not tell how long to wait for a worker
        // that is cut off right after the claim.
        const MonoTime deadline = guard_base_ + a.spec.guard;
        if (guard_base_.us == 0 || deadline <= now_.mono) return;
        a.deadline = deadline;
    }
    a.state = State::accepted;
    a.give_up_at = now_.mono + config_.accept_patience;
    soonest_ = std::min(soonest_, due(a));
    ++counts_.accepted;
    say(a.link, Accepted{id});
    if (a.leave) give_leave(at, *a.leave);
}

void WorkerEngine::hear(LinkId link, const Start& m) {
    const auto at = attempts_.find(m.id);
    const auto old = refused_.find(m.id);
    const bool refused_before = old != refused_.end() && m.token <= old->second;
    const bool waits = at != attempts_.end() && (at->second.state == State::accepting ||
                                                 at->second.state == State::accepted);
    if (at == attempts_.end() || (waits && refused_before)) {
        const Refused answer =
            refusal(m.id, Reason::worker_lost, "this worker has not accepted the attempt");
        if (refused_before) return say(link, answer);
        return declare_dead(link, m.id, m.token, answer);
    }
    at->second.link = link;
    if (at->second.state == State::accepting) {
        at->second.leave = std::max(m.token, at->second.leave.value_or(FenceToken{}));
    } else if (at->second.state == State::accepted) {
        give_leave(at, m.token);
    } else {
        repeat(link, m.id, at->second);
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
    note.in_process = config_.in_process && config_.in_process(a.spec);
    write(std::move(note), false);
    effects_.push_back(BeginRun{a.spec, token, a.deadline});
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
    attempts_.erase(at);
    --busy_;
    declare_dead(link, e.id, token, refusal(e.id, Reason::start_failed, e.message));
}

void WorkerEngine::on(const RunEnded& e) {
    const auto at = attempts_.find(e.id);
    if (at == attempts_.end()) {
        effects_.push_back(ForgetRun{e.id});
        return;
    }
    Attempt& a = at->second;
    if (a.state == State::ending || a.state == State::ended) return;
    --busy_;
    a.result = e.result;
    if (a.guard_killed && a.result.outcome != ExecutionState::succeeded) {
        a.result.outcome = ExecutionState::lost;
        a.result.reason = Reason::worker_lost;
    }
    ++(a.result.outcome == ExecutionState::succeeded ? counts_.succeeded : counts_.failed);
    if (a.disowned) return forget(at);
    a.state = State::ending;
    AttemptNote note;
    note.step = AttemptStep::ended;
    note.id = e.id;
    note.token = a.token;
    note.result = a.result;
    waiting_.push_back({write(std::move(note), true), e.id, AttemptStep::ended, a.link, {}});
}

void WorkerEngine::on(const NotesDurable& e) {
    while (!waiting_.empty() && waiting_.front().number <= e.up_to) {
        Waiting w = std::move(waiting_.front());
        waiting_.pop_front();
        if (w.step == AttemptStep::dead) {
            ++counts_.refused;
            say(w.link, std::move(w.refusal));
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
            say(a.link, Finished{w.id, a.token, a.result});
        }
    }
}

// ---- the end

void WorkerEngine::hear(LinkId link, const Cancel& m) {
    const auto at = attempts_.find(m.id);
    if (at == attempts_.end()) {
        const auto old = refused_.find(m.id);
        return declare_dead(link, m.id, old == refused_.end() ? FenceToken{} : old->second,
                            refusal(m.id, m.reason, "this worker has not accepted the attempt"));
    }
    Attempt& a = at->second;
    a.link = link;
    switch (a.state) {
        case State::accepting:
        case State::accepted:
            attempts_.erase(at);
            --busy_;
            declare_dead(link, m.id, {}, refusal(m.id, m.reason, "cancelled before it started"));
            break;
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
            attempts_.erase(at);
            --busy_;
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
                                Refused answer) {
    const auto [at, added] = refused_.try_emplace(id, token);
    at->second = std::max(at->second, token);
    if (added) refused_order_.push_back(id);
    AttemptNote note;
    note.step = AttemptStep::dead;
    note.id = id;
    note.token = at->second;
    waiting_.push_back(
        {write(std::move(note), true), id, AttemptStep::dead, link, std::move(answer)});
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
        attempts_.erase(at);
        --busy_;
        declare_dead(link, id, leave,
                     refusal(id, Reason::worker_lost,
                             guard ? "its guard ran out before it could start"
                                   : "no leave to start came; the worker gave the attempt up"));
    }
    soonest_ = MonoTime::max();
    for (const auto& [id, a] : attempts_)
        soonest_ = std::min(soonest_, due(a));
}

void WorkerEngine::on(const TimePassed&) {
    for (auto& [id, link] : links_)
        if (link.next_heartbeat <= now_.mono) heartbeat(id, link);
}

// ----

void WorkerEngine::say(LinkId link, FromWorker message) {
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

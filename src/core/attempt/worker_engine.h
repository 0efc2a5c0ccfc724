// The worker's side of the dispatch protocol (core/model/messages.h), pure: an event and the time
// go in, effects come out.
//
// Invariants:
//  - an attempt is started at most once, only after its intention is durable and an owner's Start;
//  - a deadline that has passed is final: the attempt never starts, no later acknowledgement
//    revives it;
//  - a Start whose token was once refused for an attempt is refused for ever;
//  - a guard is extended by acknowledged heartbeats only, from the moment they were sent, and of a
//    run that an earlier incarnation began only once its owner has said that the claim is still
//    this worker's;
//  - a result is kept, and said again to every agent, until it is acknowledged.
//
// One worker has one link to each agent; what concerns an attempt is said on the link on which it
// was last spoken of, or on any that is up. Heartbeats go to one agent, and to the next one when
// it does not acknowledge them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/attempt/attempt_notes.h"
#include "core/attempt/restore.h"
#include "core/model/messages.h"

namespace khronos::core::attempt {

using LinkId = Strong<struct LinkIdTag, std::uint32_t>;  // from 1
using NoteNumber = Strong<struct NoteNumberTag, std::uint64_t>;

// ---- events

struct LinkUp {
    LinkId link;
};
struct LinkDown {
    LinkId link;
};
struct AgentSaid {
    LinkId link;
    ToWorker message;
};
// Everything up to this note is durable.
struct NotesDurable {
    NoteNumber up_to;
};
struct RunStarted {
    AttemptId id;
    WallTime at;
};
// Certainly not started.
struct RunRefused {
    AttemptId id;
    std::string message;
};
struct RunEnded {
    AttemptId id;
    RunResult result;
};
struct TimePassed {};
struct DrainAsked {
    bool drain = true;  // true: no new attempts are accepted
};
using WorkerEvent = std::variant<LinkUp, LinkDown, AgentSaid, NotesDurable, RunStarted, RunRefused,
                                 RunEnded, TimePassed, DrainAsked>;

// ---- effects, to be carried out in order

struct Say {
    LinkId link;
    FromWorker message;
    bool operator==(const Say&) const = default;
};
// Notes are written in order; `durable`: NotesDurable is waited for.
struct WriteNote {
    NoteNumber number;
    AttemptNote note;
    bool durable = false;
    bool operator==(const WriteNote&) const = default;
};
struct BeginRun {
    RunSpec spec;
    FenceToken token;
    MonoTime deadline;  // 0: none
    bool operator==(const BeginRun&) const = default;
};
enum class KillWhy : std::uint8_t { cancelled, guard, disowned };
struct KillRun {
    AttemptId id;
    KillWhy why = KillWhy::cancelled;
    bool operator==(const KillRun&) const = default;
};
// Every guarded run whose deadline has not passed: deadline = max(deadline, base + its guard);
// those of `except` stay as they are.
struct ExtendGuards {
    MonoTime base;
    std::vector<AttemptId> except;
    bool operator==(const ExtendGuards&) const = default;
};
struct ForgetRun {
    AttemptId id;
    bool operator==(const ForgetRun&) const = default;
};
// The agents do not serve this worker: another one has its id. Nothing more is said.
struct GiveUp {
    std::string message;
    bool operator==(const GiveUp&) const = default;
};
using WorkerEffect =
    std::variant<Say, WriteNote, BeginRun, KillRun, ExtendGuards, ForgetRun, GiveUp>;

// Why an offered run could not be run here.
struct Objection {
    Reason reason = Reason::start_failed;
    std::string message;
    bool retry_elsewhere = false;
    bool operator==(const Objection&) const = default;
};

struct WorkerEngineConfig {
    Hello hello;  // `held` is filled in
    // At least; a sixth of the smallest guard when that is more.
    Duration heartbeat_every = std::chrono::seconds(1);
    // So long without an acknowledgement, and the next agent gets the heartbeats.
    Duration heartbeat_patience = std::chrono::seconds(2);
    // How full the worker is, on every link.
    Duration load_every = std::chrono::seconds(1);
    // A result that nobody has acknowledged is said again to all.
    Duration repeat_every = std::chrono::seconds(5);
    // An accepted attempt that gets no leave to start within this is given up.
    Duration accept_patience = std::chrono::seconds(60);
    // Pure; what is wrong with a spec, before anything is accepted.
    std::function<std::optional<Objection>(const RunSpec&)> check;
    // Pure: whether a run of this spec dies with the worker's process.
    std::function<bool(const RunSpec&)> in_process;
};

struct WorkerCounts {
    std::uint64_t offered = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
    std::uint64_t started = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;  // every other end
    std::uint64_t guard_kills = 0;
};

class WorkerEngine {
  public:
    WorkerEngine(WorkerEngineConfig config, const Restored& restored);

    std::vector<WorkerEffect> step(const WorkerEvent& event, Now now);
    // When to step with TimePassed at the latest; max: never.
    MonoTime next_wake() const;

    std::uint32_t busy() const { return busy_; }  // slots in use
    // What the notes would have to say if they began now; to shorten the file of them.
    std::vector<AttemptNote> live_notes() const;
    std::size_t held() const { return attempts_.size(); }
    const WorkerCounts& counts() const { return counts_; }
    bool draining() const { return draining_; }

  private:
    enum class State : std::uint8_t {
        accepting,  // the intention is not durable yet, or no guard covers it yet
        accepted,
        starting,
        running,
        ending,  // the result is not durable yet
        ended,
    };
    struct Attempt {
        State state = State::accepting;
        LinkId link;
        RunSpec spec;  // of an attempt of an earlier incarnation: only shard and type
        FenceToken token;
        std::optional<FenceToken> leave;  // a Start that came while accepting
        bool noted = false;               // the intention is durable
        bool disowned = false;            // acknowledged before it ended
        bool guard_killed = false;
        bool covered = true;  // heartbeats may extend its guard
        MonoTime deadline;    // 0: none
        MonoTime give_up_at;
        WallTime started_at;
        RunResult result;
    };
    struct Waiting {
        NoteNumber number;
        AttemptId id;
        AttemptStep step;
        LinkId link;
        FromWorker saying;  // when a `dead` is durable
    };
    using Attempts = std::map<AttemptId, Attempt>;

    void on(const LinkUp& e);
    void on(const LinkDown& e);
    void on(const AgentSaid& e);
    void on(const NotesDurable& e);
    void on(const RunStarted& e);
    void on(const RunRefused& e);
    void on(const RunEnded& e);
    void on(const TimePassed& e);
    void on(const DrainAsked& e);

    void hear(LinkId link, const Welcome& m);
    void hear(LinkId link, const Offer& m);
    void hear(LinkId link, const Start& m);
    void hear(LinkId link, const Cancel& m);
    void hear(LinkId link, const Acknowledge& m);
    void hear(LinkId link, const HeartbeatAck& m);
    void hear(LinkId link, const Ask& m);
    void hear(LinkId link, const Rejected& m);

    static MonoTime due(const Attempt& attempt);
    void pass_deadlines();
    void accept_if_ready(Attempts::iterator at);
    void give_leave(Attempts::iterator at, FenceToken token);
    void repeat(LinkId link, const AttemptId& id, const Attempt& attempt);
    void answer(LinkId link, const Claimed& claimed);
    void say_state(LinkId link, const AttemptId& id, Attempt& attempt);
    void declare_dead(LinkId link, const AttemptId& id, FenceToken token, FromWorker saying);
    void take_slot(const Attempt& attempt);
    void free_slot(const Attempt& attempt);
    void forget(Attempts::iterator at);
    Duration heartbeat_interval() const;
    void heartbeat();
    void next_agent();
    void say_load(LinkId link);
    void repeat_results();
    void extend_guards();
    void say(LinkId link, FromWorker message);
    NoteNumber write(AttemptNote note, bool durable);

    WorkerEngineConfig config_;
    Attempts attempts_;
    std::map<LinkId, MonoTime> links_;  // when the load is said next
    LinkId beat_link_;                  // that gets the heartbeats; 0: none is up
    MonoTime next_heartbeat_ = MonoTime::max();
    MonoTime last_beat_;
    MonoTime beat_unanswered_since_;  // the oldest on this link without an answer; 0: none
    std::uint64_t sequence_ = 0;
    std::deque<std::pair<std::uint64_t, MonoTime>> unacknowledged_;
    MonoTime next_repeat_ = MonoTime::max();
    std::deque<Waiting> waiting_;
    std::map<AttemptId, FenceToken> refused_;  // the highest token refused; bounded
    std::deque<AttemptId> refused_order_;
    NoteNumber last_note_;
    std::uint32_t busy_ = 0;
    std::map<std::string, std::uint32_t> busy_by_type_;
    MonoTime soonest_ = MonoTime::max();  // no deadline is earlier
    MonoTime guard_base_;                 // send time of the last committed heartbeat; 0: none yet
    bool draining_ = false;
    bool given_up_ = false;
    WorkerCounts counts_;
    Now now_;
    std::vector<WorkerEffect> effects_;
};

}  // namespace khronos::core::attempt

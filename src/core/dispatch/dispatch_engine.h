// Brings open executions to workers and their results home: offer, claim, start, end, retry; and
// gives up what its worker, by 2-semantics "abandon means already dead", cannot be running any
// more. Pure: events in, effects out; the driver (dispatch/) carries the effects out and reports
// what became of them.
//
// Invariants:
//  - an execution has at most one write under way;
//  - nothing is started before the claim was applied, nothing forgotten by a worker before the end
//    was, or before the store says that it is nobody's;
//  - a report whose attempt or token is not the present one changes nothing;
//  - nothing is offered of a shard that is not loaded, and what workers hold of it is not judged;
//  - a claimed attempt is superseded only on its worker's word (ended, or never), or when the last
//    committed heartbeat is older than guard + margin since this engine first looked at it.
#pragma once

#include <bitset>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "base/limits.h"
#include "core/dispatch/plan.h"
#include "core/dispatch/worker_table.h"
#include "core/model/messages.h"

namespace khronos::core {

// ---- effects

struct SendToWorker {
    WorkerId worker;
    ToWorker message;
};
// No heartbeat of this worker was committed after that revision of its key; 0: there is none.
struct SilentSince {
    WorkerId worker;
    Revision heartbeat;
    bool operator==(const SilentSince&) const = default;
};
// Write `next` in place of the record as last known; answered by write_applied() or reload().
struct WriteExecution {
    enum class What : std::uint8_t { claim, retry, end };
    What what = What::claim;
    Execution next;
    Revision expected;
    bool ephemeral_done = false;        // the job is ephemeral and has succeeded: delete it
    bool takes_slot = false;  // a claim that takes next.slot of its job, which must be free
    std::optional<SilentSince> silent;  // to be compared: the attempt is given up as lost
};
// A worker holds what we know nothing of: read the record, then checked().
struct CheckHeld {
    WorkerId worker;
    HeldAttempt held;
};
// Make it durable, then acknowledge it.
struct CommitHeartbeat {
    WorkerId worker;
    std::string boot_id;
    std::uint64_t sequence = 0;
};
using DispatchEffect = std::variant<SendToWorker, WriteExecution, CheckHeld, CommitHeartbeat>;
using DispatchEffects = std::vector<DispatchEffect>;

struct DispatchStats {
    std::size_t waiting = 0;
    std::size_t running = 0;
    std::size_t retry_wait = 0;
};

class DispatchEngine {
  public:
    struct Config {
        std::uint64_t token_base = 0;
        // How long an execution that a worker refused waits before it is offered again.
        Duration refused_pause = std::chrono::seconds(1);
        // Whether heartbeats have to be committed. Without: no attempt is given up for silence.
        bool guards = true;
        // On top of an attempt's guard; more than a worker needs to kill at the deadline.
        Duration margin = limits::kLostMargin;
        // A link that says nothing for so long gets no offers.
        Duration suspect_after = std::chrono::seconds(3);
        std::uint64_t seed = 0;  // of what is chosen at random
        std::string agent;       // for Welcome
    };
    explicit DispatchEngine(Config config);

    // ---- events. Each appends what is to be done to `effects`.

    // An open execution of a shard that is ours, as the store has it; also before the shard is
    // loaded.
    void open(Execution execution, Revision revision, RunPlan plan, Now now,
              DispatchEffects& effects);
    // Its shard is no longer ours, or it is ended: nothing more is said about it.
    void drop(const ExecutionId& id);
    // All that was open in it when it was taken is known: its offers may begin.
    void shard_loaded(ShardId shard, Now now, DispatchEffects& effects);
    // Drops everything of it.
    void shard_lost(ShardId shard);
    bool loaded(ShardId shard) const { return loaded_[shard.value]; }
    // No new offers from now on.
    void drain() { draining_ = true; }

    void from_worker(const WorkerId& worker, const FromWorker& message, Now now,
                     DispatchEffects& effects, std::uint64_t random);
    void worker_gone(const WorkerId& worker, Now now, DispatchEffects& effects);
    // What the store says about an attempt that CheckHeld asked for; nullopt: there is no record.
    void checked(const WorkerId& worker, const HeldAttempt& held,
                 const std::optional<Execution>& record, DispatchEffects& effects);
    // A worker's committed heartbeat, whoever wrote it; revision 0: its key is gone.
    void heartbeat_seen(const WorkerId& worker, Revision revision, const std::string& boot_id,
                        WallTime at, Now now);
    // Addresses of all agents, for Welcome.
    void set_agents(std::vector<std::string> addresses, DispatchEffects& effects);
    // Takes nothing new; or does again.
    void drain_worker(const WorkerId& worker, bool on, Now now, DispatchEffects& effects);
    // To be called at least each half second: silent links, lost attempts.
    void look(Now now, DispatchEffects& effects, std::uint64_t random);

    void cancel(const ExecutionId& id, Reason reason, Now now, DispatchEffects& effects);
    // The job was deleted: what has not started ends; what runs goes on.
    void job_deleted(JobUid uid, Now now, DispatchEffects& effects);

    void write_applied(const ExecutionId& id, Revision revision, Now now, DispatchEffects& effects);
    // The write did not take place and the record is another one (nullopt: it is gone).
    void reload(const ExecutionId& id, std::optional<Execution> execution, Revision revision,
                Now now, DispatchEffects& effects);
    // Waits that are over.
    void wake(Now now, DispatchEffects& effects);

    // When wake() has something to do, on the wall clock; WallTime::max(): no wait.
    WallTime next_wake() const;

    DispatchStats stats() const;
    std::vector<WorkerView> workers() const;
    const WorkerView* worker(const WorkerId& id) const { return workers_.find(id); }
    const Execution* find(const ExecutionId& id) const;
    std::vector<Execution> running() const;
    // Not yet ended and known to a worker.
    std::size_t running_count() const;

  private:
    enum class Phase : std::uint8_t {
        waiting,   // in a queue, or until not_before
        offered,   // the worker has not answered
        claiming,  // the claim is being written
        running,   // the leave to start was given
        ending,    // the end or the retry is being written
    };
    struct IdHash {
        std::size_t operator()(const ExecutionId& id) const {
            return id.uid.value * 0x9e3779b97f4a7c15ULL ^
                   static_cast<std::size_t>(id.trigger.at.us) ^ id.trigger.nonce * 31 ^ id.index;
        }
    };
    using Ids = std::unordered_set<ExecutionId, IdHash>;
    struct Item {
        Execution record;
        Revision revision;
        RunPlan plan;
        Phase phase = Phase::waiting;
        WorkerId worker;                // that it is offered to, or runs on
        MonoTime claimed_at;            // when this engine first knew of the claim
        std::string queue;              // that it waits in; empty: none
        std::int32_t place = -1;  // slot of its job that the claim will take; -1: none yet
        bool parked = false;      // until a run of its job is over
        std::set<WorkerId> refused_by;  // since the last pause
        bool cancel_asked = false;
        Reason cancel_reason = Reason::none;
        bool job_gone = false;  // what runs goes on, and is not tried again
        WallTime wait_until;    // its place in waits_; unset: none
        ShardId shard() const { return plan.run.shard; }
    };
    // Executions that any of the same workers may run.
    struct Queue {
        Needs needs;
        std::deque<ExecutionId> ids;
        std::uint64_t blocked_at = 0;  // the capacity's version at which no worker was found
    };

    Item* item(const ExecutionId& id);
    void forget(Item& item);
    void wait(Item& item, WallTime until);
    void unwait(Item& item);
    void enqueue(Item& item, Now now);
    bool may_go(Item& item);
    void unpark(JobUid uid, Now now);
    void replace_older(JobUid uid, Now now, DispatchEffects& effects);
    static std::optional<WallTime> start_deadline(const Item& item);
    void pump(Now now, DispatchEffects& effects);
    void offer(Item& item, const WorkerId& worker, DispatchEffects& effects);
    void put_on(Item& item, const WorkerId& worker);
    void release_worker(Item& item);
    void withdraw_offers(const WorkerId& worker, Now now);
    void give_leave(Item& item, DispatchEffects& effects);
    void end(Item& item, ExecutionState state, Reason reason, Now now, DispatchEffects& effects);
    void write(Item& item, WriteExecution::What what, Execution next, DispatchEffects& effects);
    void on_hello(const WorkerId& id, const Hello& hello, Now now, DispatchEffects& effects,
                  std::uint64_t random);
    void on_accepted(const WorkerId& id, const Accepted& message, Now now,
                     DispatchEffects& effects);
    void on_refused(const WorkerId& id, const Refused& message, Now now, DispatchEffects& effects);
    void on_started(const Started& message);
    void on_finished(const WorkerId& id, const HeldAttempt& held, Now now, DispatchEffects& effects,
                     std::uint64_t random);
    void on_answer(const WorkerId& id, const Answer& answer, Now now, DispatchEffects& effects,
                   std::uint64_t random);
    void on_heartbeat(const WorkerId& id, const Heartbeat& beat, Now now, DispatchEffects& effects);
    void reject(const WorkerId& id, Now now, DispatchEffects& effects);
    bool being_written(const WorkerId& id, const Item* known, const AttemptId& attempt) const;
    void held_by(const WorkerId& id, const HeldAttempt& held, Now now, DispatchEffects& effects,
                 std::uint64_t random);
    void not_started(Item& item, Reason reason, const std::string& message, Now now,
                     DispatchEffects& effects);
    void ended(Item& item, const RunResult& result, Now now, DispatchEffects& effects,
               std::uint64_t random, std::optional<SilentSince> silent = std::nullopt);
    void ask(const WorkerId& id, std::vector<Claimed> attempts, std::vector<ShardId> shards,
             DispatchEffects& effects) const;
    void look_at(const WorkerId& id, Now now, DispatchEffects& effects, std::uint64_t random);
    void back_to_waiting(Item& item, WallTime until, Now now);

    Config config_;
    bool draining_ = false;
    std::bitset<kShardCount> loaded_;
    std::unordered_map<ExecutionId, Item, IdHash> items_;
    std::map<ShardId, Ids> of_shard_;
    std::unordered_map<JobUid, Ids> of_job_;
    std::map<WorkerId, Ids> at_worker_;  // offered, claimed or not yet ended
    WorkerTable workers_;
    std::vector<std::string> agents_;
    std::map<std::string, Queue> queues_;  // by the text of their needs
    std::set<std::pair<WallTime, ExecutionId>> waits_;
};

}  // namespace khronos::core

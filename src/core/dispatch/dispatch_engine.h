// Brings open executions to workers and their results home: offer, claim, start, end, retry.
// Pure: events in, effects out; the driver (dispatch/) carries the effects out and reports what
// became of them.
//
// Invariants: an execution has at most one write under way. Nothing is started before the claim
// was applied, nothing forgotten by a worker before the end was. A report whose attempt or token
// is not the present one changes nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "core/dispatch/plan.h"
#include "core/model/messages.h"

namespace khronos::core {

// ---- effects

struct SendToWorker {
    WorkerId worker;
    ToWorker message;
};
// Write `next` in place of the record as last known; answered by write_applied() or reload().
struct WriteExecution {
    enum class What : std::uint8_t { claim, retry, end };
    What what = What::claim;
    Execution next;
    Revision expected;
    bool ephemeral_done = false;  // the job is ephemeral and has succeeded: delete it
};
using DispatchEffect = std::variant<SendToWorker, WriteExecution>;
using DispatchEffects = std::vector<DispatchEffect>;

struct DispatchStats {
    std::size_t waiting = 0;
    std::size_t running = 0;
    std::size_t retry_wait = 0;
};

struct WorkerView {
    WorkerId id;
    std::string node;
    std::string boot_id;
    std::vector<std::string> applications;
    StringMap tags;
    std::uint32_t slots = 0;
    std::uint32_t used = 0;  // offered, claimed or not yet ended
    bool connected = false;
};

class DispatchEngine {
  public:
    struct Config {
        std::uint64_t token_base = 0;
        // How long an execution that a worker refused waits before it is offered again.
        Duration refused_pause = std::chrono::seconds(1);
    };
    explicit DispatchEngine(Config config) : config_(config) {}

    // ---- events. Each appends what is to be done to `effects`.

    // An open execution of an owned shard, as the store has it.
    void open(Execution execution, Revision revision, RunPlan plan, Now now,
              DispatchEffects& effects);
    // Its shard is no longer ours, or it is ended: nothing more is said about it.
    void drop(const ExecutionId& id);
    // No offers until this was called once: all open executions are known.
    void start(Now now, DispatchEffects& effects);
    // No new offers from now on.
    void drain() { draining_ = true; }

    void from_worker(const WorkerId& worker, const FromWorker& message, Now now,
                     DispatchEffects& effects, std::uint64_t random);
    void worker_gone(const WorkerId& worker, Now now, DispatchEffects& effects);
    void cancel(const ExecutionId& id, Reason reason, Now now, DispatchEffects& effects);
    // The job was deleted: what has not started ends; what runs goes on.
    void job_deleted(JobUid uid, Now now, DispatchEffects& effects);

    void write_applied(const ExecutionId& id, Revision revision, Now now,
                       DispatchEffects& effects);
    // The write did not take place and the record is another one (nullopt: it is gone).
    void reload(const ExecutionId& id, std::optional<Execution> execution, Revision revision,
                Now now, DispatchEffects& effects);
    // Waits that are over.
    void wake(Now now, DispatchEffects& effects);

    // When wake() has something to do, on the wall clock; WallTime::max(): no wait.
    WallTime next_wake() const;

    DispatchStats stats() const;
    std::vector<WorkerView> workers() const;
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
    struct Item {
        Execution record;
        Revision revision;
        RunPlan plan;
        Phase phase = Phase::waiting;
        WorkerId worker;  // that it is offered to, or runs on
        bool queued = false;
        bool cancel_asked = false;
        Reason cancel_reason = Reason::none;
        bool job_gone = false;  // what runs goes on, and is not tried again
        WallTime wait_until;  // its place in waits_; unset: none
    };
    struct Worker {
        WorkerView view;
    };
    struct IdHash {
        std::size_t operator()(const ExecutionId& id) const {
            return id.uid.value * 0x9e3779b97f4a7c15ULL ^
                   static_cast<std::size_t>(id.trigger.at.us) ^ id.trigger.nonce * 31 ^ id.index;
        }
    };

    Item* item(const ExecutionId& id);
    void wait(Item& item, WallTime until);
    void unwait(Item& item);
    void enqueue(Item& item, Now now);
    static std::optional<WallTime> start_deadline(const Item& item);
    void pump(Now now, DispatchEffects& effects);
    Worker* pick(const Item& item);
    void release_worker(Item& item);
    void give_leave(Item& item, DispatchEffects& effects);
    void end(Item& item, ExecutionState state, Reason reason, Now now, DispatchEffects& effects);
    void write(Item& item, WriteExecution::What what, Execution next, DispatchEffects& effects);
    void on_hello(const WorkerId& id, const Hello& hello, Now now, DispatchEffects& effects,
                  std::uint64_t random);
    void on_accepted(const WorkerId& id, const Accepted& message, Now now,
                     DispatchEffects& effects);
    void on_refused(const WorkerId& id, const Refused& message, Now now, DispatchEffects& effects);
    void on_finished(const WorkerId& id, const AttemptId& attempt, FenceToken token,
                     const RunResult& result, Now now, DispatchEffects& effects,
                     std::uint64_t random);
    void reconcile(const WorkerId& id, const Hello& hello, Now now, DispatchEffects& effects,
                   std::uint64_t random);
    void back_to_waiting(Item& item, WallTime until, Now now);

    Config config_;
    bool started_ = false;
    bool draining_ = false;
    std::unordered_map<ExecutionId, Item, IdHash> items_;
    std::map<WorkerId, Worker> workers_;
    std::map<std::string, std::deque<ExecutionId>> queues_;  // by application
    std::set<std::pair<WallTime, ExecutionId>> waits_;
    std::uint64_t turn_ = 0;  // for round-robin among equals
};

}  // namespace khronos::core

// The workers that this agent knows: who they are, how full they are, how they are heard, and
// which of them an execution goes to. Pure.
//
// Invariants: a worker gets offers only while its link is up and heard, it is not draining, and a
// slot (and one of its quota for the type) is free, as far as this agent knows; the worker itself
// has the last word. Round robin counts what was placed since the workers last changed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "core/model/messages.h"
#include "core/model/policy.h"

namespace khronos::core {

enum class WorkerState : std::uint8_t {
    ready = 1,
    suspect = 2,   // its link is silent
    draining = 3,  // takes nothing new
    gone = 4,      // no link to it
    rejected = 5,  // another process has the same id
};
std::string_view to_text(WorkerState state);

struct WorkerView {
    WorkerId id;
    std::string node;
    std::string boot_id;
    std::vector<std::string> applications;
    StringMap tags;
    std::uint32_t slots = 0;
    std::uint32_t used = 0;  // by this agent: offered, claimed or not yet ended
    bool connected = false;
    std::uint32_t used_elsewhere = 0;  // by the other agents, as the worker said last
    std::map<std::string, std::uint32_t> type_quotas;
    WorkerState state = WorkerState::gone;
    WallTime last_heartbeat;  // committed, by whichever agent; unset: none is known
};

// What an execution wants of a worker. Executions with the same needs wait in one queue.
struct Needs {
    std::string application;
    StringMap tags;    // all of them
    std::string type;  // for quotas
    WorkerId only;     // empty: any
    WorkerId avoid;    // not this one as long as there is another; empty: any
    Balance balance = Balance::random;
    JobUid turns;  // round robin: whose
    std::string key() const;
};

class WorkerTable {
  public:
    explicit WorkerTable(std::uint64_t seed) : random_(seed) {}

    // True when this boot of the worker was followed by another one before: two of one id live.
    bool hello(const WorkerId& id, const Hello& hello, std::uint32_t used,
               std::map<std::string, std::uint32_t> used_by_type, MonoTime now);
    void gone(const WorkerId& id);
    void reject(const WorkerId& id);
    bool rejected(const WorkerId& id) const;
    void drain(const WorkerId& id, bool on);
    void load(const WorkerId& id, const Load& load);
    void heard(const WorkerId& id, MonoTime now);
    // Those of which nothing was heard since then and that were not suspect yet.
    std::vector<WorkerId> silent_since(MonoTime then);
    // It has just refused something: nothing for it until then.
    void pause(const WorkerId& id, WallTime until);

    void take(const WorkerId& id, const std::string& type);
    void release(const WorkerId& id, const std::string& type);

    // Who gets an execution with these needs now; nullopt: nobody is free.
    std::optional<WorkerId> pick(const Needs& needs, WallTime now);
    // All that could run it, free or not, in the order of their ids.
    std::vector<WorkerId> serving(const Needs& needs) const;
    // Grows whenever somebody may have become free.
    std::uint64_t version() const { return version_; }

    // ---- round robin

    // What a former owner placed of this job, by the members that it knew.
    struct Turns {
        std::uint64_t members = 0;  // hash of their ids
        std::map<WorkerId, std::uint32_t> placed;
        bool operator==(const Turns&) const = default;
    };
    void set_turns(JobUid job, Turns turns) { turns_[job] = std::move(turns); }
    const Turns* turns(JobUid job) const;
    void forget_turns(JobUid job) { turns_.erase(job); }
    void placed(JobUid job, const WorkerId& id);

    // ---- heartbeats

    struct Look {
        Revision heartbeat;   // of the key; 0: there is none
        MonoTime since;       // this agent's first look at it
        std::string boot_id;  // whose it is
    };
    void heartbeat(const WorkerId& id, Look look, WallTime at);
    // Its heartbeats were followed by those of another boot, which another agent has committed. If
    // it speaks up after that, both live.
    bool followed(const WorkerId& id) const;
    // The first look, where there was none yet, is now.
    const Look& look(const WorkerId& id, MonoTime now);

    bool connected(const WorkerId& id) const;
    const WorkerView* find(const WorkerId& id) const;
    std::vector<WorkerView> views() const;
    std::vector<WorkerId> connected() const;

  private:
    struct Worker {
        WorkerView view;
        std::set<std::string> former_boots;
        std::map<std::string, std::uint32_t> used_by_type;
        std::map<std::string, std::uint32_t> elsewhere_by_type;
        MonoTime heard;
        WallTime paused_until;
        bool suspect = false;
        bool says_draining = false;
        bool drained = false;  // by an operator
        bool rejected = false;
        bool followed = false;
    };

    static bool serves(const Worker& worker, const Needs& needs);
    static bool has_room(const Worker& worker, const Needs& needs, WallTime now);
    static WorkerState state_of(const Worker& worker);
    Worker* worker_of(const WorkerId& id);
    Worker* choose(const std::vector<Worker*>& free, const Needs& needs);
    Worker* least_placed(const std::vector<Worker*>& free, const Needs& needs);
    std::uint64_t random();

    std::map<WorkerId, Worker> workers_;
    std::map<WorkerId, Look> looks_;
    std::map<JobUid, Turns> turns_;
    std::uint64_t random_;
    std::uint64_t version_ = 1;
};

}  // namespace khronos::core

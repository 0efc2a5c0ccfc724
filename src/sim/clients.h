// Those who use the API: what they asked for, when, and what they were told. I19, I22: what was
// acknowledged is in the store's history, once, and nothing else is.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/agent.h"
#include "sim/report.h"
#include "sim/seen.h"

namespace khronos::sim {

struct Op {
    enum class Kind : std::uint8_t { put, edit, remove, run };
    Kind kind = Kind::put;
    std::string name;  // of the job
    std::string by;    // unique: written into what it writes
    std::vector<core::JobSpec> specs;  // that it may have saved: an edit may be tried several times
    bool run_on_create = false;
    std::string idempotency_key;
    MonoTime asked;
    WallTime asked_wall;  // by the clock of whom it was asked of
    const WallClock* clock = nullptr;
    std::optional<MonoTime> answered;
    bool acknowledged = false;
    Error error;
    // What the answer said.
    JobUid uid;
    Generation generation;
    Revision revision;
    core::ExecutionId execution;
};

class Clients {
  public:
    Clients(World& world, Report& report) : world_(world), report_(report) {}

    // Told of each question and each answer, for people.
    std::function<void(const std::string&)> on_story;

    using Change = std::function<void(core::JobSpec&)>;
    void put(Agent& agent, core::JobSpec spec, bool run_on_create = false);
    void edit(Agent& agent, const std::string& name, Change change);
    void remove(Agent& agent, const std::string& name);
    void run(Agent& agent, const std::string& name, std::string idempotency_key);

    const std::vector<Op>& ops() const { return ops_; }
    std::size_t acknowledged() const;

    // With every transaction; `seen` is what was before it.
    void before(const Seen& seen, const TxnSeen& txn);
    // When all is over.
    void check_end(const Seen& seen);

  private:
    std::size_t ask(const Agent& agent, Op op);
    // `result` is of any std::expected<..., Error>; nullptr when it is an error.
    template <class Result>
    Op* answered(std::size_t number, const Result& result);
    static bool ended_by_itself(const Seen& seen, JobUid uid);
    void check_version(const Seen& seen, const core::Job& job, Revision revision);

    World& world_;
    Report& report_;
    std::vector<Op> ops_;
    std::map<std::string, std::size_t> by_;
    // What was saved, by whom.
    std::map<std::string, std::vector<std::pair<JobUid, Generation>>> saved_;
    std::map<std::string, std::vector<MonoTime>> deleted_;
    std::map<std::string, std::vector<std::pair<MonoTime, bool>>> exists_;  // since when, or not
    std::map<std::string, std::size_t> asked_by_;                           // triggers
};

}  // namespace khronos::sim

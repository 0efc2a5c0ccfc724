// A worker: the driver around core/attempt/worker_engine.h. The built-in worker of an agent and
// `khronos worker` are this.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "core/attempt/worker_engine.h"
#include "runtime/loop.h"
#include "wire/worker_link.h"
#include "worker/attempt_journal.h"
#include "worker/executor.h"
#include "worker/process_host.h"
#include "worker/secrets.h"

namespace khronos::worker {

struct WorkerConfig {
    core::WorkerId id;    // kept in the data directory
    std::string boot_id;  // of this process
    std::string node;
    std::vector<std::string> applications = {"default"};
    core::StringMap tags;
    std::uint32_t slots = 100;  // max_execution_limit
    std::map<std::string, std::uint32_t> type_quotas;
    Duration heartbeat_every = std::chrono::seconds(1);
    Duration accept_patience = std::chrono::seconds(60);
    Secrets secrets = {};  // empty: a run that names one is refused
    // The agents do not serve this worker any more, because another one has its id.
    std::function<void(const std::string&)> on_rejected;

    std::expected<void, Error> validate() const;
};

struct WorkerStats {
    core::attempt::WorkerCounts counts;
    std::uint32_t busy = 0;
    std::uint64_t held = 0;  // also the ended ones that nobody has acknowledged
    bool ready = false;
    bool draining = false;
};

class Worker {
  public:
    // Everything borrowed outlives the worker, links unless they are removed; the executors are
    // known by their name. All calls on `loop`.
    Worker(WorkerConfig config, runtime::Loop& loop, ProcessHost& host, AttemptJournal& journal,
           std::map<std::string, Executor*> executors, std::vector<wire::WorkerEnd*> links);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker();

    // An agent came or went. Any time; a link's handler is the worker's from here on.
    core::attempt::LinkId add_link(wire::WorkerEnd& link);
    void remove_link(core::attempt::LinkId id);

    // Says hello on its links as soon as it knows what it still holds.
    std::expected<void, Error> start();
    // Says nothing more; processes live on in their host. `done` is posted.
    void stop(std::move_only_function<void()> done);
    void drain(bool on);

    // Of an attempt that runs here or ended here not too long ago. `done` is posted.
    void read_output(const core::AttemptId& id, OutputDone done);
    WorkerStats stats() const;

  private:
    struct Link {
        wire::WorkerEnd* end = nullptr;
        bool up = false;
    };
    struct Local {  // a run inside this process
        Executor* executor = nullptr;
    };

    void on_host_ready(std::vector<KnownProcess> runs);
    void step(const core::attempt::WorkerEvent& event);
    void carry_out(core::attempt::Say& e);
    void carry_out(core::attempt::WriteNote& e);
    void carry_out(core::attempt::BeginRun& e);
    void carry_out(core::attempt::KillRun& e);
    void carry_out(core::attempt::ExtendGuards& e);
    void carry_out(core::attempt::ForgetRun& e);
    void carry_out(core::attempt::GiveUp& e);
    void begin_process(core::attempt::BeginRun& e);
    void begin_local(core::attempt::BeginRun& e, Executor& executor);
    void run_ended(const core::AttemptId& id, const ProcessEnd& end);
    void sync_notes();
    void rearm();
    std::optional<core::attempt::Objection> check(const core::RunSpec& spec) const;
    core::attempt::WorkerEngineConfig engine_config();
    void keep_output(const core::AttemptId& id, Output output);

    const WorkerConfig config_;
    runtime::Loop& loop_;
    ProcessHost& host_;
    AttemptJournal& journal_;
    const std::map<std::string, Executor*> executors_;
    std::map<core::attempt::LinkId, Link> links_;
    core::attempt::LinkId last_link_;

    AttemptJournal::Past past_;
    std::unique_ptr<core::attempt::WorkerEngine> engine_;  // from the first on_host_ready on
    bool host_up_ = false;
    bool stopped_ = false;
    std::map<core::AttemptId, Local> local_;
    std::map<core::AttemptId, core::RunSpec> processes_;  // begun by this incarnation
    core::attempt::NoteNumber written_;
    bool sync_wanted_ = false;
    bool syncing_ = false;
    std::optional<runtime::TimerId> timer_;
    MonoTime timer_at_;
    // Outputs of local runs, newest last; processes' outputs are the host's.
    std::deque<core::AttemptId> output_order_;
    std::map<core::AttemptId, Output> outputs_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace khronos::worker

#include "worker/worker.h"

#include <fmt/format.h>

#include <utility>

#include "worker/output_part.h"
#include "worker/process_result.h"
#include "worker/shell_run.h"

namespace khronos::worker {
namespace {

namespace attempt = core::attempt;

constexpr std::string_view kShell = "shell";
constexpr std::string_view kRpc = "rpc";
constexpr std::size_t kOutputsKept = 200;

KilledBy killed_by(attempt::KillWhy why) {
    switch (why) {
        case attempt::KillWhy::cancelled:
            return KilledBy::cancel;
        case attempt::KillWhy::guard:
            return KilledBy::guard;
        case attempt::KillWhy::disowned:
            return KilledBy::cancel;
    }
    return KilledBy::cancel;
}

}  // namespace

std::expected<void, Error> WorkerConfig::validate() const {
    if (id.empty()) return std::unexpected(invalid("id", "a worker needs an id"));
    if (boot_id.empty()) return std::unexpected(invalid("boot_id", "a worker needs a boot id"));
    if (applications.empty())
        return std::unexpected(
            invalid("applications", "a worker belongs to at least one application"));
    if (slots == 0)
        return std::unexpected(invalid("max_execution_limit", "a worker needs at least one slot"));
    if (heartbeat_every <= Duration(0))
        return std::unexpected(invalid("heartbeat_every", "heartbeats need a time between them"));
    return {};
}

Worker::Worker(WorkerConfig config, runtime::Loop& loop, ProcessHost& host, AttemptJournal& journal,
               std::map<std::string, Executor*> executors, std::vector<wire::WorkerEnd*> links)
    : config_(std::move(config)),
      loop_(loop),
      host_(host),
      journal_(journal),
      executors_(std::move(executors)) {
    for (wire::WorkerEnd* link : links)
        add_link(*link);
}

Worker::~Worker() {
    *alive_ = false;
}

std::expected<void, Error> Worker::start() {
    if (auto ok = config_.validate(); !ok) return ok;
    auto past = journal_.load();
    if (!past) return std::unexpected(past.error());
    past_ = std::move(*past);

    ProcessHost::Handler handler;
    handler.on_ready = [this](std::vector<KnownProcess> runs) { on_host_ready(std::move(runs)); };
    handler.on_gone = [this] { host_up_ = false; };
    handler.on_started = [this](const core::AttemptId& id, WallTime at) {
        step(attempt::RunStarted{id, at});
    };
    handler.on_refused = [this](const core::AttemptId& id, std::string why) {
        processes_.erase(id);
        step(attempt::RunRefused{id, std::move(why)});
    };
    handler.on_ended = [this](const core::AttemptId& id, ProcessEnd end) { run_ended(id, end); };
    host_.set_handler(std::move(handler));

    host_.start();
    return {};
}

core::attempt::LinkId Worker::add_link(wire::WorkerEnd& link) {
    const core::attempt::LinkId id = last_link_ = last_link_.next();
    links_[id] = {&link, false};
    wire::WorkerEnd::Handler handler;
    handler.on_connected = [this, id] {
        links_[id].up = true;
        step(attempt::LinkUp{id});
    };
    handler.on_message = [this, id](core::ToWorker message) {
        step(attempt::AgentSaid{id, std::move(message)});
    };
    handler.on_gone = [this, id] {
        links_[id].up = false;
        step(attempt::LinkDown{id});
    };
    handler.on_read_output = [this](const wire::OutputQuery& query, wire::OutputAnswer done) {
        read_output(query.id, [query, done = std::move(done)](auto output) mutable {
            if (!output) return done(std::unexpected(output.error()));
            done(part_of(*output, query));
        });
    };
    link.set_handler(std::move(handler));
    return id;
}

void Worker::remove_link(core::attempt::LinkId id) {
    const auto at = links_.find(id);
    if (at == links_.end()) return;
    at->second.end->set_handler({});
    const bool up = at->second.up;
    links_.erase(at);
    if (up) step(attempt::LinkDown{id});
}

void Worker::stop(std::move_only_function<void()> done) {
    stopped_ = true;
    if (timer_) loop_.cancel(*timer_);
    timer_.reset();
    for (const auto& [id, local] : local_)
        local.executor->cancel(id, KilledBy::host);
    host_.stop(std::move(done));
}

void Worker::drain(bool on) {
    step(attempt::DrainAsked{on});
}

attempt::WorkerEngineConfig Worker::engine_config() {
    attempt::WorkerEngineConfig c;
    c.hello.worker = config_.id;
    c.hello.boot_id = config_.boot_id;
    c.hello.node = config_.node;
    c.hello.applications = config_.applications;
    c.hello.tags = config_.tags;
    c.hello.slots = config_.slots;
    c.hello.type_quotas = config_.type_quotas;
    c.heartbeat_every = config_.heartbeat_every;
    c.accept_patience = config_.accept_patience;
    c.check = [this](const core::RunSpec& spec) { return check(spec); };
    c.in_process = [](const core::RunSpec& spec) {
        return !spec.executor.empty() && spec.executor != kShell;
    };
    return c;
}

std::optional<attempt::Objection> Worker::check(const core::RunSpec& spec) const {
    if (spec.executor == kShell) {
        const auto process = shell_process(spec, {}, config_.node, {}, loop_.now());
        if (process) return std::nullopt;
        const Error& e = process.error();
        return attempt::Objection{core::Reason::start_failed,
                                  fmt::format("{}: {}", e.field, e.message), false};
    }
    const auto at = executors_.find(spec.executor);
    if (at == executors_.end() && spec.executor == kRpc)
        return attempt::Objection{
            core::Reason::no_executor,
            "this worker has no handlers: executor rpc is for workers made with an SDK", true};
    if (at == executors_.end())
        return attempt::Objection{
            core::Reason::no_executor,
            fmt::format("Specified executor is not present: '{}'", spec.executor), false};
    if (auto problem = at->second->check(spec))
        return attempt::Objection{core::Reason::start_failed, std::move(*problem), false};
    return std::nullopt;
}

void Worker::on_host_ready(std::vector<KnownProcess> runs) {
    if (stopped_) return;
    host_up_ = true;
    if (engine_) {
        // The host was away. What it does not list it never began.
        std::map<core::AttemptId, core::RunSpec> absent = processes_;
        for (const KnownProcess& run : runs) {
            absent.erase(run.id);
            if (run.ended)
                run_ended(run.id, run.end);
            else
                step(attempt::RunStarted{run.id, loop_.wall_now()});
        }
        for (const auto& [id, spec] : absent) {
            processes_.erase(id);
            step(attempt::RunRefused{id, "the runner was restarted before it could start the run"});
            core::RunResult lost;
            lost.outcome = core::ExecutionState::lost;
            lost.reason = core::Reason::worker_lost;
            lost.finished_at = loop_.wall_now();
            lost.message = "the runner that had started it died and forgot it";
            step(attempt::RunEnded{id, std::move(lost)});  // unless it was refused just now
        }
        return;
    }
    std::vector<attempt::HostedRun> hosted;
    for (const KnownProcess& run : runs)
        hosted.push_back(
            {run.id, run.ended, run.ended ? process_result(run.end, {}) : core::RunResult{}});
    attempt::Restored restored =
        attempt::restore(past_.notes, hosted, past_.same_boot, loop_.wall_now());
    past_ = {};
    for (const attempt::AttemptNote& note : restored.notes)
        journal_.append(note);
    for (const core::HeldAttempt& held : restored.held)
        if (held.state == core::HeldState::running) processes_.emplace(held.id, core::RunSpec{});
    for (const core::AttemptId& id : restored.forget)
        host_.forget(id);
    for (const core::AttemptId& id : restored.kill)
        host_.kill(id, KilledBy::cancel, true);
    engine_ = std::make_unique<attempt::WorkerEngine>(engine_config(), restored);
    for (const auto& [id, link] : links_)
        if (link.up) step(attempt::LinkUp{id});
    if (!restored.notes.empty()) {
        sync_wanted_ = true;
        sync_notes();
    }
}

void Worker::step(const attempt::WorkerEvent& event) {
    if (stopped_ || !engine_) return;
    std::vector<attempt::WorkerEffect> effects = engine_->step(event, loop_.now());
    for (attempt::WorkerEffect& effect : effects)
        std::visit([this](auto& e) { carry_out(e); }, effect);
    sync_notes();
    rearm();
}

void Worker::carry_out(attempt::Say& e) {
    if (const auto at = links_.find(e.link); at != links_.end())
        at->second.end->send(std::move(e.message));
}

void Worker::carry_out(attempt::WriteNote& e) {
    journal_.append(e.note);
    written_ = e.number;
    sync_wanted_ |= e.durable;
}

void Worker::sync_notes() {
    if (!sync_wanted_ || syncing_) return;
    if (journal_.is_long() && engine_) journal_.rewrite(engine_->live_notes());
    // One sync at a time: what is written meanwhile shares the next one.
    syncing_ = true;
    sync_wanted_ = false;
    journal_.sync([this, alive = alive_, up_to = written_] {
        if (!*alive) return;
        syncing_ = false;
        step(attempt::NotesDurable{up_to});
    });
}

void Worker::carry_out(attempt::BeginRun& e) {
    if (e.spec.executor == kShell) return begin_process(e);
    begin_local(e, *executors_.at(e.spec.executor));
}

void Worker::begin_process(attempt::BeginRun& e) {
    const core::AttemptId id = e.spec.id;
    const auto refuse = [&](std::string why) {
        loop_.post([this, alive = alive_, id, why = std::move(why)]() mutable {
            if (*alive) step(attempt::RunRefused{id, std::move(why)});
        });
    };
    auto process = shell_process(e.spec, e.token, config_.node, e.deadline, loop_.now());
    if (!process) return refuse(process.error().message);
    if (auto put = put_secrets(*process, config_.secrets); !put) return refuse(put.error());
    if (!host_up_) return refuse("the runner is not there");
    processes_.emplace(id, std::move(e.spec));
    host_.run(std::move(*process));
}

void Worker::begin_local(attempt::BeginRun& e, Executor& executor) {
    const core::AttemptId id = e.spec.id;
    core::RunSpec spec = e.spec;
    if (auto put = put_secrets(spec, config_.secrets); !put) {
        loop_.post([this, alive = alive_, id, why = std::move(put.error())]() mutable {
            if (*alive) step(attempt::RunRefused{id, std::move(why)});
        });
        return;
    }
    local_.emplace(id, Local{&executor});
    loop_.post([this, alive = alive_, id] {
        if (*alive) step(attempt::RunStarted{id, loop_.wall_now()});
    });
    executor.run(spec, e.token, [this, alive = alive_, id](Executor::Result result) {
        if (!*alive) return;
        local_.erase(id);
        keep_output(id, std::move(result.output));
        step(attempt::RunEnded{id, std::move(result.result)});
    });
}

void Worker::carry_out(attempt::KillRun& e) {
    if (const auto at = local_.find(e.id); at != local_.end())
        return at->second.executor->cancel(e.id, killed_by(e.why));
    host_.kill(e.id, killed_by(e.why), e.why == attempt::KillWhy::guard);
}

void Worker::carry_out(attempt::ExtendGuards& e) {
    host_.extend_guards(e.base, e.except);
}

void Worker::carry_out(attempt::ForgetRun& e) {
    host_.forget(e.id);
}

void Worker::carry_out(attempt::GiveUp& e) {
    if (config_.on_rejected)
        loop_.post([this, alive = alive_, message = std::move(e.message)] {
            if (*alive) config_.on_rejected(message);
        });
}

void Worker::run_ended(const core::AttemptId& id, const ProcessEnd& end) {
    std::string program;
    if (const auto at = processes_.find(id); at != processes_.end()) {
        if (const auto words = split_words(at->second.executor_config["command"]);
            words && !words->empty())
            program = words->front();
        processes_.erase(at);
    }
    step(attempt::RunEnded{id, process_result(end, program)});
}

void Worker::keep_output(const core::AttemptId& id, Output output) {
    if (output.total == 0) return;
    outputs_[id] = std::move(output);
    output_order_.push_back(id);
    if (output_order_.size() > kOutputsKept) {
        outputs_.erase(output_order_.front());
        output_order_.pop_front();
    }
}

void Worker::read_output(const core::AttemptId& id, OutputDone done) {
    if (const auto at = outputs_.find(id); at != outputs_.end()) {
        loop_.post(
            [output = at->second, done = std::move(done)]() mutable { done(std::move(output)); });
        return;
    }
    host_.read_output(id, std::move(done));
}

void Worker::rearm() {
    const MonoTime next = engine_->next_wake();
    if (next == MonoTime::max() || (timer_ && timer_at_ <= next)) return;
    if (timer_) loop_.cancel(*timer_);
    timer_at_ = next;
    timer_ = loop_.call_at(next, [this, alive = alive_] {
        if (!*alive) return;
        timer_.reset();
        step(attempt::TimePassed{});
    });
}

WorkerStats Worker::stats() const {
    WorkerStats s;
    if (!engine_) return s;
    s.counts = engine_->counts();
    s.busy = engine_->busy();
    s.held = engine_->held();
    s.ready = host_up_;
    s.draining = engine_->draining();
    return s;
}

}  // namespace khronos::worker

#include "sim/simulation.h"

#include <utility>

namespace khronos::sim {

namespace {

// So much in one virtual second is a loop that turns without getting anywhere.
constexpr std::uint64_t kMostEventsASecond = 300'000;

}  // namespace

Simulation::Simulation(SimulationOptions options)
    : options_(std::move(options)),
      world_(options_.seed, options_.start),
      fate_(world_, clock_, true),
      report_(world_),
      backend_(fate_),
      faults_(world_, Seeded(options_.seed, "store")),
      net_(world_, Seeded(options_.seed, "net")),
      machine_(world_, clock_, ledger_, "worker-1", options_.seed),
      clients_(world_, report_, clock_),
      judge_(report_, world_, clock_, fleet_, ledger_, &clients_),
      read_(backend_.state().revision()) {
    backend_.set_faults(&faults_);
    fleet_.agents[options_.agent.name].clock = &clock_;
    ledger_.on_start = [this](const LedgerEntry& run, std::optional<MonoTime> before) {
        watch_store();
        say(fmt::format("process {}.{} starts", core::to_text(run.id.execution),
                        run.id.attempt.value));
        judge_.started(run, before);
    };
    ledger_.on_end = [this](const LedgerEntry& run) {
        say(fmt::format("process {}.{} ends: {} {}", core::to_text(run.id.execution),
                        run.id.attempt.value, core::to_text(run.result.outcome),
                        run.result.exit_code));
    };
    if (options_.story) net_.on_story = [this](const std::string& text) { say(text); };
    clients_.on_story = [this](const std::string& text) { say(text); };
}

Simulation::~Simulation() = default;

void Simulation::say(const std::string& text) {
    if (options_.story)
        options_.story(fmt::format("{} {}", to_rfc3339(world_.wall(clock_)), text));
}

void Simulation::note(const std::string& text) { say("-- " + text); }

// ---- what happens to it

void Simulation::start_agent() {
    note("the agent starts");
    Agent::Events events;
    events.on_begins = [this] { fleet_.agents[options_.agent.name].born.push_back(world_.now()); };
    events.on_warning = [this](std::string text) { say("agent: " + text); };
    events.on_failed = [this](std::string why) {
        // Its supervisor starts it again.
        say("agent gives up: " + why);
        fate_.post([this, life = lives_] {
            if (life != lives_ || !agent_) return;
            crash_agent();
            fate_.call_after(std::chrono::seconds(1), [this, now = lives_] {
                if (now == lives_ && !agent_) start_agent();
            });
        });
    };
    ++lives_;
    agent_ = std::make_unique<Agent>(world_, clock_, backend_, net_, options_.agent,
                                     std::move(events), options_.tampering,
                                     Seeded(options_.seed, fmt::format("agent {}", lives_)));
    if (!worker_) start_worker();
}

void Simulation::crash_agent() {
    if (!agent_) return;
    note("the agent dies");
    ++lives_;
    agent_.reset();
    if (options_.worker_dies_with_agent) crash_worker();
}

void Simulation::stop_agent(Duration patience) {
    if (!agent_) return;
    note("the agent is asked to stop");
    agent_->stop(patience, [this, life = lives_] {
        fate_.post([this, life] {
            if (life == lives_) crash_agent();
        });
    });
}

void Simulation::start_worker() {
    note("the worker starts");
    worker_ = std::make_unique<ModelWorker>(
        world_, clock_, net_, machine_, std::vector<std::string>{options_.agent.name},
        options_.worker, Seeded(options_.seed, fmt::format("worker {}", ++worker_lives_)));
}

void Simulation::crash_worker() {
    if (!worker_) return;
    note("the worker dies");
    worker_.reset();
}

void Simulation::step_clock(Duration by) {
    note(fmt::format("the clock is stepped by {} s", by.count() / 1000000));
    world_.step_clock(clock_, by);
}

// ---- time

void Simulation::watch_store() {
    const Revision now = backend_.state().revision();
    if (now == read_) return;
    const auto events = backend_.state().events("", "\xff", read_);
    read_ = now;
    if (!events) {
        report_.violated("unknown", "the store has forgotten its history before it was read");
        return;
    }
    std::vector<store::WatchEvent> one;
    for (std::size_t i = 0; i < events->size(); ++i) {
        one.push_back((*events)[i]);
        const bool last = i + 1 == events->size() ||
                          (*events)[i + 1].kv.mod_revision != one.front().kv.mod_revision;
        if (!last) continue;
        const TxnSeen txn = read_txn(one, world_.now());
        one.clear();
        world_.mix(txn.revision.value);
        if (options_.story)
            if (const std::string text = describe(txn); !text.empty()) say(text);
        judge_.read(txn);
        if (options_.keep_history) history_.push_back(txn);
    }
}

void Simulation::run_for(Duration time) {
    run_until([] { return false; }, time);
}

bool Simulation::run_until(const std::function<bool()>& done, Duration most) {
    const MonoTime end = world_.now() + most;
    MonoTime second = world_.now();
    std::uint64_t events = world_.events();
    while (!done()) {
        if (failed()) return false;
        if (!world_.run_one(end)) return done();
        watch_store();
        if (world_.now() - second >= std::chrono::seconds(1)) {
            second = world_.now();
            events = world_.events();
        } else if (world_.events() - events > kMostEventsASecond) {
            report_.violated("I20", "more than {} events in a second", kMostEventsASecond);
        }
    }
    return true;
}

// ---- what came of it

bool Simulation::at_rest() const {
    return seen().open.empty() && seen().triggers.empty() && machine_.running() == 0 &&
           machine_.notes.empty();
}

void Simulation::check_at_rest() {
    judge_.check_at_rest();
    for (const auto& [id, note] : machine_.notes)
        report_.violated("I16", "the worker still holds {}.{}", core::to_text(id.execution),
                         id.attempt.value);
    if (machine_.running() != 0)
        report_.violated("I16", "{} processes still run", machine_.running());
}

void Simulation::check_end() { clients_.check_end(seen()); }

}  // namespace khronos::sim

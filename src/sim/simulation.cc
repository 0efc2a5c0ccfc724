#include "sim/simulation.h"

#include <algorithm>
#include <utility>

#include "cluster/verify.h"
#include "store/codec.h"
#include "store/keys.h"
#include "store/memory/memory_backend.h"

namespace khronos::sim {

namespace {

// So much in one virtual second is a loop that turns without getting anywhere.
constexpr std::uint64_t kMostEventsASecond = 300'000;

}  // namespace

Simulation::Host::Host(World& world, Ledger& ledger, std::size_t number, std::uint64_t seed)
    : name(fmt::format("agent-{}", number)),
      machine(world, clock, ledger, fmt::format("worker-{}", number), seed) {}

Simulation::Simulation(SimulationOptions options)
    : options_(std::move(options)),
      world_(options_.seed, options_.start),
      fate_(world_, true_clock_, true),
      report_(world_),
      backend_(fate_),
      faults_(world_, Seeded(options_.seed, "store")),
      net_(world_, Seeded(options_.seed, "net")),
      hosts_([this] {
          std::vector<std::unique_ptr<Host>> hosts;
          for (std::size_t i = 1; i <= options_.agents; ++i)
              hosts.push_back(std::make_unique<Host>(world_, ledger_, i, options_.seed));
          return hosts;
      }()),
      clients_(world_, report_),
      judge_(report_, world_, hosts_.front()->clock, fleet_, ledger_, &clients_),
      read_(backend_.state().revision()) {
    backend_.set_faults(&faults_);
    for (const auto& host : hosts_)
        fleet_.agents[host->name].clock = &host->clock;
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
    if (options_.story) options_.story(fmt::format("{} {}", to_rfc3339(wall()), text));
}

void Simulation::note(const std::string& text) {
    say("-- " + text);
}

// ---- what happens to it

std::string Simulation::which(std::size_t i) const {
    return hosts_.size() == 1 ? "" : fmt::format(" {}", i + 1);
}

void Simulation::start_agent(std::size_t i) {
    Host& host = *hosts_[i];
    note(fmt::format("the agent{} starts", which(i)));
    Agent::Events events;
    events.on_begins = [this, &host] { fleet_.agents[host.name].born.push_back(world_.now()); };
    events.on_warning = [this, i](std::string text) {
        say(fmt::format("agent{}: {}", which(i), text));
    };
    ++host.lives;
    Agent::Config config = options_.agent;
    config.name = host.name;
    config.alone = hosts_.size() == 1;
    config.guards = options_.guards || !config.alone;
    host.agent = std::make_unique<Agent>(
        world_, host.clock, backend_, net_, config, std::move(events), options_.tampering,
        Seeded(options_.seed, fmt::format("agent {} {}", i, host.lives)));
    if (!host.worker) start_worker(i);
}

void Simulation::crash_agent(std::size_t i) {
    Host& host = *hosts_[i];
    if (!host.agent) return;
    note(fmt::format("the agent{} dies", which(i)));
    ++host.lives;
    host.agent.reset();
    if (options_.worker_dies_with_agent) crash_worker(i);
}

void Simulation::stop_agent(Duration patience, std::size_t i) {
    Host& host = *hosts_[i];
    if (!host.agent) return;
    note(fmt::format("the agent{} is asked to stop", which(i)));
    host.agent->stop(patience, [this, i, life = host.lives] {
        fate_.post([this, i, life] {
            if (life == hosts_[i]->lives) crash_agent(i);
        });
    });
}

void Simulation::start_worker(std::size_t i) {
    Host& host = *hosts_[i];
    note(fmt::format("the worker{} starts", which(i)));
    std::vector<std::string> names;
    for (const auto& one : hosts_)
        names.push_back(one->name);
    host.worker = std::make_unique<SimWorker>(
        world_, host.clock, net_, host.machine, std::move(names), options_.worker,
        Seeded(options_.seed, fmt::format("worker {} {}", i, ++host.worker_lives)));
}

void Simulation::crash_worker(std::size_t i) {
    Host& host = *hosts_[i];
    if (!host.worker) return;
    note(fmt::format("the worker{} dies", which(i)));
    host.worker.reset();
}

void Simulation::freeze_worker(Duration time, std::size_t i) {
    Host& host = *hosts_[i];
    if (!host.worker) return;
    note(fmt::format("the worker{} freezes for {} ms", which(i), time.count() / 1000));
    host.worker->freeze_until(world_.now() + time);
}

void Simulation::cut_off_worker(Duration time, std::size_t i) {
    note(fmt::format("the worker{} is cut off for {} ms", which(i), time.count() / 1000));
    net_.cut_off(hosts_[i]->machine.worker(), time);
}

void Simulation::reboot_machine(std::size_t i) {
    crash_worker(i);
    note(fmt::format("the machine{} of the worker is started anew", which(i)));
    hosts_[i]->machine.reboot();
}

void Simulation::step_clock(Duration by, std::size_t i) {
    note(fmt::format("the clock{} is stepped by {} s", which(i), by.count() / 1000000));
    world_.step_clock(hosts_[i]->clock, by);
}

void Simulation::freeze_agent(Duration time, std::size_t i) {
    Host& host = *hosts_[i];
    if (!host.agent) return;
    note(fmt::format("the agent{} freezes for {} ms", which(i), time.count() / 1000));
    host.agent->freeze_until(world_.now() + time);
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
    return seen().open.empty() && seen().triggers.empty() &&
           std::ranges::all_of(hosts_, [](const auto& host) {
               return host->machine.running() == 0 && host->machine.held().empty();
           });
}

void Simulation::check_at_rest() {
    judge_.check_at_rest();
    for (const auto& host : hosts_) {
        for (const core::AttemptId& id : host->machine.held())
            report_.violated("I16", "the worker{} still holds {}.{}", host->machine.worker(),
                             core::to_text(id.execution), id.attempt.value);
        if (host->machine.running() != 0)
            report_.violated("I16", "{} processes still run on {}", host->machine.running(),
                             host->machine.worker());
    }
}

void Simulation::check_end() {
    clients_.check_end(seen());
    verify_store();
}

// What a user may ask of a store afterwards must be content with every store that is right.
void Simulation::verify_store() {
    backend_.set_faults(nullptr);  // a reader that starts again after each would see the same
    store::MemoryStore handle(backend_, fate_, "verifier");
    cluster::VerifyOptions options;
    // The machine's clock was set back and forth: what depends on it cannot be told here.
    options.clocks = {std::chrono::hours(100'000), Duration(0), std::chrono::hours(100'000)};
    store::Meta meta;
    meta.cluster_id = "simulated";
    handle.write({{}, {store::Put{std::string(store::keys::kMeta), store::encode(meta), {}}}},
                 [](const store::WriteOutcome&) {});
    bool over = false;
    cluster::verify_store(
        handle, fate_, std::move(options),
        [this](const cluster::VerifiedJob& job) {
            for (const verify::Finding& finding : job.verdict.findings)
                report_.violated(finding.invariant, "verify: job {}: {}", job.name, finding.text);
        },
        {},
        [this, &over](std::expected<cluster::Verified, Error> verified) {
            over = true;
            if (!verified)
                return report_.violated("unknown", "verify: {}", verified.error().message);
            for (const verify::Finding& finding : verified->others)
                report_.violated(finding.invariant, "verify: {}", finding.text);
        });
    if (!run_until([&] { return over; }, std::chrono::minutes(10)) && !failed())
        report_.violated("unknown", "verify never came to an end");
}

}  // namespace khronos::sim

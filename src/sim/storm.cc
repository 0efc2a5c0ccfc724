#include "sim/storm.h"

#include <algorithm>
#include <array>
#include <utility>

#include "store/keys.h"

namespace khronos::sim {

using namespace std::chrono_literals;

namespace {

// Moments at which clocks are changed somewhere.
struct ClockChange {
    const char* zone;
    const char* at;
};
constexpr std::array<ClockChange, 9> kClockChanges = {{
    {"Europe/Paris", "2024-03-31T01:00:00Z"},
    {"Europe/Paris", "2024-10-27T01:00:00Z"},
    {"America/New_York", "2024-03-10T07:00:00Z"},
    {"America/New_York", "2024-11-03T06:00:00Z"},
    {"Australia/Lord_Howe", "2024-04-06T15:00:00Z"},  // by half an hour
    {"Australia/Lord_Howe", "2024-10-05T15:30:00Z"},
    {"America/St_Johns", "2006-10-29T02:31:00Z"},  // at one minute past midnight
    {"Africa/Cairo", "2024-04-25T22:00:00Z"},       // at midnight
    {"America/Sao_Paulo", "2018-11-04T03:00:00Z"},
}};

struct PlanWord {
    bool StormPlan::*flag;
    const char* word;
};
constexpr PlanWord kPlanWords[] = {
    {&StormPlan::unknown_writes, "unknown writes"},
    {&StormPlan::failing_reads, "failing reads"},
    {&StormPlan::slow_store, "slow store"},
    {&StormPlan::store_outages, "store outages"},
    {&StormPlan::store_full, "store full"},
    {&StormPlan::lagging_watches, "lagging watches"},
    {&StormPlan::lost_watches, "lost watches"},
    {&StormPlan::compaction, "compaction"},
    {&StormPlan::agent_crashes, "agent crashes"},
    {&StormPlan::long_outages, "long outages"},
    {&StormPlan::clean_restarts, "clean restarts"},
    {&StormPlan::freezes, "freezes"},
    {&StormPlan::worker_crashes, "worker crashes"},
    {&StormPlan::separate_worker, "separate worker"},
    {&StormPlan::broken_links, "broken links"},
    {&StormPlan::machine_reboots, "machine reboots"},
    {&StormPlan::refusing_worker, "refusing worker"},
    {&StormPlan::few_slots, "few slots"},
    {&StormPlan::small_steps, "small clock steps"},
    {&StormPlan::forward_steps, "forward clock steps"},
    {&StormPlan::backward_steps, "backward clock steps"},
    {&StormPlan::late_timers, "late timers"},
    {&StormPlan::silent_watches, "watches that lose events silently"},
    {&StormPlan::doubled_watches, "doubled watch events"},
    {&StormPlan::several_agents, "several agents"},
    {&StormPlan::revoked_sessions, "revoked sessions"},
    {&StormPlan::guards, "guards"},
    {&StormPlan::cut_off_workers, "workers cut off"},
    {&StormPlan::frozen_workers, "workers frozen"},
    {&StormPlan::dead_workers, "workers long dead"},
    {&StormPlan::one_shard, "one shard"},
    {&StormPlan::every_second, "every second"},
    {&StormPlan::zones, "zones"},
    {&StormPlan::once_schedules, "@at and @oneway"},
    {&StormPlan::limits, "concurrency limits"},
    {&StormPlan::misfire_policies, "misfire policies"},
    {&StormPlan::failures, "failures"},
    {&StormPlan::retries, "retries"},
    {&StormPlan::timeouts, "timeouts"},
    {&StormPlan::spread, "spread"},
    {&StormPlan::deadlines, "start deadlines"},
    {&StormPlan::windows, "windows"},
    {&StormPlan::short_history, "short history"},
    {&StormPlan::ephemeral, "ephemeral"},
    {&StormPlan::lost_policies, "policies of loss"},
    {&StormPlan::edits, "edits"},
    {&StormPlan::deletes, "deletes"},
    {&StormPlan::manual_runs, "manual runs"},
};

// `count` names; all of one shard where that is wanted.
std::vector<std::string> job_names(std::size_t count, bool one_shard) {
    std::vector<std::string> names;
    for (int i = 0; names.size() < count; ++i) {
        std::string name = fmt::format("job-{}", i);
        if (one_shard && !names.empty() && shard_of(name) != shard_of(names.front())) continue;
        names.push_back(std::move(name));
    }
    return names;
}

}  // namespace

std::string StormPlan::text() const {
    std::string text;
    for (const PlanWord& one : kPlanWords)
        if (this->*one.flag) text += (text.empty() ? "" : ", ") + std::string(one.word);
    return text;
}

StormPlan Storm::plan_of(Seeded& random) {
    StormPlan plan;
    // Some storms have many faults and some have few: a fault can hide another one.
    const double often = random.pick(std::array{0.1, 0.3, 0.5, 0.8});
    for (const PlanWord& one : kPlanWords) plan.*one.flag = random.chance(often);
    // Without these there is little to see.
    plan.edits = random.chance(0.7);
    plan.agent_crashes = random.chance(0.7);
    // An @at for a tick whose record is forgotten cannot be told from a new one.
    if (plan.once_schedules) plan.short_history = false;
    return plan;
}

Storm::Storm(StormOptions options)
    : options_(std::move(options)), random_(options_.seed, "storm"), plan_(plan_of(random_)) {
    length_ = random_.between(Duration(2min), Duration(25min));
    if (options_.length > Duration(0)) length_ = options_.length;
    names_ = job_names(static_cast<std::size_t>(random_.between(1, 6)), plan_.one_shard);
    sim_ = std::make_unique<Simulation>(simulation());
}

Storm::~Storm() = default;

SimulationOptions Storm::simulation() {
    SimulationOptions options;
    options.seed = options_.seed;
    options.story = options_.story;
    options.tampering = options_.tampering;
    options.keep_history = options_.keep_history;
    options.start = WallTime::from_seconds(1704067200 + random_.between(0, 365 * 86400));
    if (plan_.zones) {
        const ClockChange& change = random_.pick(kClockChanges);
        zone_ = change.zone;
        options.start = *parse_rfc3339(change.at) - random_.between(Duration(1min), Duration(3h));
    }
    options.worker.slots = plan_.few_slots ? static_cast<std::uint32_t>(random_.between(1, 4)) : 200;
    options.worker.refuses = plan_.refusing_worker ? 0.2 : 0;
    options.worker_dies_with_agent = !plan_.separate_worker;
    options.guards = plan_.guards;
    if (plan_.several_agents) {
        options.agents = static_cast<std::size_t>(random_.between(2, 4));
        // A watch that lost something unnoticed is made up for by lists.
        options.agent.relist_every = random_.between(Duration(5s), Duration(60s));
    }
    return options;
}

void Storm::set_store_rules() {
    StoreFaults::Rules rules;
    if (plan_.unknown_writes) rules.unknown = random_.pick(std::array{0.002, 0.02, 0.15});
    if (plan_.failing_reads) rules.read_fails = random_.pick(std::array{0.005, 0.05});
    if (plan_.slow_store) rules.slow = random_.pick(std::array{0.01, 0.2});
    if (plan_.lost_watches) rules.watch_lost = random_.pick(std::array{0.002, 0.05});
    if (plan_.lagging_watches) rules.watch_slow = random_.pick(std::array{0.05, 0.5});
    // Made up for by lists, which one agent on a store of its own does not make.
    if (plan_.silent_watches && plan_.several_agents)
        rules.watch_dropped = random_.pick(std::array{0.002, 0.03});
    if (plan_.doubled_watches) rules.watch_twice = random_.pick(std::array{0.01, 0.2});
    sim_->store_faults().set_rules(rules);
    if (plan_.late_timers) sim_->world().set_timer_lateness(random_.between(Duration(0), Duration(50ms)));
}

// ---- the jobs

std::string Storm::random_schedule() {
    if (plan_.once_schedules && random_.chance(0.3)) {
        if (random_.chance(0.3)) return "@oneway";
        const WallTime at =
            sim_->wall().floor_second() + Duration(std::chrono::seconds(random_.between(-90, 300)));
        return "@at " + to_rfc3339(at);
    }
    if (plan_.every_second && random_.chance(0.3)) return "* * * * * *";
    if (plan_.zones && random_.chance(0.6)) {
        static const std::vector<std::string> kInZones = {
            "0 30 2 * * *",      "0 */15 * * * *",   "0 0/10 0-3 * * *", "0 15,45 1-2 * * *",
            "30 */20 * * * *",   "0 30 */2 ? * *",   "0 0 0 * * *",      "0 5 0 1-15 * SUN",
            "0 */7 22-23 * * *", "0 0 1 ? * SUN,MON"};
        return random_.pick(kInZones);
    }
    static const std::vector<std::string> kPlain = {
        "*/5 * * * * *",  "*/7 * * * * *",    "0 * * * * *",     "0 */2 * * * *", "30 */3 * * * *",
        "@every 3s",      "@every 10s",       "@every 17s",      "@every 1m30s",  "@minutely",
        "10-13 * * * * *", "0,1,2 */4 * * * *", "15,45 * * * * *", "@hourly",       "",
        "@every 2h",      "0 0 */6 * * *",    "*/20 * * ? * *"};
    return random_.pick(kPlain);
}

core::JobSpec Storm::random_spec(const std::string& name) {
    core::JobSpec spec;
    spec.name = name;
    spec.executor = "shell";
    spec.schedule = random_schedule();
    if (plan_.zones && random_.chance(0.8)) {
        spec.timezone = zone_;
        if (random_.chance(0.4)) {
            spec.dst_gap = random_.pick(
                std::array{core::DstGap::by_rule, core::DstGap::run, core::DstGap::skip});
            spec.dst_overlap =
                random_.pick(std::array{core::DstOverlap::by_rule, core::DstOverlap::first,
                                        core::DstOverlap::second, core::DstOverlap::both});
        }
    }
    Duration longest = random_.pick(std::array{Duration(50ms), Duration(2s), Duration(12s)});
    if (plan_.guards || plan_.several_agents) {
        spec.guard = random_.pick(std::array{Duration(10s), Duration(20s), Duration(60s)});
        if (random_.chance(0.3)) longest = 50s;  // long enough to be lost
    }
    spec.executor_config["command"] =
        work(longest / 10, longest, plan_.failures ? static_cast<int>(random_.between(0, 70)) : 0);
    if (plan_.limits && random_.chance(0.6)) {
        if (random_.chance(0.4)) {
            spec.concurrency =
                random_.coin() ? core::Concurrency::replace : core::Concurrency::queue;
            spec.max_concurrency = static_cast<std::uint32_t>(random_.between(0, 2));
            spec.queue_limit = static_cast<std::uint32_t>(random_.between(1, 5));
        } else if (random_.chance(0.7)) {
            spec.concurrency = core::Concurrency::forbid;
        } else {
            spec.max_concurrency = static_cast<std::uint32_t>(random_.between(1, 3));
        }
    }
    if (plan_.misfire_policies) {
        spec.misfire =
            random_.pick(std::array{core::Misfire::once, core::Misfire::skip, core::Misfire::all});
        spec.misfire_limit = random_.pick(std::array<std::uint32_t, 5>{0, 1, 5, 100, 300});
    }
    if (plan_.retries) {
        spec.retries = static_cast<std::uint32_t>(random_.between(0, 3));
        spec.retry_delay = random_.pick(std::array{Duration(0), Duration(500ms), Duration(8s)});
        spec.retry_backoff = random_.pick(std::array{1.0, 2.0});
        spec.on_failure = random_.pick(std::array{core::OnFailure::failover, core::OnFailure::failtry,
                                                  core::OnFailure::failfast});
    }
    if (plan_.timeouts && random_.chance(0.5)) {
        spec.timeout = std::max(longest / 2, Duration(20ms));
        spec.kill_grace = random_.between(Duration(0), Duration(3s));
    }
    if (plan_.spread && random_.chance(0.4)) spec.spread = random_.between(Duration(1s), Duration(20s));
    if (plan_.deadlines && random_.chance(0.5))
        spec.start_deadline = random_.between(Duration(1s), Duration(10s));
    if (plan_.windows && random_.chance(0.4)) {
        if (random_.coin()) spec.starts_at = sim_->wall() + random_.between(Duration(-1min), Duration(3min));
        if (random_.coin()) spec.expires_at = sim_->wall() + random_.between(Duration(1min), Duration(8min));
    }
    if (plan_.short_history) spec.history_limit = static_cast<std::uint32_t>(random_.between(1, 20));
    if (plan_.lost_policies) {
        spec.on_lost =
            random_.pick(std::array{core::OnLost::retry, core::OnLost::fail, core::OnLost::wait});
        spec.lost_retries = static_cast<std::uint32_t>(random_.between(0, 3));
    }
    spec.ephemeral = plan_.ephemeral && random_.chance(0.2);
    spec.disabled = random_.chance(0.1);
    return spec;
}

// An edit of one or a few fields.
void Storm::change(core::JobSpec& spec) {
    const core::JobSpec other = random_spec(spec.name);
    switch (random_.between(0, 7)) {
        case 0: spec.schedule = other.schedule; break;
        case 1: spec.disabled = !spec.disabled; break;
        case 2:
            spec.concurrency = spec.concurrency == core::Concurrency::forbid ? core::Concurrency::allow
                                                                             : core::Concurrency::forbid;
            break;
        case 3: spec.max_concurrency = other.max_concurrency; break;
        case 4:
            spec.retries = other.retries;
            spec.executor_config = other.executor_config;
            break;
        case 5: spec.description += "."; break;
        case 6:
            spec.timezone = other.timezone;
            spec.dst_gap = other.dst_gap;
            break;
        default:
            spec.misfire = other.misfire;
            spec.spread = other.spread;
            break;
    }
}

// ---- what the clients do

void Storm::next_operation() {
    sim_->fate().call_after(random_.between(Duration(200ms), Duration(20s)), [this] {
        if (calm_) return;
        operate();
        next_operation();
    });
}

// One that lives, or is also ready; any of them.
std::optional<std::size_t> Storm::some_agent(bool ready) {
    std::vector<std::size_t> there;
    for (std::size_t i = 0; i < sim_->agents(); ++i)
        if (ready ? sim_->agent_ready(i) : sim_->agent_lives(i)) there.push_back(i);
    if (there.empty()) return std::nullopt;
    return random_.pick(there);
}

void Storm::operate() {
    const auto asked = some_agent(false);
    if (!asked) return;
    Agent& agent = sim_->agent(*asked);
    Clients& clients = sim_->clients();
    const std::string& name = random_.pick(names_);
    // Several at once now and then: they meet in the store.
    for (std::int64_t i = random_.chance(0.1) ? 3 : 1; i > 0; --i) {
        const std::int64_t what = random_.between(0, 99);
        if (what < 25 && plan_.manual_runs) {
            clients.run(agent, name,
                        random_.coin() ? fmt::format("key-{}", random_.between(0, 5)) : "");
        } else if (what < 60 && plan_.edits) {
            clients.edit(agent, name, [this](core::JobSpec& spec) { change(spec); });
        } else if (what < 75 && plan_.deletes) {
            clients.remove(agent, name);
        } else if (what < 90) {
            clients.put(agent, random_spec(name), random_.chance(0.2));
        }
    }
}

// ---- what breaks

void Storm::next_trouble() {
    sim_->fate().call_after(random_.between(Duration(1s), Duration(90s)), [this] {
        if (calm_) return;
        trouble();
        next_trouble();
    });
}

void Storm::bring_back(Duration after, std::size_t agent) {
    sim_->fate().call_after(after, [this, agent] {
        if (!sim_->agent_lives(agent)) sim_->start_agent(agent);
        if (!sim_->worker_lives(agent)) sim_->start_worker(agent);
    });
}

// The lease of a live agent ends: to the others it is dead.
void Storm::revoke_a_session() {
    store::RangeRequest request;
    request.begin = store::keys::kAgents;
    request.end = store::prefix_end(store::keys::kAgents);
    const auto sessions = sim_->store().state().range(request).kvs;
    if (sessions.empty()) return;
    sim_->note("a session is revoked");
    sim_->store().end_lease(random_.pick(sessions).lease);
}

void Storm::trouble() {
    Simulation& sim = *sim_;
    std::vector<std::function<void()>> troubles;
    const auto one = static_cast<std::size_t>(
        random_.between(0, static_cast<std::int64_t>(sim.agents()) - 1));
    if (plan_.agent_crashes)
        troubles.emplace_back([&] {
            sim.crash_agent(one);
            bring_back(random_.between(Duration(50ms), Duration(5s)), one);
        });
    if (plan_.long_outages)
        troubles.emplace_back([&] {
            sim.crash_agent(one);
            bring_back(random_.pick(std::array{Duration(70s), Duration(10min), Duration(3h)}), one);
        });
    if (plan_.clean_restarts)
        troubles.emplace_back([&] {
            sim.stop_agent(random_.between(Duration(0), Duration(5s)), one);
            bring_back(random_.between(Duration(6s), Duration(10s)), one);
        });
    if (plan_.worker_crashes)
        troubles.emplace_back([&] {
            sim.crash_worker(one);
            bring_back(random_.between(Duration(10ms), Duration(5s)), one);
        });
    if (plan_.machine_reboots)
        troubles.emplace_back([&] {
            sim.reboot_machine(one);
            bring_back(random_.between(Duration(500ms), Duration(30s)), one);
        });
    if (plan_.cut_off_workers)
        troubles.emplace_back([&] {
            sim.cut_off_worker(random_.pick(std::array{Duration(2s), Duration(20s), Duration(100s)}) +
                                   random_.between(Duration(0), Duration(5s)),
                               one);
        });
    if (plan_.frozen_workers)
        troubles.emplace_back([&] {
            sim.freeze_worker(random_.pick(std::array{Duration(2s), Duration(20s), Duration(100s)}) +
                                  random_.between(Duration(0), Duration(5s)),
                              one);
        });
    if (plan_.dead_workers)
        troubles.emplace_back([&] {
            if (random_.coin()) sim.reboot_machine(one);
            sim.crash_worker(one);
            bring_back(random_.between(Duration(10s), Duration(150s)), one);
        });
    if (plan_.broken_links)
        troubles.emplace_back([&] {
            sim.note("the links break");
            sim.net().break_all();
        });
    if (plan_.freezes)
        troubles.emplace_back(
            [&] { sim.freeze_agent(random_.between(Duration(100ms), Duration(20s)), one); });
    if (plan_.revoked_sessions) troubles.emplace_back([&] { revoke_a_session(); });
    if (plan_.small_steps)
        troubles.emplace_back(
            [&] { sim.step_clock(random_.between(Duration(-3s), Duration(3s)), one); });
    if (plan_.forward_steps)
        troubles.emplace_back([&] {
            sim.step_clock(random_.chance(0.3) ? random_.between(Duration(5s), Duration(50s))
                                               : random_.between(Duration(70s), Duration(2h)),
                           one);
        });
    if (plan_.backward_steps)
        troubles.emplace_back(
            [&] { sim.step_clock(-random_.between(Duration(3s), Duration(5min)), one); });
    if (plan_.forward_steps && plan_.backward_steps)
        troubles.emplace_back([&] {
            // An error of the clock that is put right at once.
            const Duration error = random_.between(Duration(70s), Duration(1h));
            sim.step_clock(error, one);
            sim.fate().call_after(random_.between(Duration(100ms), Duration(4s)),
                                  [this, error, one] { sim_->step_clock(-error, one); });
        });
    if (plan_.store_outages)
        troubles.emplace_back([&] {
            sim.note("the store does not answer");
            sim.store_faults().out_until(
                sim.world().now() + random_.between(Duration(200ms), Duration(40s)), random_.coin());
        });
    if (plan_.store_full)
        troubles.emplace_back([&] {
            sim.note("the store is full");
            sim.store().set_no_space(true);
            sim.fate().call_after(random_.between(Duration(1s), Duration(30s)),
                                  [this] { sim_->store().set_no_space(false); });
        });
    if (plan_.lost_watches)
        troubles.emplace_back([&] { sim.store().break_watches("", "the stream broke"); });
    if (plan_.compaction)
        troubles.emplace_back([&] {
            sim.note("the store is compacted");
            sim.store().compact(sim.store().state().revision());
        });
    if (!troubles.empty()) random_.pick(troubles)();
}

// ---- the course of it

void Storm::calm() {
    sim_->note("calm");
    calm_ = true;
    sim_->store_faults().set_rules({});
    sim_->store_faults().out_until({}, true);
    sim_->store().set_no_space(false);
    sim_->world().set_timer_lateness(Duration(0));
    // Clocks that disagree for ever would leave nobody to say what is on time.
    for (std::size_t i = 1; i < sim_->agents(); ++i)
        if (const Duration off = sim_->wall() - sim_->wall(i); off != Duration(0))
            sim_->step_clock(off, i);
}

// No job runs by itself any more; false if the clients were not heard.
bool Storm::quieten() {
    bool all = true;
    for (std::size_t i = 0; i < names_.size(); ++i) {
        const std::string& name = names_[i];
        const core::Job* job =
            sim_->seen().names.contains(name) ? sim_->seen().present(sim_->seen().names.at(name)) : nullptr;
        if (!job || job->spec.disabled) continue;
        all = false;
        const auto asked = some_agent(true);
        if (!asked) continue;
        if (i % 2 == 0) {
            sim_->clients().remove(sim_->agent(*asked), name);
        } else {
            sim_->clients().edit(sim_->agent(*asked), name, [](core::JobSpec& spec) { spec.disabled = true; });
        }
    }
    return all;
}

StormResult Storm::run() {
    Simulation& sim = *sim_;
    sim.note(plan_.text());
    set_store_rules();
    for (std::size_t i = 0; i < sim.agents(); ++i) sim.start_agent(i);
    sim.run_until([&] { return sim.agent_ready(); }, 30s);
    if (sim.agent_lives())
        for (const std::string& name : names_)
            sim.clients().put(sim.agent(), random_spec(name), random_.chance(0.2));
    next_operation();
    next_trouble();
    sim.run_for(length_);

    calm();
    const auto bring_all_back = [&] {
        for (std::size_t i = 0; i < sim.agents(); ++i) bring_back(Duration(0), i);
    };
    bring_all_back();
    // An agent that is on its way out is brought back, too.
    const std::function<void()> keep = [&] {
        bring_all_back();
        sim.fate().call_after(1s, keep);
    };
    sim.fate().call_after(1s, keep);
    sim.run_for(90s);
    if (!sim.failed()) sim.check_punctual(3s);
    bool quiet = false;
    for (int i = 0; i < 30 && !sim.failed() && !quiet; ++i) {
        quiet = quieten();
        sim.run_for(2s);
    }
    sim.note("nothing more is to come");
    sim.run_until([&] { return sim.at_rest(); }, 12h);
    sim.run_for(10s);
    // Ticks that lie before the last edits, of a shard that was ahead of the clock, still come.
    sim.run_until([&] { return sim.at_rest(); }, 1h);
    if (!sim.failed()) sim.check_at_rest();
    if (!sim.failed()) sim.check_end();

    StormResult result;
    result.seed = options_.seed;
    result.violations = sim.report().violations();
    result.hash = sim.hash();
    result.events = sim.world().events();
    result.simulated = sim.world().now() - World::kStart;
    result.decisions = sim.seen().executions.size();
    result.runs = sim.ledger().entries().size();
    result.operations = sim.clients().acknowledged();
    result.story = plan_.text();
    return result;
}

}  // namespace khronos::sim

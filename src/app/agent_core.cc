#include "app/agent_core.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "app/version.h"
#include "base/duration.h"
#include "store/keys.h"

namespace khronos::app {
namespace {

// Against watches that lost something without saying so.
constexpr Duration kRelistJobs = std::chrono::minutes(5);
constexpr Duration kRelistSmall = std::chrono::seconds(60);

// Tests of lost workers cannot wait out a guard of a minute. No setting: nobody else wants it.
Duration guard_of_tests() {
    const char* text = std::getenv("TEST_KHRONOS_GUARD");
    const auto guard = parse_duration(text ? text : "");
    return guard ? *guard : Duration(0);
}

}  // namespace

AgentCore::AgentCore(StoreSource& source, runtime::Loop& loop, Setup setup)
    : loop_(loop),
      setup_(std::move(setup)),
      shared_(source.is_shared()),
      meter_(setup_.metrics),
      gauges_(setup_.metrics),
      handle_(source.handle(loop)),
      store_(*handle_, loop, setup_.metrics),
      started_at_(loop.wall_now()) {}

AgentCore::~AgentCore() { take_apart(); }

// ---- joints

scheduler::Scheduler::Events AgentCore::scheduler_events() {
    scheduler::Scheduler::Events events;
    events.on_fired = [this](scheduler::Fired fired) {
        dispatcher_->open(fired.fence, std::move(fired.execution), fired.revision,
                          std::move(fired.job));
    };
    events.on_decided = [this](const core::Execution& execution) { meter_.decided(execution); };
    events.on_job_deleted = [this](JobUid uid) { dispatcher_->job_deleted(uid); };
    events.on_warning = [this](const std::string& what) { setup_.log.warn(what); };
    events.on_taken = [this](ShardId shard, Epoch epoch, Revision revision) {
        ownership_->took(shard, epoch, revision);
    };
    events.on_not_taken = [this](ShardId shard) { ownership_->not_taken(shard); };
    events.on_loaded = [this](ShardId shard) {
        dispatcher_->shard_loaded(shard);
        cancels_->shard_loaded(shard);
        check_started();
    };
    events.on_gone = [this](ShardId shard) { dispatcher_->shard_lost(shard); };
    events.on_handed_over = [this](ShardId shard, Revision revision) {
        ownership_->handed_over(shard, revision);
    };
    events.on_lost = [this](ShardId shard) { ownership_->lost(shard); };
    events.on_jobs_lag = [this] { jobs_->relist(); };
    return events;
}

dispatch::Dispatcher::Events AgentCore::dispatcher_events() {
    dispatch::Dispatcher::Events events;
    events.on_ended = [this](ShardId shard, const core::Execution& execution) {
        meter_.ended(execution);
        days_->add(execution.state, execution.finished_at);
        scheduler_->ended(shard, execution.id);
        cancels_->ended(shard, execution.id);
        if (setup_.log.enabled(runtime::LogLevel::debug))
            setup_.log.debug("run ended",
                             {runtime::field::job(execution.job_name),
                              runtime::field::execution(core::to_text(execution.id)),
                              {"status", core::to_text(execution.state)}});
    };
    events.on_claimed = [this](const core::Execution& execution) {
        scheduler_->claimed(execution);
        meter_.dispatched(execution);
    };
    events.on_started = [this](const core::Execution& execution, WallTime at) {
        meter_.started(execution, at);
    };
    events.on_ephemeral_done = [this](const std::string& name, JobUid uid) {
        delete_ephemeral(name, uid);
    };
    events.on_warning = [this](const std::string& what) { setup_.log.warn(what); };
    return events;
}

void AgentCore::delete_ephemeral(const std::string& name, JobUid uid) {
    writer_->get(name, [this, name, uid](auto found) {
        // Another job may have that name by now.
        if (!found || !*found || (*found)->job.uid != uid) return;
        writer_->remove(name, (*found)->revision, "ephemeral", [this, name](auto removed) {
            if (!removed && removed.error().kind != ErrorKind::not_found)
                setup_.log.warn("an ephemeral job could not be deleted",
                                {runtime::field::job(name),
                                 runtime::field::error(removed.error().message)});
        });
    });
}

cluster::Ownership::Config AgentCore::ownership_config() const {
    cluster::Ownership::Config config;
    config.alone = !shared_;
    config.relist_every = kRelistSmall;
    config.session.relist_every = kRelistSmall / 2;
    config.session.ttl = setup_.config.session_ttl;
    config.session.predecessor = setup_.predecessor;
    core::AgentSession& self = config.session.self;
    self.id = setup_.agent_id;
    self.node = setup_.config.node;
    self.version = std::string(kVersion);
    for (const auto& [key, value] : setup_.config.tags) self.tags.emplace(key, value);
    self.started_at = started_at_;
    return config;
}

cluster::Ownership::Actions AgentCore::ownership_actions() {
    cluster::Ownership::Actions actions;
    actions.take = [this](const core::TakeShard& order) { scheduler_->take(order); };
    actions.hand_over = [this](ShardId shard) { scheduler_->hand_over(shard); };
    actions.lose = [this](ShardId shard) { scheduler_->lose(shard); };
    actions.on_members = [this] { setup_.on_members(); };
    actions.on_owner = [this](ShardId shard) { setup_.on_owner(shard); };
    actions.on_warning = [this](const std::string& what) { setup_.log.warn(what); };
    return actions;
}

cluster::CancelRequests::Actions AgentCore::cancel_actions() {
    cluster::CancelRequests::Actions actions;
    actions.is_ours = [this](ShardId shard) { return scheduler_->owns(shard); };
    actions.cancel = [this](const core::ExecutionId& id, const std::string&,
                            std::move_only_function<void(bool)> done) {
        dispatcher_->cancel(id, core::Reason::user, std::move(done));
    };
    return actions;
}

store::Mirror::Listener AgentCore::jobs_listener(store::Relay& relay) {
    store::Mirror::Listener listener;
    listener.on_list_begins = [this, &relay] {
        scheduler_->jobs_list_begins();
        relay.list_begins();
    };
    listener.on_put = [this, &relay](store::KeyValue kv) {
        scheduler_->put_job(kv);
        relay.put(std::move(kv));
    };
    listener.on_erase = [this, &relay](const std::string& key, Revision revision) {
        scheduler_->erase_job(key, revision);
        relay.erase(key, revision);
    };
    listener.on_listed = [this, &relay] {
        scheduler_->jobs_listed();
        relay.listed();
        if (!std::exchange(begun_, true)) begin();
    };
    listener.on_reached = [this, &relay](Revision revision) {
        scheduler_->jobs_reached(revision);
        relay.reached(revision);
    };
    return listener;
}

// ---- begin

void AgentCore::start(std::uint64_t token_base, wire::AgentEnd& workers, store::Relay& jobs,
                      std::move_only_function<void()> done) {
    started_ = std::move(done);
    scheduler::SchedulerConfig scheduling;
    scheduling.agent_id = setup_.agent_id;
    scheduling.node = setup_.config.node;
    scheduling.rules.misfire_threshold = setup_.config.misfire_threshold;
    if (shared_) scheduling.relist_every = kRelistSmall;
    days_ = std::make_unique<cluster::DayCounter>(
        store_, loop_, cluster::DayCounter::Config{setup_.agent_id});
    writer_ = std::make_unique<cluster::JobWriter>(
        store_, loop_, setup_.entropy,
        cluster::JobWriter::Config{setup_.config.misfire_threshold, 20});
    dispatcher_ = std::make_unique<dispatch::Dispatcher>(
        store_, loop_, setup_.entropy, workers,
        dispatch::DispatcherConfig{.token_base = token_base,
                                   .agent = setup_.config.node,
                                   .guards = shared_,
                                   .guard_at_most = guard_of_tests()},
        dispatcher_events());
    scheduler_ = std::make_unique<scheduler::Scheduler>(store_, loop_, setup_.entropy,
                                                        std::move(scheduling), scheduler_events());
    ownership_ = std::make_unique<cluster::Ownership>(store_, loop_, ownership_config(),
                                                      ownership_actions());
    cancels_ = std::make_unique<cluster::CancelRequests>(
        store_, loop_, cluster::CancelRequests::Config{shared_ ? kRelistSmall : Duration(0)},
        cancel_actions());
    jobs_ = std::make_unique<store::Mirror>(
        store_, loop_,
        store::Mirror::Config{std::string(store::keys::kJobs), 5000,
                              shared_ ? kRelistJobs : Duration(0)},
        jobs_listener(jobs));
    jobs_->start();
}

void AgentCore::begin() {
    scheduler_->start();
    cancels_->start();
    ownership_->start([this] {
        settled_ = true;
        check_started();
    });
}

void AgentCore::check_started() {
    if (!started_ || !settled_ || scheduler_->stats().shards_owned < ownership_->owned()) return;
    dispatcher_->start();
    set_gauges();
    std::exchange(started_, nullptr)();
}

void AgentCore::set_addresses(std::string http, std::string rpc) {
    ownership_->set_addresses(std::move(http), std::move(rpc));
}

void AgentCore::set_gauges() {
    gauges_.set(scheduler_->stats(), dispatcher_->stats(), dispatcher_->workers());
    setup_.on_second();
    gauges_timer_ = loop_.call_after(std::chrono::seconds(1), [this] { set_gauges(); });
}

// ---- end

void AgentCore::stop(std::move_only_function<void()> done) {
    if (ownership_->members().size() <= 1) return stop_alone(std::move(done));
    // What runs here goes on under the shards' next owners.
    leave(std::move(done));
}

void AgentCore::leave(std::move_only_function<void()> done) {
    days_->flush([this, done = std::move(done)]() mutable { ownership_->leave(std::move(done)); });
}

void AgentCore::stop_alone(std::move_only_function<void()> done) {
    scheduler_->quiesce([this, done = std::move(done)]() mutable {
        auto last = std::make_shared<std::move_only_function<void()>>(
            [this, done = std::move(done)]() mutable { leave(std::move(done)); });
        const auto once = [last] {
            if (*last) std::exchange(*last, nullptr)();
        };
        const Duration patience = setup_.config.drain_timeout;
        const std::size_t running = dispatcher_->stats().running;
        if (running > 0)
            setup_.log.info("waiting for runs to end",
                            {{"running", running}, {"at_most", patience}});
        loop_.call_after(patience, [this, once] {
            const std::size_t left = dispatcher_->stats().running;
            if (left > 0)
                setup_.log.warn("runs go on without the agent; the next start takes them up again",
                                {{"running", left}});
            once();
        });
        dispatcher_->drain(once);
    });
}

void AgentCore::take_apart() {
    loop_.cancel(gauges_timer_);
    if (jobs_) jobs_->stop();
    if (cancels_) cancels_->stop();
    if (dispatcher_) dispatcher_->stop();
    jobs_.reset();
    cancels_.reset();
    ownership_.reset();
    scheduler_.reset();
    dispatcher_.reset();
    days_.reset();
}

}  // namespace khronos::app

#include "sim/agent.h"

#include <fmt/format.h>

#include "store/keys.h"

namespace khronos::sim {

Agent::Agent(World& world, const WallClock& clock, store::MemoryBackend& backend, Net& net,
             Config config, Events events, const Tampering& tampering, Seeded random)
    : config_(std::move(config)),
      events_(std::move(events)),
      clock_(clock),
      loop_(world, clock),
      api_loop_(world, clock),
      random_(random),
      id_(fmt::format("{:016x}", random_.next())),
      handle_(backend, loop_, config_.name),
      api_handle_(backend, api_loop_, config_.name + " api"),
      store_(handle_, tampering),
      api_store_(api_handle_, tampering),
      port_(net, config_.name, loop_),
      writer_(api_store_, api_loop_, random_, {}),
      own_writer_(store_, loop_, random_, {}),
      dispatcher_(store_, loop_, random_, port_, dispatcher_config(), dispatcher_events()),
      scheduler_(store_, loop_, random_, scheduler_config(), scheduler_events()),
      ownership_(store_, loop_, ownership_config(), ownership_actions()),
      jobs_(store_, loop_, {std::string(store::keys::kJobs), 100, config_.relist_every},
            jobs_listener()) {
    jobs_.start();
}

Agent::~Agent() = default;

scheduler::SchedulerConfig Agent::scheduler_config() const {
    scheduler::SchedulerConfig config;
    config.agent_id = id_;
    config.node = config_.name;
    config.relist_every = config_.relist_every;
    return config;
}

scheduler::Scheduler::Events Agent::scheduler_events() {
    scheduler::Scheduler::Events events;
    events.on_fired = [this](scheduler::Fired fired) {
        dispatcher_.open(fired.fence, std::move(fired.execution), fired.revision,
                         std::move(fired.job));
    };
    events.on_decided = [](const core::Execution&) {};
    events.on_job_deleted = [this](JobUid uid) { dispatcher_.job_deleted(uid); };
    events.on_warning = [this](std::string text) { events_.on_warning(std::move(text)); };
    events.on_taken = [this](ShardId shard, Epoch epoch, Revision revision) {
        ownership_.took(shard, epoch, revision);
    };
    events.on_not_taken = [this](ShardId shard) { ownership_.not_taken(shard); };
    events.on_loaded = [this](ShardId shard) {
        dispatcher_.shard_loaded(shard);
        check_ready();
    };
    events.on_gone = [this](ShardId shard) { dispatcher_.shard_lost(shard); };
    events.on_handed_over = [this](ShardId shard, Revision revision) {
        ownership_.handed_over(shard, revision);
    };
    events.on_lost = [this](ShardId shard) { ownership_.lost(shard); };
    events.on_jobs_lag = [this] { jobs_.relist(); };
    return events;
}

cluster::Ownership::Config Agent::ownership_config() const {
    cluster::Ownership::Config config;
    config.session.self.id = id_;
    config.session.self.node = config_.name;
    config.alone = config_.alone;
    config.relist_every = config_.relist_every;
    config.session.relist_every = config_.relist_every;
    return config;
}

cluster::Ownership::Actions Agent::ownership_actions() {
    cluster::Ownership::Actions actions;
    actions.take = [this](const core::TakeShard& order) { scheduler_.take(order); };
    actions.hand_over = [this](ShardId shard) { scheduler_.hand_over(shard); };
    actions.lose = [this](ShardId shard) { scheduler_.lose(shard); };
    actions.on_warning = [this](std::string text) { events_.on_warning(std::move(text)); };
    return actions;
}

dispatch::DispatcherConfig Agent::dispatcher_config() const {
    dispatch::DispatcherConfig config;
    config.agent = config_.name;
    config.guards = config_.guards;
    return config;
}

dispatch::Dispatcher::Events Agent::dispatcher_events() {
    dispatch::Dispatcher::Events events;
    events.on_ended = [this](ShardId shard, const core::Execution& execution) {
        scheduler_.ended(shard, execution.id);
    };
    events.on_claimed = [this](const core::Execution& execution) {
        scheduler_.claimed(execution);
    };
    events.on_started = [](const core::Execution&, WallTime) {};
    events.on_ephemeral_done = [this](const std::string& name, JobUid uid) {
        delete_ephemeral(name, uid);
    };
    events.on_warning = [this](std::string text) { events_.on_warning(std::move(text)); };
    return events;
}

store::Mirror::Listener Agent::jobs_listener() {
    store::Mirror::Listener listener;
    listener.on_list_begins = [this] { scheduler_.jobs_list_begins(); };
    listener.on_put = [this](store::KeyValue kv) { scheduler_.put_job(kv); };
    listener.on_erase = [this](const std::string& key, Revision revision) {
        scheduler_.erase_job(key, revision);
    };
    listener.on_listed = [this] {
        scheduler_.jobs_listed();
        if (!begun_) begin();
    };
    listener.on_reached = [this](Revision revision) { scheduler_.jobs_reached(revision); };
    return listener;
}

void Agent::begin() {
    begun_ = true;
    events_.on_begins();
    scheduler_.start();
    ownership_.start([this] {
        settled_ = true;
        check_ready();
    });
}

void Agent::check_ready() {
    if (ready_ || !settled_ || scheduler_.stats().shards_owned < ownership_.owned()) return;
    dispatcher_.start();
    ready_ = true;
}

void Agent::delete_ephemeral(const std::string& name, JobUid uid) {
    own_writer_.get(name, [this, name, uid](auto found) {
        // Another job may have that name by now.
        if (!found || !*found || (*found)->job.uid != uid) return;
        own_writer_.remove(name, (*found)->revision, "ephemeral", [](auto) {});
    });
}

void Agent::freeze_until(MonoTime until) {
    loop_.freeze_until(until);
    api_loop_.freeze_until(until);
}

void Agent::stop(Duration patience, std::function<void()> done) {
    ready_ = false;
    stopped_ = std::move(done);
    scheduler_.quiesce([this, patience] {
        const auto release = [this] {
            if (!stopped_) return;
            dispatcher_.stop();
            ownership_.leave([gone = std::exchange(stopped_, nullptr)] { gone(); });
        };
        dispatcher_.drain(release);
        loop_.call_after(patience, release);
    });
}

}  // namespace khronos::sim

#include "app/agent.h"

#include <fmt/format.h>
#include <malloc.h>

#include <future>
#include <utility>

#include "api/front.h"
#include "api/http/http_server.h"
#include "app/builtin_worker.h"
#include "app/gauges.h"
#include "app/loop_thread.h"
#include "app/meter.h"
#include "app/version.h"
#include "cluster/catalog.h"
#include "cluster/catalog_feed.h"
#include "cluster/job_writer.h"
#include "cluster/meta.h"
#include "dispatch/dispatcher.h"
#include "runtime/asio/system_entropy.h"
#include "runtime/metrics.h"
#include "runtime/prometheus/prometheus_text.h"
#include "scheduler/scheduler.h"
#include "store/embedded/embedded_backend.h"
#include "store/embedded/embedded_store.h"
#include "store/keys.h"
#include "store/metered_store.h"
#include "store/mirror.h"
#include "store/relay.h"
#include "wire/inproc_link.h"

namespace khronos::app {
namespace {

// What lives on the core loop: everything that decides.
struct CoreParts {
    store::EmbeddedStore handle;
    store::MeteredStore store;
    runtime::TimerId gauges_timer;
    std::unique_ptr<cluster::JobWriter> writer;  // deletes ephemeral jobs
    std::unique_ptr<scheduler::Scheduler> scheduler;
    std::unique_ptr<dispatch::Dispatcher> dispatcher;
    std::unique_ptr<store::Mirror> jobs;

    CoreParts(store::EmbeddedBackend& backend, runtime::Loop& loop, runtime::Metrics& metrics)
        : handle(backend, loop), store(handle, loop, metrics) {}
};

// What lives on the API's loop: everything that answers.
struct ApiParts {
    store::EmbeddedStore store;
    cluster::Catalog catalog;
    cluster::JobWriter writer;
    std::unique_ptr<cluster::CatalogFeed> feed;
    std::unique_ptr<api::Services> services;
    std::unique_ptr<api::Front> front;
    std::unique_ptr<api::HttpServer> server;

    ApiParts(store::EmbeddedBackend& backend, runtime::AsioLoop& loop, runtime::Entropy& entropy,
             cluster::JobWriter::Config config)
        : store(backend, loop), catalog(loop), writer(store, loop, entropy, config) {}
};

// A promise that asynchronous code keeps and start() waits for.
template <class Value>
struct Waiting {
    std::promise<Value> promise;
    Value wait() { return promise.get_future().get(); }
};

}  // namespace

struct Agent::Parts {
    AgentConfig config;
    runtime::Log& log;
    runtime::Metrics metrics;
    Meter meter{metrics};
    Gauges gauges{metrics};
    runtime::SystemEntropy entropy;
    std::string agent_id;
    store::Meta meta;

    std::unique_ptr<store::EmbeddedBackend> backend;
    std::unique_ptr<LoopThread> core_thread;
    std::unique_ptr<LoopThread> worker_thread;
    std::unique_ptr<LoopThread> api_thread;
    std::unique_ptr<wire::InprocLink> link;
    std::unique_ptr<store::Relay> jobs_relay;  // from the core's mirror to the catalog
    std::unique_ptr<CoreParts> core;
    std::unique_ptr<ApiParts> api;
    std::unique_ptr<BuiltinWorker> worker;
    std::uint16_t port = 0;
    WallTime started_at;

    Parts(AgentConfig c, runtime::Log& l) : config(std::move(c)), log(l) {}

    std::expected<void, Error> open_store();
    std::expected<void, Error> make_catalog();
    std::expected<void, Error> start_core();
    std::expected<void, Error> start_api();
    void take_apart();

    scheduler::Scheduler::Events scheduler_events();
    dispatch::Dispatcher::Events dispatcher_events();
    store::Mirror::Listener jobs_listener(std::function<void()> on_first_list);
    std::unique_ptr<api::Services> make_services();
    std::string metrics_text();

    // On the core loop.
    void set_gauges();  // and again each second
    void delete_ephemeral(const std::string& name, JobUid uid);
};

Agent::Agent(AgentConfig config, runtime::Log& log)
    : parts_(std::make_unique<Parts>(std::move(config), log)) {}

Agent::~Agent() { parts_->take_apart(); }

std::uint16_t Agent::http_port() const { return parts_->port; }

std::expected<void, Error> Agent::start() {
    Parts& p = *parts_;
    for (auto step : {&Parts::open_store, &Parts::make_catalog, &Parts::start_core, &Parts::start_api}) {
        if (auto done = (p.*step)(); !done) {
            p.take_apart();
            return done;
        }
    }
    // What was only needed to read everything in goes back to the system, once the catalog has it.
    p.core_thread->loop().post([&p] {
        p.core_thread->loop().call_after(std::chrono::seconds(5), [] { ::malloc_trim(0); });
    });
    return {};
}

std::expected<void, Error> Agent::Parts::open_store() {
    auto opened = store::EmbeddedBackend::open(config.data_dir + "/store");
    if (!opened) return std::unexpected(opened.error());
    backend = std::move(*opened);
    agent_id = fmt::format("{:016x}", entropy.next());
    return {};
}

// ---- the core: scheduler and dispatcher, and the worker they speak to

scheduler::Scheduler::Events Agent::Parts::scheduler_events() {
    scheduler::Scheduler::Events events;
    events.on_fired = [this](scheduler::Fired fired) {
        core->dispatcher->open(fired.fence, std::move(fired.execution), fired.revision,
                               std::move(fired.job));
    };
    events.on_decided = [this](const core::Execution& execution) { meter.decided(execution); };
    events.on_job_deleted = [this](JobUid uid) { core->dispatcher->job_deleted(uid); };
    events.on_warning = [this](const std::string& what) { log.warn(what); };
    return events;
}

dispatch::Dispatcher::Events Agent::Parts::dispatcher_events() {
    dispatch::Dispatcher::Events events;
    events.on_ended = [this](ShardId shard, const core::Execution& execution) {
        meter.ended(execution);
        core->scheduler->ended(shard, execution.id);
        if (log.enabled(runtime::LogLevel::debug))
            log.debug("run ended", {runtime::field::job(execution.job_name),
                                    runtime::field::execution(core::to_text(execution.id)),
                                    {"status", core::to_text(execution.state)}});
    };
    events.on_claimed = [this](const core::Execution& execution) { meter.dispatched(execution); };
    events.on_started = [this](const core::Execution& execution, WallTime at) {
        meter.started(execution, at);
    };
    events.on_ephemeral_done = [this](const std::string& name, JobUid uid) {
        delete_ephemeral(name, uid);
    };
    events.on_warning = [this](const std::string& what) { log.warn(what); };
    return events;
}

void Agent::Parts::delete_ephemeral(const std::string& name, JobUid uid) {
    core->writer->get(name, [this, name, uid](auto found) {
        // Another job may have that name by now.
        if (!found || !*found || (*found)->job.uid != uid) return;
        core->writer->remove(name, (*found)->revision, "ephemeral", [this, name](auto removed) {
            if (!removed && removed.error().kind != ErrorKind::not_found)
                log.warn("an ephemeral job could not be deleted",
                         {runtime::field::job(name),
                          runtime::field::error(removed.error().message)});
        });
    });
}

store::Mirror::Listener Agent::Parts::jobs_listener(std::function<void()> on_first_list) {
    store::Mirror::Listener listener;
    listener.on_list_begins = [this] {
        core->scheduler->jobs_list_begins();
        jobs_relay->list_begins();
    };
    listener.on_put = [this](store::KeyValue kv) {
        core->scheduler->put_job(kv);
        jobs_relay->put(std::move(kv));
    };
    listener.on_erase = [this](const std::string& key, Revision revision) {
        core->scheduler->erase_job(key, revision);
        jobs_relay->erase(key, revision);
    };
    listener.on_listed = [this, on_first_list = std::move(on_first_list),
                          first = true]() mutable {
        core->scheduler->jobs_listed();
        jobs_relay->listed();
        if (std::exchange(first, false)) on_first_list();
    };
    listener.on_reached = [this](Revision revision) {
        core->scheduler->jobs_reached(revision);
        jobs_relay->reached(revision);
    };
    return listener;
}

std::expected<void, Error> Agent::Parts::start_core() {
    core_thread = std::make_unique<LoopThread>("khronos-core");
    worker_thread = std::make_unique<LoopThread>("khronos-worker");
    runtime::AsioLoop& loop = core_thread->loop();
    link = std::make_unique<wire::InprocLink>(loop, worker_thread->loop());

    Waiting<std::expected<store::Meta, Error>> opened;
    loop.post([this, &opened, &loop] {
        started_at = loop.wall_now();
        core = std::make_unique<CoreParts>(*backend, loop, metrics);
        cluster::open_meta(core->store, loop, entropy,
                           [&opened](auto result) { opened.promise.set_value(std::move(result)); });
    });
    auto read = opened.wait();
    if (!read) return std::unexpected(read.error());
    meta = *read;

    Waiting<std::expected<void, std::string>> decided;
    loop.post([this, &decided, &loop] {
        scheduler::SchedulerConfig scheduling;
        scheduling.agent_id = agent_id;
        scheduling.node = config.node;
        scheduling.rules.misfire_threshold = config.misfire_threshold;
        core->writer = std::make_unique<cluster::JobWriter>(
            core->store, loop, entropy, cluster::JobWriter::Config{config.misfire_threshold, 20});
        core->dispatcher = std::make_unique<dispatch::Dispatcher>(
            core->store, loop, entropy, link->agent(),
            dispatch::DispatcherConfig{.token_base = meta.token_base, .guards = false},
            dispatcher_events());
        core->scheduler = std::make_unique<scheduler::Scheduler>(
            core->store, loop, entropy, std::move(scheduling), scheduler_events());
        core->jobs = std::make_unique<store::Mirror>(
            core->store, loop, store::Mirror::Config{std::string(store::keys::kJobs), 5000, {}},
            jobs_listener([this, &decided] {
                core->scheduler->start([this, &decided](auto started) {
                    if (started) {
                        core->dispatcher->start();
                        set_gauges();
                    }
                    decided.promise.set_value(std::move(started));
                });
            }));
        core->jobs->start();
    });
    if (auto started = decided.wait(); !started)
        return std::unexpected(Error{ErrorKind::unavailable, "", started.error()});

    if (config.no_worker) return {};
    auto built = BuiltinWorker::start(
        {config.data_dir + "/worker", config.node, config.tags, config.max_execution_limit,
         config.env == Env::local},
        *worker_thread, link->worker(), entropy, log);
    if (!built) return std::unexpected(built.error());
    worker = std::move(*built);
    link->connect();
    return {};
}

// ---- the API

void Agent::Parts::set_gauges() {
    gauges.set(core->scheduler->stats(), core->dispatcher->stats(), core->dispatcher->workers());
    core->gauges_timer =
        core_thread->loop().call_after(std::chrono::seconds(1), [this] { set_gauges(); });
}

std::string Agent::Parts::metrics_text() {
    auto families = metrics.snapshot();
    if (api->catalog.size() <= kJobSeriesMax)
        append_job_series(families, api->catalog, api_thread->loop().wall_now());
    return runtime::to_prometheus_text(families);
}

std::unique_ptr<api::Services> Agent::Parts::make_services() {
    runtime::AsioLoop& loop = api_thread->loop();
    auto services = std::make_unique<api::Services>(
        api::Services{loop, api->store, api->writer, api->catalog, {}, {}});
    services->agent = {config.node,
                       std::string(kVersion),
                       std::string(to_text(config.env)),
                       "embedded",
                       meta.cluster_id,
                       started_at};
    services->misfire_threshold = config.misfire_threshold;
    services->read_output = [this, &loop](const core::Execution& execution, api::OutputRange range,
                                          api::Done<api::OutputPart> done) {
        if (!worker)
            return done(std::unexpected(
                Error{ErrorKind::not_found, "", "this agent has no worker of its own"}));
        worker->read_output(execution, range, loop, std::move(done));
    };
    services->cancel = [this, &loop](const core::ExecutionId& id, const std::string&,
                                     api::Done<void> done) {
        core_thread->loop().post([this, &loop, id, done = std::move(done)]() mutable {
            core->dispatcher->cancel(
                id, core::Reason::user, [&loop, done = std::move(done)](bool known) mutable {
                    loop.post([done = std::move(done), known]() mutable {
                        if (known) return done({});
                        done(std::unexpected(Error{ErrorKind::conflict, "",
                                                   "the execution is not running or waiting"}));
                    });
                });
        });
    };
    services->metrics = [this] { return metrics_text(); };
    services->readiness = [this] {
        api::Readiness readiness;
        if (!api->feed->complete()) {
            readiness.ready = false;
            readiness.issues.push_back("the catalog of jobs is still being read");
        }
        return readiness;
    };
    services->members = [this] {
        api::Member self;
        self.name = config.node;
        self.address = config.bind_ip;
        self.port = port;
        for (const auto& [key, value] : config.tags) self.tags.emplace(key, value);
        self.leads = true;
        return std::vector{self};
    };
    return services;
}

std::expected<void, Error> Agent::Parts::make_catalog() {
    api_thread = std::make_unique<LoopThread>("khronos-api");
    api_thread->call([this] {
        api = std::make_unique<ApiParts>(*backend, api_thread->loop(), entropy,
                                         cluster::JobWriter::Config{config.misfire_threshold, 20});
        api->feed = std::make_unique<cluster::CatalogFeed>(
            api->store, api_thread->loop(), api->catalog,
            cluster::CatalogFeed::Config{
                {}, [this](const std::string& what) { log.warn(what); }});
        api->feed->start();
    });
    jobs_relay = std::make_unique<store::Relay>(api_thread->loop(), api->feed->jobs());
    return {};
}

std::expected<void, Error> Agent::Parts::start_api() {
    api::HttpServerConfig http;
    http.bind_ip = config.bind_ip;
    http.port = config.http_port;
    if (auto valid = http.validate(); !valid) return valid;
    return api_thread->call([this, &http]() -> std::expected<void, Error> {
        api->services = make_services();
        api->front = std::make_unique<api::Front>(*api->services);
        api->server = std::make_unique<api::HttpServer>(
            api_thread->loop(), http, [this](api::HttpRequest request, api::Responder responder) {
                api->front->handle(std::move(request), std::move(responder));
            });
        if (auto started = api->server->start(); !started) return started;
        port = api->server->port();
        return {};
    });
}

// ---- the end

void Agent::stop(std::function<void()> on_stopped) {
    Parts& p = *parts_;
    p.core_thread->loop().post([&p, on_stopped = std::move(on_stopped)]() mutable {
        runtime::Loop& loop = p.core_thread->loop();
        p.core->scheduler->quiesce([&p, &loop, on_stopped = std::move(on_stopped)]() mutable {
            auto release = std::make_shared<std::move_only_function<void()>>(
                [&p, on_stopped = std::move(on_stopped)] {
                    p.core->scheduler->release(on_stopped);
                });
            const auto once = [release] {
                if (*release) std::exchange(*release, nullptr)();
            };
            const std::size_t running = p.core->dispatcher->stats().running;
            if (running > 0)
                p.log.info("waiting for runs to end", {{"running", running},
                                                       {"at_most", p.config.drain_timeout}});
            loop.call_after(p.config.drain_timeout, [&p, once] {
                const std::size_t left = p.core->dispatcher->stats().running;
                if (left > 0)
                    p.log.warn("runs go on without the agent; the next start takes them up again",
                               {{"running", left}});
                once();
            });
            p.core->dispatcher->drain(once);
        });
    });
}

void Agent::Parts::take_apart() {
    // First what asks others, then what is asked.
    if (api_thread && api) {
        std::promise<void> closed;
        api_thread->loop().post([this, &closed] {
            if (!api->server) return closed.set_value();
            api->server->stop([&closed] { closed.set_value(); });
        });
        closed.get_future().wait();
    }
    if (link) link->disconnect();
    worker.reset();
    if (core_thread && core) {
        core_thread->call([this] {
            core_thread->loop().cancel(core->gauges_timer);
            if (core->jobs) core->jobs->stop();
            if (core->dispatcher) core->dispatcher->stop();
            core->jobs.reset();
            core->scheduler.reset();
            core->dispatcher.reset();
            core.reset();
        });
    }
    if (api_thread && api) {
        api_thread->call([this] {
            api->server.reset();
            api->front.reset();
            api->feed->stop();
            api.reset();
        });
    }
    if (api_thread) api_thread->stop();
    if (core_thread) core_thread->stop();
    if (worker_thread) worker_thread->stop();
    jobs_relay.reset();
    link.reset();
    backend.reset();
}

}  // namespace khronos::app

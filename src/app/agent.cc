#include "app/agent.h"

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <utility>

#include "api/front.h"
#include "api/http/http_server.h"
#include "app/access_setup.h"
#include "app/agent_core.h"
#include "app/agent_identity.h"
#include "app/cluster_view.h"
#include "app/loop_thread.h"
#include "app/page_files.h"
#include "app/store_source.h"
#include "app/version.h"
#include "app/worker_port.h"
#include "app/worker_process.h"
#include "cluster/catalog.h"
#include "cluster/catalog_feed.h"
#include "cluster/meta.h"
#include "runtime/asio/system_entropy.h"
#include "runtime/metrics.h"
#include "runtime/openssl/sha256.h"
#include "runtime/prometheus/prometheus_text.h"
#include "store/relay.h"
#include "wire/inproc_link.h"

namespace khronos::app {
namespace {

// What lives on the API's loop: everything that answers.
struct ApiParts {
    std::unique_ptr<store::Store> store;
    cluster::Catalog catalog;
    cluster::JobWriter writer;
    ClusterView view;
    std::unique_ptr<cluster::CatalogFeed> feed;
    std::unique_ptr<api::AccessControl> access;
    std::unique_ptr<api::Services> services;
    std::unique_ptr<api::Front> front;
    std::unique_ptr<api::HttpServer> server;

    ApiParts(StoreSource& source, runtime::AsioLoop& loop, runtime::Entropy& entropy,
             cluster::JobWriter::Config config)
        : store(source.handle(loop)), catalog(loop), writer(*store, loop, entropy, config) {}
};

api::WorkerInfo::State state_of(core::WorkerState state) {
    switch (state) {
        case core::WorkerState::ready: return api::WorkerInfo::State::ready;
        case core::WorkerState::draining: return api::WorkerInfo::State::draining;
        case core::WorkerState::suspect: return api::WorkerInfo::State::suspect;
        case core::WorkerState::gone:
        case core::WorkerState::rejected: break;
    }
    return api::WorkerInfo::State::gone;
}

api::WorkerInfo worker_info(const core::WorkerView& view, const std::string& agent) {
    api::WorkerInfo info;
    info.id = view.id;
    info.node = view.node;
    info.boot_id = view.boot_id;
    info.version = kVersion;
    info.applications = view.applications;
    info.tags = view.tags;
    info.slots = view.slots;
    info.used = view.used + view.used_elsewhere;
    info.state = state_of(view.state);
    info.last_heartbeat = view.last_heartbeat;
    if (view.connected) info.agents.push_back(agent);
    return info;
}

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
    runtime::SystemEntropy entropy;
    std::unique_ptr<AgentIdentity> identity;
    store::Meta meta;

    std::unique_ptr<StoreSource> source;
    std::unique_ptr<LoopThread> core_thread;
    std::unique_ptr<LoopThread> worker_thread;
    std::unique_ptr<LoopThread> api_thread;
    std::unique_ptr<wire::InprocLink> link;
    std::unique_ptr<store::Relay> jobs_relay;  // from the core's mirror to the catalog
    std::unique_ptr<AgentCore> core;
    std::unique_ptr<ApiParts> api;
    std::unique_ptr<WorkerPort> worker_port;  // on the core loop
    std::unique_ptr<WorkerProcess> worker;
    std::uint16_t port = 0;

    Parts(AgentConfig c, runtime::Log& l) : config(std::move(c)), log(l) {}

    std::expected<void, Error> open_store();
    std::expected<void, Error> make_catalog();
    std::expected<void, Error> start_core();
    std::expected<void, Error> start_api();
    void take_apart();

    std::unique_ptr<api::Services> make_services();
    std::string metrics_text();
    void show_cluster();  // on the core loop
    ClusterView shown;
    std::set<std::string> other_agents;  // where the worker here finds them
};

Agent::Agent(AgentConfig config, runtime::Log& log)
    : parts_(std::make_unique<Parts>(std::move(config), log)) {}

Agent::~Agent() { parts_->take_apart(); }

std::uint16_t Agent::http_port() const { return parts_->port; }
std::string Agent::worker_address() const { return parts_->worker_port->address(); }

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
    auto who = AgentIdentity::open(config.data_dir, entropy);
    if (!who) return std::unexpected(who.error());
    identity = std::move(*who);
    auto opened = StoreSource::open(config, entropy, log);
    if (!opened) return std::unexpected(opened.error());
    source = std::move(*opened);
    return {};
}

// ---- the core: scheduler and dispatcher, and the worker they speak to

std::expected<void, Error> Agent::Parts::start_core() {
    core_thread = std::make_unique<LoopThread>("khronos-core");
    worker_thread = std::make_unique<LoopThread>("khronos-worker");
    runtime::AsioLoop& loop = core_thread->loop();
    link = std::make_unique<wire::InprocLink>(loop, worker_thread->loop());

    Waiting<std::expected<store::Meta, Error>> opened;
    loop.post([this, &opened, &loop] {
        core = std::make_unique<AgentCore>(
            *source, loop,
            AgentCore::Setup{config, identity->id(), identity->predecessor(), entropy, log, metrics,
                             [this] { show_cluster(); }, [](ShardId) {},
                             [this] { show_cluster(); }});
        cluster::open_meta(core->store(), loop, entropy,
                           [&opened](auto result) { opened.promise.set_value(std::move(result)); });
    });
    auto read = opened.wait();
    if (!read) return std::unexpected(read.error());
    meta = *read;

    auto listening = core_thread->call([this, &loop]() -> std::expected<void, Error> {
        auto open = WorkerPort::open(config, loop, *link, log);
        if (!open) return std::unexpected(open.error());
        worker_port = std::move(*open);
        return {};
    });
    if (!listening) return listening;

    std::promise<void> decides;
    loop.post([this, &decides] {
        core->start(meta.token_base, worker_port->workers(), *jobs_relay,
                    [&decides] { decides.set_value(); });
    });
    decides.get_future().wait();

    if (config.no_worker) return {};
    WorkerProcess::Config working{config.data_dir + "/worker", config.node, config.tags,
                                  config.max_execution_limit,
                                  config.secrets_dir.empty() ? config.data_dir + "/secrets"
                                                             : config.secrets_dir,
                                  config.env == Env::local};
    working.agents.join_token = config.join_token;
    // The other agents' certificates are of the authority that ours is of.
    auto tls = link_tls(config.rpc_client_ca, config.tls_cert, config.tls_key);
    if (!tls) return std::unexpected(tls.error());
    working.agents.tls = *tls;
    auto built =
        WorkerProcess::start(std::move(working), *worker_thread, &link->worker(), entropy, log);
    if (!built) return std::unexpected(built.error());
    core_thread->call([this, &built] {
        worker = std::move(*built);
        show_cluster();
    });
    link->connect();
    return {};
}

void Agent::Parts::show_cluster() {
    const auto others = worker_port->set_agents(core->ownership().members());
    if (worker && others != other_agents) worker->set_agents(other_agents = others);
    ClusterView now = cluster_view(*core);
    if (now == shown) return;
    shown = now;
    api_thread->loop().post([this, now = std::move(now)]() mutable { api->view = std::move(now); });
}

// ---- the API

std::string Agent::Parts::metrics_text() {
    auto families = metrics.snapshot();
    if (api->catalog.size() <= kJobSeriesMax)
        append_job_series(families, api->catalog, api_thread->loop().wall_now());
    return runtime::to_prometheus_text(families);
}

std::unique_ptr<api::Services> Agent::Parts::make_services() {
    runtime::AsioLoop& loop = api_thread->loop();
    auto services = std::make_unique<api::Services>(
        api::Services{loop, *api->store, api->writer, api->catalog, entropy, {}, {}});
    services->agent = {config.node,
                       std::string(kVersion),
                       std::string(to_text(config.env)),
                       source->kind(),
                       meta.cluster_id,
                       core->started_at()};
    services->misfire_threshold = config.misfire_threshold;
    services->access = access_rules(config);
    services->sha256 = runtime::sha256;
    if (api->access)
        services->authorize = [this](const api::HttpRequest& request, api::Permission needs) {
            return api->access->check(request, needs);
        };
    services->page = page_files();
    services->read_output = [this, &loop](const core::Execution& execution, api::OutputRange range,
                                          api::Done<api::OutputPart> done) {
        worker_port->read_output(execution, range, loop, std::move(done));
    };
    services->cancel = [this](const core::ExecutionId& id, std::string by, api::Done<void> done) {
        cluster::ask_to_cancel(*api->store, id, std::move(by), std::move(done));
    };
    services->metrics = [this] { return metrics_text(); };
    services->readiness = [this] {
        api::Readiness readiness;
        readiness.issues = api->view.issues;
        if (!api->feed->complete()) {
            readiness.ready = false;
            readiness.issues.push_back("the catalog of jobs is still being read");
        }
        return readiness;
    };
    services->workers = [this, &loop](api::Done<std::vector<api::WorkerInfo>> done) {
        core_thread->loop().post([this, &loop, done = std::move(done)]() mutable {
            std::vector<api::WorkerInfo> workers;
            for (const core::WorkerView& view : core->dispatcher().workers())
                workers.push_back(worker_info(view, config.node));
            loop.post([done = std::move(done), workers = std::move(workers)]() mutable {
                done(std::move(workers));
            });
        });
    };
    // With several agents each would have to be told.
    if (!source->is_shared())
        services->drain_worker = [this, &loop](const std::string& id, bool drain,
                                               const std::string&, api::Done<void> done) {
            core_thread->loop().post([this, &loop, id, drain, done = std::move(done)]() mutable {
                dispatch::Dispatcher& dispatcher = core->dispatcher();
                bool known = false;
                for (const core::WorkerView& view : dispatcher.workers()) known |= view.id == id;
                if (known) dispatcher.drain_worker(id, drain);
                loop.post([known, id, done = std::move(done)]() mutable {
                    if (known) return done({});
                    done(std::unexpected(Error{ErrorKind::not_found, "",
                                               fmt::format("there is no worker '{}'", id)}));
                });
            });
        };
    // As if the operator had stopped it.
    services->leave = [] { ::kill(::getpid(), SIGTERM); };
    services->members = [this] { return api->view.members; };
    return services;
}

std::expected<void, Error> Agent::Parts::make_catalog() {
    api_thread = std::make_unique<LoopThread>("khronos-api");
    api_thread->call([this] {
        api = std::make_unique<ApiParts>(*source, api_thread->loop(), entropy,
                                         cluster::JobWriter::Config{config.misfire_threshold, 20});
        api->feed = std::make_unique<cluster::CatalogFeed>(
            *api->store, api_thread->loop(), api->catalog,
            cluster::CatalogFeed::Config{
                source->is_shared() ? Duration(std::chrono::minutes(5)) : Duration(0),
                [this](const std::string& what) { log.warn(what); }});
        api->feed->start();
    });
    jobs_relay = std::make_unique<store::Relay>(api_thread->loop(), api->feed->jobs());
    return {};
}

std::expected<void, Error> Agent::Parts::start_api() {
    api::HttpServerConfig http;
    http.bind_ip = config.bind_ip;
    http.port = config.http_port;
    http.tls = tls_config(config);
    if (auto valid = http.validate(); !valid) return valid;
    auto started = api_thread->call([this, &http]() -> std::expected<void, Error> {
        auto access = access_control(config, *api->store, api_thread->loop(), entropy, log);
        if (!access) return std::unexpected(access.error());
        api->access = std::move(*access);
        if (api->access) api->access->start();
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
    if (started)
        core_thread->call([this] {
            core->set_addresses(address_for_others(config, port), worker_port->address());
            show_cluster();
        });
    return started;
}

void Agent::reload_certificates() {
    Parts& p = *parts_;
    if (p.config.tls_cert.empty()) return;
    p.api_thread->loop().post([&p] {
        if (const auto read = p.api->server->reload_certificates(); !read)
            p.log.error("the certificates were not read again, the old ones stay in force",
                        {runtime::field::error(read.error().message)});
    });
}

// ---- the end

void Agent::stop(std::function<void()> on_stopped) {
    Parts& p = *parts_;
    p.core_thread->loop().post([&p, on_stopped = std::move(on_stopped)]() mutable {
        p.core->stop(std::move(on_stopped));
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
            core.reset();
            worker_port.reset();
        });
    }
    if (api_thread && api) {
        api_thread->call([this] {
            api->server.reset();
            api->front.reset();
            if (api->access) api->access->stop();
            api->feed->stop();
            api.reset();
        });
    }
    if (api_thread) api_thread->stop();
    if (core_thread) core_thread->stop();
    if (worker_thread) worker_thread->stop();
    jobs_relay.reset();
    link.reset();
    source.reset();
    identity.reset();
}

}  // namespace khronos::app

// An agent's API without sockets, for tests: the real handlers, writer, catalog and records over
// the store in memory, on a loop that the test turns.
#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <string>

#include "api/front.h"
#include "api/json_text.h"
#include "cluster/jobs_mirror_test.h"
#include "runtime/manual_loop.h"
#include "store/codec.h"
#include "store/keys.h"
#include "store/memory/memory_backend.h"

namespace khronos::api {

class CountingEntropy final : public runtime::Entropy {
  public:
    std::uint64_t next() override { return ++last_; }

  private:
    std::uint64_t last_ = 0x1000;
};

class NotedExchange final : public Exchange {
  public:
    std::optional<HttpResponse> answer;
    int answers = 0;

    void respond(HttpResponse response) override {
        answer = std::move(response);
        ++answers;
    }
    void begin_stream(HttpResponse head) override { respond(std::move(head)); }
    Write write(Body) override { return Write::accepted; }
    void end_stream() override {}
    void on_drained(std::move_only_function<void()>) override {}
    void on_closed(std::move_only_function<void()>) override {}
};

struct Answer {
    int status = 0;
    Headers headers;
    std::string body;

    std::string header(std::string_view name) const {
        return std::string(headers.find(name).value_or("<none>"));
    }
    boost::json::value json() const {
        auto value = parse_json(body);
        return value ? *value : boost::json::value("no JSON: " + body);
    }
};

struct World {
    runtime::ManualLoop loop;
    store::MemoryBackend backend{loop};
    store::MemoryStore store{backend, loop, "api"};
    CountingEntropy entropy;
    cluster::JobWriter jobs{store, loop, entropy, {}};
    cluster::Catalog catalog{loop};
    cluster::CatalogFeed feed{store, loop, catalog, {}};
    store::Mirror jobs_mirror{store, loop, cluster::jobs_prefix(), cluster::forward_to(feed)};
    Services services{.loop = loop,
                      .store = store,
                      .jobs = jobs,
                      .catalog = catalog,
                      .entropy = entropy,
                      .agent = {"node1", "0.1.0", "local", "memory", "c1", loop.wall_now()},
                      .access = {},
                      .misfire_threshold = 60s,
                      .authorize = {},
                      .read_output = {},
                      .cancel = {},
                      .metrics = {},
                      .readiness = {},
                      .members = {}};
    Front front{services};

    World() {
        feed.start();
        jobs_mirror.start();
        loop.run_until_idle();
    }

    // `POST /v1/jobs?x`, with the Host of this machine unless given.
    Answer ask(std::string_view line, std::string body = "", Headers headers = {}) {
        auto exchange = std::make_shared<NotedExchange>();
        front.handle(request(line, std::move(body), std::move(headers)), Responder(exchange));
        loop.run_until_idle();
        if (exchange->answers != 1 || !exchange->answer)
            return {exchange->answers, {}, "no answer"};
        return {exchange->answer->status, exchange->answer->headers,
                std::string(exchange->answer->body.view())};
    }

    static HttpRequest request(std::string_view line, std::string body, Headers headers) {
        HttpRequest request;
        const std::size_t space = line.find(' ');
        request.method_text = line.substr(0, space);
        request.method = method_from(request.method_text);
        request.target = line.substr(space + 1);
        const std::size_t mark = request.target.find('?');
        request.path = request.target.substr(0, mark);
        if (mark != std::string::npos) request.query = request.target.substr(mark + 1);
        request.host = headers.find("Host").value_or("127.0.0.1:10001");
        request.headers = std::move(headers);
        request.body = std::move(body);
        return request;
    }

    // Writes a record as the scheduler would.
    void put(const core::Execution& execution) {
        store::Txn txn;
        txn.operations.push_back(
            store::Put{store::keys::execution(execution.id), store::encode(execution), {}});
        if (core::is_open(execution.state))
            txn.operations.push_back(
                store::Put{store::keys::open(shard_of(execution.job_name), execution.id), "", {}});
        write(std::move(txn));
    }
    void put(std::string key, std::string value) {
        store::Txn txn;
        txn.operations.push_back(store::Put{std::move(key), std::move(value), {}});
        write(std::move(txn));
    }
    void write(store::Txn txn) {
        store.write(std::move(txn), [](const store::WriteOutcome&) {});
        loop.run_until_idle();
    }
    std::uint64_t revision() {
        std::uint64_t revision = 0;
        store.get("meta", [&](auto result) { revision = result->revision.value; });
        loop.run_until_idle();
        return revision;
    }
    JobUid uid_of(std::string_view name) const {
        const auto* entry = catalog.find(name);
        return entry ? entry->uid : JobUid(0);
    }
    // An execution of the job's tick at that many seconds after the loop's first wall time.
    core::Execution execution(std::string_view job, int at_s, core::ExecutionState state) const {
        core::Execution e;
        const WallTime at =
            runtime::ManualLoop::kDefaultWall + Duration(std::chrono::seconds(at_s));
        e.id = {uid_of(job), {core::TriggerKind::tick, at, 0}, 0};
        e.job_name = job;
        e.generation = Generation(1);
        e.state = state;
        e.scheduled_at = at;
        e.decided_at = at + 1ms;
        e.decided_by = "node1";
        if (state == core::ExecutionState::claimed || core::is_ended(state)) {
            e.node = "node1";
            e.started_at = at + 5ms;
        }
        if (core::is_ended(state)) e.finished_at = at + 1s;
        return e;
    }
};

}  // namespace khronos::api

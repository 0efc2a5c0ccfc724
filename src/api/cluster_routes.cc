// The cluster: shards and who owns them, workers, applications, leaving.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <map>
#include <memory>

#include "api/execution_read.h"
#include "api/json_text.h"
#include "api/reply.h"
#include "api/routes.h"
#include "api/shard_json.h"
#include "store/codec.h"
#include "store/keys.h"

namespace khronos::api {
namespace {

namespace json = boost::json;
namespace keys = store::keys;

json::value time_or_null(WallTime time) {
    if (!time.is_set()) return nullptr;
    return json::string(to_rfc3339(time));
}

json::array texts_json(const std::vector<std::string>& texts) {
    json::array array;
    for (const std::string& text : texts)
        array.push_back(json::string(valid_utf8(text)));
    return array;
}

Headers count_of(const json::array& list) {
    return {{"X-Total-Count", std::to_string(list.size())}};
}

// ---- shards

void shards(Context& context, const Call& call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    store::RangeRequest request;
    request.begin = keys::kShards;
    request.end = store::prefix_end(request.begin);
    request.limit = 4 * std::size_t{kShardCount};
    context.services.store.range(std::move(request), [reply](auto result) {
        if (!result) return reply->problem(store_error(result.error()));
        struct Shard {
            core::Owner owner;
            WallTime decided;
        };
        std::array<Shard, kShardCount> all{};
        for (const store::KeyValue& kv : result->kvs) {
            const auto place = keys::shard_key_of(kv.key);
            if (!place) continue;
            Shard& shard = all[place->shard.value];
            if (place->part == keys::ShardPart::owner) {
                if (auto owner = store::decode<core::Owner>(kv.value.view()))
                    shard.owner = std::move(*owner);
            } else if (place->part == keys::ShardPart::cursor) {
                if (const auto cursor = store::decode<core::Cursor>(kv.value.view()))
                    shard.decided = cursor->t;
            }
        }
        json::array list;
        for (std::uint16_t i = 0; i < kShardCount; ++i) {
            json::object row = to_json(ShardView{ShardId(i), all[i].owner});
            row.emplace("decided_up_to", time_or_null(all[i].decided));
            list.push_back(std::move(row));
        }
        Headers headers = count_of(list);
        reply->json(200, list, std::move(headers));
    });
}

// ---- workers and applications

std::string_view to_text(WorkerInfo::State state) {
    switch (state) {
        case WorkerInfo::State::ready:
            return "ready";
        case WorkerInfo::State::draining:
            return "draining";
        case WorkerInfo::State::suspect:
            return "suspect";
        case WorkerInfo::State::gone:
            return "gone";
    }
    return "gone";
}

json::object worker_json(const WorkerInfo& worker) {
    json::object tags;
    for (const auto& [key, value] : worker.tags)
        tags.emplace(key, valid_utf8(value));
    return {{"id", valid_utf8(worker.id)},
            {"node", valid_utf8(worker.node)},
            {"state", to_text(worker.state)},
            {"applications", texts_json(worker.applications)},
            {"tags", std::move(tags)},
            {"slots", worker.slots},
            {"used", worker.used},
            {"version", valid_utf8(worker.version)},
            {"boot_id", valid_utf8(worker.boot_id)},
            {"last_heartbeat", time_or_null(worker.last_heartbeat)},
            {"agents", texts_json(worker.agents)}};
}

void with_workers(Context& context, const std::shared_ptr<Reply>& reply,
                  std::move_only_function<void(std::vector<WorkerInfo>)> go_on) {
    if (!context.services.workers)
        return reply->problem(501, {invalid("", "this agent knows of no workers")});
    context.services.workers([reply, go_on = std::move(go_on)](auto workers) mutable {
        if (!workers) return reply->problem(workers.error());
        std::sort(workers->begin(), workers->end(), [](const auto& a, const auto& b) {
            return std::tie(a.node, a.id) < std::tie(b.node, b.id);
        });
        go_on(std::move(*workers));
    });
}

void workers(Context& context, const Call& call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    with_workers(context, reply, [reply](const std::vector<WorkerInfo>& workers) {
        json::array list;
        for (const WorkerInfo& worker : workers)
            list.push_back(worker_json(worker));
        Headers headers = count_of(list);
        reply->json(200, list, std::move(headers));
    });
}

void applications(Context& context, const Call& call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    with_workers(context, reply, [reply](const std::vector<WorkerInfo>& workers) {
        struct Sum {
            std::uint64_t workers = 0;
            std::uint64_t ready = 0;
            std::uint64_t slots = 0;
            std::uint64_t used = 0;
        };
        std::map<std::string, Sum> sums;
        for (const WorkerInfo& worker : workers)
            for (const std::string& name : worker.applications) {
                Sum& sum = sums[name];
                ++sum.workers;
                sum.used += worker.used;
                if (worker.state != WorkerInfo::State::ready) continue;
                ++sum.ready;
                sum.slots += worker.slots;
            }
        json::array list;
        for (const auto& [name, sum] : sums)
            list.push_back(json::object{{"name", valid_utf8(name)},
                                        {"workers", sum.workers},
                                        {"ready", sum.ready},
                                        {"slots", sum.slots},
                                        {"used", sum.used}});
        Headers headers = count_of(list);
        reply->json(200, list, std::move(headers));
    });
}

void drain(Context& context, const Call& call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    const std::string_view undo = call.query.get("undo").value_or("false");
    if (undo != "" && undo != "true" && undo != "false")
        return reply->problem(invalid("undo", "must be true or false"));
    if (!context.services.drain_worker)
        return reply->problem(501, {invalid("", "this agent cannot drain workers")});
    const bool on = undo == "false";
    std::string id(call.path["worker"]);
    context.services.drain_worker(id, on, call.actor, [&context, reply, id, on](auto drained) {
        if (!drained) return reply->problem(drained.error());
        context.audit(reply->actor(), on ? "worker.drain" : "worker.undrain", id);
        reply->json(202, json::object{{"id", valid_utf8(id)}, {"draining", on}});
    });
}

// ---- leaving

// Dkron answers what its Serf knows of all servers.
void leave(Context& context, const Call& call, Responder responder) {
    Reply reply(call, std::move(responder));
    Services& services = context.services;
    if (!services.leave) return reply.problem(501, {invalid("", "this agent cannot leave")});
    json::array global;
    for (const Member& member : services.members ? services.members() : std::vector<Member>())
        global.push_back(json::object{{"Name", member.name},
                                      {"ID", member.name},
                                      {"Region", "global"},
                                      {"Datacenter", "dc1"},
                                      {"Port", member.port},
                                      {"Bootstrap", false},
                                      {"Expect", 0}});
    context.audit(reply.actor(), "agent.leave", services.agent.node);
    reply.json(200, json::object{{"global", std::move(global)}});
    // Behind the answer.
    services.loop.call_after(std::chrono::milliseconds(100), [&services] { services.leave(); });
}

// ---- for monitoring made for Dkron

void vars(Context& context, const Call& call, Responder responder) {
    const Services& services = context.services;
    Reply(call, std::move(responder))
        .json(200, json::object{{"cmdline", json::array{"khronos", "agent"}},
                                {"memstats", json::object{}},
                                {"node", services.agent.node},
                                {"scheduler_started", true},
                                {"cron_entries", services.catalog.size()}});
}

}  // namespace

void add_cluster_routes(std::vector<Route>& routes, Context& context) {
    const auto add = [&](Method method, std::string_view path, Permission needs,
                         std::string_view id, auto handler) {
        routes.emplace_back(method, path, needs, id,
                            [&context, handler](const Call& call, Responder r) {
                                handler(context, call, std::move(r));
                            });
    };
    add(Method::get, "/v1/shards", Permission::viewer, "listShards", shards);
    add(Method::get, "/v1/workers", Permission::viewer, "listWorkers", workers);
    add(Method::post, "/v1/workers/:worker/drain", Permission::admin, "drainWorker", drain);
    add(Method::get, "/v1/applications", Permission::viewer, "listApplications", applications);
    add(Method::post, "/v1/leave", Permission::admin, "leave", leave);
    add(Method::get, "/debug/vars", Permission::viewer, "debugVars", vars);
}

}  // namespace khronos::api

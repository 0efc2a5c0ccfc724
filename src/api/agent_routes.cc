// The agent itself: who it is, whether it is well, its fellows, and the pause of submissions.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <memory>

#include "api/execution_read.h"
#include "api/json_text.h"
#include "api/member_json.h"
#include "api/reply.h"
#include "api/routes.h"
#include "store/keys.h"

namespace khronos::api {
namespace {

namespace json = boost::json;
namespace keys = store::keys;

json::object map_json(const core::StringMap& map) {
    json::object object;
    for (const auto& [key, value] : map)
        object.emplace(key, value);
    return object;
}

std::vector<Member> members_of(const Services& services) {
    return services.members ? services.members() : std::vector<Member>();
}

Readiness readiness_of(const Services& services) {
    return services.readiness ? services.readiness() : Readiness{};
}

json::array texts_json(const std::vector<std::string>& texts) {
    json::array array;
    for (const std::string& text : texts)
        array.push_back(json::string(valid_utf8(text)));
    return array;
}

// ---- who

void about(Context& context, Call call, Responder responder) {
    const Services& services = context.services;
    core::StringMap tags;
    for (const Member& member : members_of(services))
        if (member.name == services.agent.node) tags = member.tags;
    Reply(call, std::move(responder))
        .json(200,
              json::object{
                  {"agent", json::object{{"name", services.agent.node},
                                         {"version", services.agent.version}}},
                  {"serf", json::object{{"members", std::to_string(members_of(services).size())}}},
                  {"tags", map_json(tags)}});
}

void members(Context& context, Call call, Responder responder) {
    json::array list;
    for (const Member& member : members_of(context.services))
        list.push_back(to_json(member, MemberForm::in_list));
    const std::string count = std::to_string(list.size());
    Reply(call, std::move(responder)).json(200, list, {{"X-Total-Count", count}});
}

void leader(Context& context, Call call, Responder responder) {
    Reply reply(call, std::move(responder));
    for (const Member& member : members_of(context.services))
        if (member.leads) return reply.json(200, to_json(member, MemberForm::leader));
    reply.json(500, nullptr);
}

bool is_leader(const Services& services) {
    const auto all = members_of(services);
    return std::any_of(all.begin(), all.end(), [&](const Member& member) {
        return member.leads && member.name == services.agent.node;
    });
}

void isleader(Context& context, Call call, Responder responder) {
    Reply reply(call, std::move(responder));
    if (is_leader(context.services))
        reply.json(200, json::string("I am a leader"));
    else
        reply.json(404, json::string("I am a follower"));
}

void version(Context& context, Call call, Responder responder) {
    const AgentInfo& agent = context.services.agent;
    Reply(call, std::move(responder))
        .json(200, json::object{{"name", "khronos"},
                                {"version", agent.version},
                                {"node", agent.node},
                                {"environment", agent.environment},
                                {"backend", agent.backend},
                                {"cluster_id", agent.cluster_id},
                                {"started_at", to_rfc3339(agent.started_at)}});
}

// ---- whether it is well

void health(Context& context, Call call, Responder responder) {
    const Readiness readiness = readiness_of(context.services);
    json::object body{{"status", readiness.ready ? "healthy" : "unhealthy"}};
    if (!readiness.ready) body.emplace("issues", texts_json(readiness.issues));
    body.emplace("leader", is_leader(context.services));
    Reply(call, std::move(responder)).json(readiness.ready ? 200 : 503, body);
}

void readyz(Context& context, Call call, Responder responder) {
    const Readiness readiness = readiness_of(context.services);
    Reply(call, std::move(responder))
        .json(readiness.ready ? 200 : 503,
              json::object{{"ready", readiness.ready}, {"issues", texts_json(readiness.issues)}});
}

void metrics(Context& context, Call call, Responder responder) {
    Reply reply(call, std::move(responder));
    if (!context.services.metrics) return reply.text(404, "404 page not found");
    reply.raw({200,
               {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
               context.services.metrics()});
}

// ---- the pause of submissions

void show_pause(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    context.services.store.get(std::string(keys::kSubmissionsPaused), [reply](auto result) {
        if (!result) return reply->refuse(store_error(result.error()));
        reply->json(200, json::object{{"paused", result->kv.has_value()}});
    });
}

void set_pause(Context& context, Call call, Responder responder, bool pause) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    const std::string key(keys::kSubmissionsPaused);
    store::Txn txn;
    if (pause)
        txn.operations.push_back(store::Put{key, call.actor.empty() ? "?" : call.actor, {}});
    else
        txn.operations.push_back(store::Erase{key});
    txn.operations.push_back(audit_entry(context.services, reply->actor(),
                                         pause ? "submissions.pause" : "submissions.unpause", ""));
    context.services.store.write(std::move(txn), [reply, pause](auto outcome) {
        if (std::holds_alternative<store::Applied>(outcome))
            return reply->json(200, json::object{{"paused", pause}});
        // The request may be repeated as often as one likes.
        reply->refuse({ErrorKind::unavailable, "", "the store did not confirm it; try again"});
    });
}

}  // namespace

void add_agent_routes(std::vector<Route>& routes, Context& context) {
    const auto add = [&](Method method, std::string_view path, Permission needs,
                         std::string_view id, auto handler) {
        routes.emplace_back(method, path, needs, id, [&context, handler](Call call, Responder r) {
            handler(context, std::move(call), std::move(r));
        });
    };
    const auto set_pause_to = [](bool pause) {
        return [pause](Context& c, Call call, Responder r) {
            set_pause(c, std::move(call), std::move(r), pause);
        };
    };
    const auto say_live = [](Context&, Call call, Responder r) {
        Reply(call, std::move(r)).text(200, "ok\n");
    };
    add(Method::get, "/health", Permission::open, "health", health);
    add(Method::get, "/livez", Permission::open, "livez", say_live);
    add(Method::get, "/readyz", Permission::open, "readyz", readyz);
    add(Method::get, "/version", Permission::open, "version", version);
    add(Method::get, "/metrics", Permission::viewer, "metrics", metrics);
    add(Method::get, "/v1", Permission::viewer, "status", about);
    add(Method::get, "/v1/members", Permission::viewer, "getMember", members);
    add(Method::get, "/v1/leader", Permission::viewer, "getLeader", leader);
    add(Method::get, "/v1/isleader", Permission::viewer, "isLeader", isleader);
    add(Method::get, "/v1/pause", Permission::viewer, "getPause", show_pause);
    add(Method::post, "/v1/pause", Permission::admin, "pause", set_pause_to(true));
    add(Method::post, "/v1/unpause", Permission::admin, "unpause", set_pause_to(false));
}

}  // namespace khronos::api

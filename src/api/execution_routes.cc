// Executions, whole, over all jobs: list, one, its output, cancel.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>
#include <set>

#include "api/execution_json.h"
#include "api/execution_read.h"
#include "api/json_text.h"
#include "api/paging.h"
#include "api/reply.h"
#include "api/routes.h"
#include "store/codec.h"
#include "store/keys.h"

namespace khronos::api {
namespace {

namespace json = boost::json;
namespace keys = store::keys;
using core::Execution;

constexpr std::size_t kLimitMost = 1000;
constexpr std::size_t kLimitOtherwise = 100;
// Records looked at for one answer; a filter that fits few of them gets a short page and a cursor.
constexpr std::size_t kRowsRead = 2000;
constexpr std::size_t kIdempotencyKeyBytes = 255;

// ---- the list

struct Filter {
    std::string job;
    std::set<core::ExecutionState> states;  // empty: all
    WallTime since;                         // scheduled at or after
    std::size_t limit = kLimitOtherwise;
    std::string cursor;  // the last key of the page before

    bool fits(const Execution& e) const {
        return (states.empty() || states.contains(e.state)) && e.scheduled_at >= since;
    }
};

std::expected<Filter, Error> filter_of(const QueryParameters& parameters) {
    Filter filter;
    filter.job = parameters.get("job").value_or("");
    for (std::string_view words : parameters.all("status")) {
        while (!words.empty()) {
            const std::size_t comma = std::min(words.find(','), words.size());
            const auto state = core::execution_state_from_text(words.substr(0, comma));
            if (!state) return std::unexpected(invalid("status", state.error()));
            filter.states.insert(*state);
            words.remove_prefix(std::min(comma + 1, words.size()));
        }
    }
    if (const auto since = parameters.get("since"); since && !since->empty()) {
        const auto time = parse_rfc3339(*since);
        if (!time) return std::unexpected(invalid("since", time.error()));
        filter.since = *time;
    }
    filter.limit = number_of(parameters, "limit", 1, kLimitMost, kLimitOtherwise);
    if (const auto cursor = parameters.get("cursor"); cursor && !cursor->empty()) {
        const auto id = core::execution_id_from_text(*cursor);
        if (!id) return std::unexpected(invalid("cursor", "is none that an answer gave"));
        filter.cursor = keys::execution(*id);
    }
    return filter;
}

void answer(Reply& reply, const Filter& filter, const store::RangeResult& range) {
    json::array rows;
    std::optional<core::ExecutionId> last;
    bool more = range.more;
    for (const store::KeyValue& kv : range.kvs) {
        if (rows.size() == filter.limit) {
            more = true;
            break;
        }
        const auto execution = store::decode<Execution>(kv.value.view());
        if (!execution) continue;
        last = execution->id;
        if (filter.fits(*execution)) rows.push_back(to_json(*execution));
    }
    json::object body{{"executions", std::move(rows)}};
    body.emplace("next_cursor", more && last ? json::value(json::string(core::to_text(*last)))
                                             : json::value(nullptr));
    reply.json(200, body);
}

// From the cursor down: newest first within a job, the youngest job first.
void list_range(Context& context, std::shared_ptr<Reply> reply, Filter filter, std::string prefix) {
    store::RangeRequest request;
    request.end = filter.cursor.empty() ? store::prefix_end(prefix) : filter.cursor;
    request.begin = std::move(prefix);
    request.limit = kRowsRead;
    request.descending = true;
    if (request.end < request.begin) request.end = request.begin;
    context.services.store.range(std::move(request),
                                 [reply, filter = std::move(filter)](auto result) {
                                     if (!result)
                                         return reply->problem(store_error(result.error()));
                                     answer(*reply, filter, *result);
                                 });
}

void list(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    auto filter = filter_of(call.query);
    if (!filter) return reply->problem(filter.error());
    if (filter->job.empty())
        return list_range(context, reply, std::move(*filter), std::string(keys::kExecutions));
    std::string job = filter->job;
    context.services.jobs.get(
        job, [&context, reply, job, filter = std::move(*filter)](auto found) mutable {
            if (!found) return reply->problem(found.error());
            if (!*found)
                return reply->problem(
                    {ErrorKind::not_found, "job", fmt::format("there is no job '{}'", job)});
            list_range(context, reply, std::move(filter), keys::executions_of((*found)->job.uid));
        });
}

// ---- one

void show(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    with_execution(context.services, reply, call.path["execution"],
                   [reply](Execution execution) { reply->json(200, to_json(execution)); });
}

void cancel(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    if (!context.services.cancel)
        return reply->problem(501, {invalid("", "this agent cannot cancel executions")});
    with_execution(context.services, reply, call.path["execution"],
                   [&context, reply, actor = call.actor](Execution execution) {
                       if (!core::is_open(execution.state))
                           return reply->problem({ErrorKind::conflict, "",
                                                  fmt::format("the execution is over: {}",
                                                              core::to_text(execution.state))});
                       const core::ExecutionId id = execution.id;
                       context.services.cancel(id, actor, [&context, reply, id](auto cancelled) {
                           if (!cancelled) return reply->problem(cancelled.error());
                           context.audit(reply->actor(), "execution.cancel", core::to_text(id));
                           read_execution(context.services, id, [reply](auto found) {
                               if (!found) return reply->problem(found.error());
                               if (!*found) return reply->empty(202);
                               reply->json(202, to_json(**found));
                           });
                       });
                   });
}

// An operator's retry is a new execution, of the job as it is now, with the payload of the old one.
void retry(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    const std::string key(call.request.headers.find("Idempotency-Key").value_or(""));
    if (key.size() > kIdempotencyKeyBytes)
        return reply->problem(invalid("Idempotency-Key", "is too long"));
    with_execution(
        context.services, reply, call.path["execution"],
        [&context, reply, key](const Execution& old) {
            if (core::is_open(old.state))
                return reply->problem({ErrorKind::conflict, "",
                                       fmt::format("the execution is not over: {}; cancel it first",
                                                   core::to_text(old.state))});
            cluster::RunOptions options{old.payload, key, reply->actor().name,
                                        core::TriggerKind::retry,
                                        job_audit(context.services, reply->actor(), "job.retry")};
            context.services.jobs.get(
                old.job_name, [&context, reply, uid = old.id.uid,
                               options = std::move(options)](auto found) mutable {
                    if (!found) return reply->problem(found.error());
                    if (!*found || (*found)->job.uid != uid)
                        return reply->problem(
                            {ErrorKind::conflict, "", "the execution's job is deleted"});
                    context.services.jobs.run(
                        (*found)->job.spec.name, std::move(options), [reply](auto id) {
                            if (!id) return reply->problem(id.error());
                            const std::string text = core::to_text(*id);
                            reply->json(202, json::object{{"id", text}},
                                        {{"Location", "/v1/executions/" + text},
                                         {"Khronos-Execution", text}});
                        });
                });
        });
}

}  // namespace

void add_execution_routes(std::vector<Route>& routes, Context& context) {
    const auto add = [&](Method method, std::string_view path, Permission needs,
                         std::string_view id, auto handler) {
        routes.emplace_back(method, path, needs, id, [&context, handler](Call call, Responder r) {
            handler(context, std::move(call), std::move(r));
        });
    };
    add(Method::get, "/v1/executions", Permission::viewer, "listExecutions", list);
    add(Method::get, "/v1/executions/:execution", Permission::viewer, "getExecution", show);
    add(Method::post, "/v1/executions/:execution/cancel", Permission::runner, "cancelExecution",
        cancel);
    add(Method::post, "/v1/executions/:execution/retry", Permission::runner, "retryExecution",
        retry);
}

}  // namespace khronos::api

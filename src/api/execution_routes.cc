// Executions, whole, over all jobs: list, one, its output, cancel.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <charconv>
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
constexpr std::uint64_t kOutputMost = 1 << 20;

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

// Finds the execution of the path, or answers 404.
void with_execution(Context& context, std::shared_ptr<Reply> reply, std::string_view text,
                    std::move_only_function<void(Execution)> go_on) {
    const auto id = core::execution_id_from_text(text);
    if (!id) return reply->problem({ErrorKind::not_found, "", id.error()});
    read_execution(context.services, *id,
                   [reply, id = *id, go_on = std::move(go_on)](auto found) mutable {
                       if (!found) return reply->problem(found.error());
                       if (!*found)
                           return reply->problem(
                               {ErrorKind::not_found, "",
                                fmt::format("there is no execution '{}', or it is not decided yet",
                                            core::to_text(id))});
                       go_on(std::move(**found));
                   });
}

void show(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    with_execution(context, reply, call.path["execution"],
                   [reply](Execution execution) { reply->json(200, to_json(execution)); });
}

void cancel(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    if (!context.services.cancel)
        return reply->problem(501, {invalid("", "this agent cannot cancel executions")});
    with_execution(context, reply, call.path["execution"],
                   [&context, reply, actor = call.actor](Execution execution) {
                       if (!core::is_open(execution.state))
                           return reply->problem({ErrorKind::conflict, "",
                                                  fmt::format("the execution is over: {}",
                                                              core::to_text(execution.state))});
                       const core::ExecutionId id = execution.id;
                       context.services.cancel(id, actor, [&context, reply, id](auto cancelled) {
                           if (!cancelled) return reply->problem(cancelled.error());
                           read_execution(context.services, id, [reply](auto found) {
                               if (!found) return reply->problem(found.error());
                               if (!*found) return reply->empty(202);
                               reply->json(202, to_json(**found));
                           });
                       });
                   });
}

// ---- output

struct RangeHeader {
    OutputRange range;
    bool given = false;
};

// `bytes=0-99`, `bytes=100-`, `bytes=-500`; anything else is as if it were not there.
RangeHeader range_of(const Headers& headers) {
    RangeHeader header{{0, kOutputMost, false}, false};
    std::string_view text = headers.find("Range").value_or("");
    if (!text.starts_with("bytes=") || text.contains(',')) return header;
    text.remove_prefix(6);
    const std::size_t dash = text.find('-');
    if (dash == text.npos) return header;
    const auto number = [](std::string_view digits) -> std::optional<std::uint64_t> {
        std::uint64_t value = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
        return value;
    };
    const auto first = number(text.substr(0, dash));
    const auto last = number(text.substr(dash + 1));
    if (dash == 0) {
        if (!last) return header;
        return {{0, std::min(*last, kOutputMost), true}, true};
    }
    if (!first || (dash + 1 < text.size() && (!last || *last < *first))) return header;
    const std::uint64_t length = last ? std::min(*last - *first, kOutputMost - 1) + 1 : kOutputMost;
    return {{*first, length, false}, true};
}

// What the record holds, as if it were all there is.
OutputPart part_of_tail(const Execution& execution, OutputRange range) {
    const std::string_view tail = execution.output_tail;
    OutputPart part;
    part.size = tail.size();
    part.complete = core::is_ended(execution.state);
    part.offset = range.from_end ? tail.size() - std::min<std::uint64_t>(range.length, tail.size())
                                 : std::min<std::uint64_t>(range.offset, tail.size());
    part.bytes = tail.substr(part.offset, range.length);
    return part;
}

void answer_output(Reply& reply, const Execution& execution, const RangeHeader& asked,
                   OutputPart part) {
    Headers headers{{"Content-Type", "text/plain; charset=utf-8"},
                    {"Accept-Ranges", "bytes"},
                    {"Cache-Control", "no-store"},
                    {"Khronos-Output-Complete", part.complete ? "true" : "false"},
                    {"Khronos-Output-Bytes", std::to_string(execution.output_bytes)},
                    {"Khronos-Status", std::string(core::to_text(execution.state))}};
    const bool beyond = asked.given && !asked.range.from_end && part.bytes.empty();
    if (beyond) {
        headers.add("Content-Range", fmt::format("bytes */{}", part.size));
        return reply.raw({416, std::move(headers), {}});
    }
    if (part.bytes.size() == part.size || part.bytes.empty())
        return reply.raw({200, std::move(headers), std::move(part.bytes)});
    headers.add("Content-Range", fmt::format("bytes {}-{}/{}", part.offset,
                                             part.offset + part.bytes.size() - 1, part.size));
    reply.raw({206, std::move(headers), std::move(part.bytes)});
}

void output(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    if (call.query.has("follow"))
        return reply->problem(
            501, {invalid("follow", "is not supported yet; ask again with a Range header")});
    const RangeHeader asked = range_of(call.request.headers);
    with_execution(
        context, reply, call.path["execution"], [&context, reply, asked](Execution found) {
            auto execution = std::make_shared<Execution>(std::move(found));
            if (!context.services.read_output)
                return answer_output(*reply, *execution, asked,
                                     part_of_tail(*execution, asked.range));
            context.services.read_output(
                *execution, asked.range, [reply, asked, execution](auto part) {
                    if (!part && part.error().kind != ErrorKind::not_found)
                        return reply->problem(part.error());
                    answer_output(*reply, *execution, asked,
                                  part ? std::move(*part) : part_of_tail(*execution, asked.range));
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
    add(Method::get, "/v1/executions/:execution/output", Permission::viewer, "getExecutionOutput",
        output);
    add(Method::post, "/v1/executions/:execution/cancel", Permission::runner, "cancelExecution",
        cancel);
}

}  // namespace khronos::api

// A job's executions in Dkron's shape: the list, one, and forgetting them.
#include <algorithm>
#include <boost/json/array.hpp>
#include <functional>
#include <memory>

#include "api/execution_json.h"
#include "api/execution_read.h"
#include "api/history_erase.h"
#include "api/job_view.h"
#include "api/paging.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/limits.h"

namespace khronos::api {
namespace {

constexpr std::size_t kRowsRead = 2000;
constexpr std::size_t kRowsShown = 100;

using core::Execution;
using SharedReply = std::shared_ptr<Reply>;

// Finds the job, or answers 404.
void with_job(Context& context, SharedReply reply, std::string_view name,
              std::move_only_function<void(cluster::SavedJob)> go_on) {
    context.services.jobs.get(std::string(name),
                              [reply, go_on = std::move(go_on)](auto found) mutable {
                                  if (!found) return reply->refuse(found.error());
                                  if (!*found) return reply->no_such("job");
                                  go_on(std::move(**found));
                              });
}

const khronos::zone::Zone& zone_of(const core::Job& job) {
    const auto zone = khronos::zone::Zone::find(job.spec.timezone);
    return zone ? **zone : khronos::zone::Zone::utc();
}

// The order of `_sort`; false where there is no such column. Newest first comes in.
bool sort(std::vector<Execution>& executions, std::string_view column, bool descending) {
    std::function<bool(const Execution&, const Execution&)> before;
    if (column.empty())
        before = [](const Execution& a, const Execution& b) { return a.id < b.id; };
    else if (column == "id" || column == "started_at")
        before = [](const Execution& a, const Execution& b) { return a.started_at < b.started_at; };
    else if (column == "finished_at")
        before = [](const Execution& a, const Execution& b) {
            return a.finished_at < b.finished_at;
        };
    else if (column == "attempt")
        before = [](const Execution& a, const Execution& b) { return a.attempt < b.attempt; };
    else
        return false;
    std::stable_sort(executions.begin(), executions.end(), [&](const auto& a, const auto& b) {
        return descending ? before(b, a) : before(a, b);
    });
    return true;
}

struct ListQuery {
    std::string column;
    bool descending = true;
    Page page;
    std::size_t output_limit = SIZE_MAX;
};

void answer_list(Reply& reply, const core::Job& job, std::vector<Execution> executions,
                 const ListQuery& query) {
    std::erase_if(executions, [](const Execution& e) { return !is_shown_as_run(e); });
    if (!sort(executions, query.column, query.descending))
        return reply.refuse(500, "", {invalid("_sort", "there is no such column")});
    boost::json::array rows;
    const std::size_t end = std::min(query.page.end, executions.size());
    for (std::size_t i = query.page.start; i < end; ++i) {
        const Execution& e = executions[i];
        std::string_view output = e.output_tail;
        if (query.output_limit < output.size())
            output.remove_prefix(output.size() - query.output_limit);
        const bool truncated =
            output.size() < std::max<std::uint64_t>(e.output_bytes, e.output_tail.size());
        rows.push_back(to_json(DkronExecution{e, output, truncated, zone_of(job)}));
    }
    reply.json(200, rows, {{"X-Total-Count", std::to_string(executions.size())}});
}

void list(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    ListQuery query;
    query.column = call.query.get("_sort").value_or("");
    query.descending = is_descending(call.query, true);
    query.page = page_of(call.query, kRowsShown);
    if (call.query.has("output_size_limit"))
        query.output_limit = number_of(call.query, "output_size_limit", 0, SIZE_MAX, SIZE_MAX);
    with_job(context, reply, call.path["job"],
             [&context, reply, query = std::move(query)](cluster::SavedJob saved) mutable {
                 const JobUid uid = saved.job.uid;
                 read_history(context.services, uid, kRowsRead,
                              [reply, query = std::move(query),
                               job = std::move(saved.job)](auto executions) {
                                  if (!executions) return reply->refuse(executions.error());
                                  answer_list(*reply, job, std::move(*executions), query);
                              });
             });
}

void show(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    const auto id = core::execution_id_from_text(call.path["execution"]);
    if (!id) return reply->no_such("execution");
    with_job(
        context, reply, call.path["job"], [&context, reply, id = *id](cluster::SavedJob saved) {
            if (saved.job.uid != id.uid) return reply->no_such("execution");
            read_execution(
                context.services, id, [&context, reply, job = std::move(saved.job)](auto found) {
                    if (!found) return reply->refuse(found.error());
                    if (!*found || !is_shown_as_run(**found)) return reply->no_such("execution");
                    auto execution = std::make_shared<Execution>(std::move(**found));
                    read_output_tail(
                        context.services, *execution, limits::kOutputTail,
                        [reply, job, execution](std::string output) {
                            reply->json(200, to_json(DkronExecution{*execution, output,
                                                                    std::nullopt, zone_of(job)}));
                        });
                });
        });
}

void forget(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    with_job(context, reply, call.path["job"], [&context, reply](cluster::SavedJob saved) {
        const std::string name = saved.job.spec.name;
        const JobUid uid = saved.job.uid;
        erase_history(
            context.services, name, uid, [&context, reply, saved = std::move(saved)](auto erased) {
                if (!erased) return reply->refuse(erased.error());
                context.audit(reply->actor(), "job.forget_history", saved.job.spec.name);
                reply->json(200, job_answer(context.services, saved.job, core::JobStats{}));
            });
    });
}

// The executions that run now, of all jobs; Dkron's page polls it.
void busy(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    read_open(context.services, [reply](auto open) {
        if (!open) return reply->refuse(open.error());
        std::erase_if(*open,
                      [](const Execution& e) { return e.state != core::ExecutionState::claimed; });
        sort(*open, "started_at", false);
        boost::json::array rows;
        for (const Execution& e : *open)
            rows.push_back(to_json(
                DkronExecution{e, e.output_tail, std::nullopt, khronos::zone::Zone::utc()}));
        const std::string count = std::to_string(rows.size());
        reply->json(200, rows, {{"X-Total-Count", count}});
    });
}

}  // namespace

void add_history_routes(std::vector<Route>& routes, Context& context) {
    const auto add = [&](Method method, std::string_view path, Permission needs,
                         std::string_view id, auto handler) {
        routes.emplace_back(method, path, needs, id, [&context, handler](Call call, Responder r) {
            handler(context, std::move(call), std::move(r));
        });
    };
    add(Method::get, "/v1/jobs/:job/executions", Permission::viewer, "listExecutionsByJob", list);
    add(Method::del, "/v1/jobs/:job/executions", Permission::editor, "deleteExecutions", forget);
    add(Method::get, "/v1/jobs/:job/executions/:execution", Permission::viewer, "showExecution",
        show);
    add(Method::get, "/v1/busy", Permission::viewer, "getBusy", busy);
}

}  // namespace khronos::api

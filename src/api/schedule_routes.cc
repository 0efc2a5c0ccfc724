// Schedules: when a job runs next, what became of a tick, and what a schedule's text means.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>

#include "api/execution_json.h"
#include "api/execution_read.h"
#include "api/json_text.h"
#include "api/paging.h"
#include "api/reply.h"
#include "api/routes.h"
#include "api/why.h"
#include "core/cron/lint.h"
#include "core/cron/schedule.h"
#include "core/schedule/era.h"
#include "store/codec.h"
#include "store/keys.h"

namespace khronos::api {
namespace {

namespace json = boost::json;
namespace keys = store::keys;
using core::Execution;
using SharedReply = std::shared_ptr<Reply>;

constexpr std::size_t kTimesMost = 1000;
constexpr std::size_t kTimesOtherwise = 10;
// Records after a time that are searched for the range that holds it.
constexpr std::size_t kRangeSearch = 200;

void with_job(Context& context, SharedReply reply, std::string_view name,
              std::move_only_function<void(cluster::SavedJob)> go_on) {
    context.services.jobs.get(std::string(name), [reply, name = std::string(name),
                                                  go_on = std::move(go_on)](auto found) mutable {
        if (!found) return reply->problem(found.error());
        if (!*found)
            return reply->problem(
                {ErrorKind::not_found, "", fmt::format("there is no job '{}'", name)});
        go_on(std::move(**found));
    });
}

// Whether the request names a time `from`; else now.
std::expected<WallTime, Error> time_of(const QueryParameters& query, std::string_view key,
                                       WallTime otherwise) {
    const std::string_view text = query.get(key).value_or("");
    if (text.empty()) return otherwise;
    const auto time = parse_rfc3339(text);
    if (!time) return std::unexpected(invalid(std::string(key), time.error()));
    return *time;
}

// ---- next

void next(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    const std::size_t count = number_of(call.query, "n", 1, kTimesMost, kTimesOtherwise);
    const auto from = time_of(call.query, "from", context.services.loop.wall_now());
    if (!from) return reply->problem(from.error());
    with_job(context, reply, call.path["job"],
             [reply, count, from = *from](cluster::SavedJob saved) {
                 const core::Job& job = saved.job;
                 const auto schedule = core::compile(job.spec);
                 if (!schedule) return reply->problem(schedule.error());
                 const core::Era era = core::era_of(job, *schedule);
                 json::array times;
                 WallTime at = from;
                 while (times.size() < count) {
                     const auto tick = era.next(at);
                     if (!tick) break;
                     times.push_back(json::string(to_rfc3339(*tick)));
                     at = *tick;
                 }
                 reply->json(200, json::object{{"job", job.spec.name},
                                               {"schedule", job.spec.schedule},
                                               {"timezone", schedule->zone().name()},
                                               {"words", cron::describe(*schedule)},
                                               {"disabled", job.spec.disabled},
                                               {"times", std::move(times)}});
             });
}

// ---- why

struct Question {
    SharedReply reply;
    core::Job job;
    WallTime at;
};

void answer(const Question& question, std::string_view decision, std::string sentence,
            const Execution* execution) {
    question.reply->json(
        200, json::object{{"job", question.job.spec.name},
                          {"at", to_rfc3339(question.at)},
                          {"decision", decision},
                          {"sentence", std::move(sentence)},
                          {"execution",
                           execution ? json::value(to_json(*execution)) : json::value(nullptr)}});
}

void answer(const Question& question, const Execution& execution) {
    const std::string_view decision = execution.state == core::ExecutionState::skipped ? "skipped"
                                      : execution.state == core::ExecutionState::coalesced
                                          ? "coalesced"
                                          : "fired";
    answer(question, decision, explain(execution), &execution);
}

void explain_missing(Context& context, std::shared_ptr<Question> question) {
    context.services.store.get(
        keys::shard_cursor(shard_of(question->job.spec.name)), [&context, question](auto result) {
            if (!result) return question->reply->problem(store_error(result.error()));
            WallTime decided;
            if (result->kv)
                if (const auto cursor = store::decode<core::Cursor>(result->kv->value.view()))
                    decided = cursor->decided_up_to(question->job.uid);
            answer(*question, "none",
                   explain(NoRecord{question->job, question->at, context.services.loop.wall_now(),
                                    decided}),
                   nullptr);
        });
}

// A tick has its own record, or lies in the range of one at or after it.
void look_up(Context& context, std::shared_ptr<Question> question) {
    store::RangeRequest request;
    const JobUid uid = question->job.uid;
    request.begin = keys::executions_of(uid) +
                    core::to_text(core::TriggerKey{core::TriggerKind::tick, question->at, 0});
    request.end = store::prefix_end(keys::executions_of(uid));
    request.limit = kRangeSearch;
    context.services.store.range(std::move(request), [&context, question](auto result) {
        if (!result) return question->reply->problem(store_error(result.error()));
        for (const store::KeyValue& kv : result->kvs) {
            const auto execution = store::decode<Execution>(kv.value.view());
            if (!execution || execution->id.trigger.kind != core::TriggerKind::tick) continue;
            if (execution->scheduled_at == question->at ||
                (execution->range_from.is_set() && execution->range_from <= question->at))
                return answer(*question, *execution);
        }
        explain_missing(context, question);
    });
}

void explain_latest(Context& context, std::shared_ptr<Question> question) {
    read_history(context.services, question->job.uid, 1, [question](auto executions) {
        if (!executions) return question->reply->problem(executions.error());
        if (executions->empty()) {
            const WallTime never = {};
            question->at = never;
            return answer(*question, "none", "The job has not run, and no tick was decided",
                          nullptr);
        }
        question->at = executions->front().scheduled_at;
        answer(*question, executions->front());
    });
}

void why(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    const auto at = time_of(call.query, "at", WallTime{});
    if (!at) return reply->problem(at.error());
    with_job(context, reply, call.path["job"],
             [&context, reply, at = *at](cluster::SavedJob saved) {
                 auto question = std::make_shared<Question>(reply, std::move(saved.job), at);
                 if (at.is_set())
                     look_up(context, std::move(question));
                 else
                     explain_latest(context, std::move(question));
             });
}

// ---- preview

std::expected<std::string, Error> text_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    if (!value || value->is_null()) return "";
    if (const auto* text = value->if_string()) return std::string(*text);
    return std::unexpected(invalid(std::string(key), "must be a string"));
}

json::object wrong_schedule(const cron::CronError& error) {
    return {{"valid", false},
            {"error", json::object{{"message", error.message},
                                   {"hint", error.hint},
                                   {"offset", error.offset},
                                   {"length", error.length}}}};
}

void preview(Context& context, Call call, Responder responder) {
    Reply reply(call, std::move(responder));
    const auto value = parse_json(call.request.body);
    if (!value) return reply.problem(value.error());
    const auto* object = value->if_object();
    if (!object)
        return reply.problem(invalid("", "must be an object with `schedule` and `timezone`"));
    std::string texts[4];
    constexpr std::string_view kKeys[4] = {"schedule", "timezone", "name", "from"};
    for (int i = 0; i < 4; ++i) {
        auto text = text_of(*object, kKeys[i]);
        if (!text) return reply.problem(text.error());
        texts[i] = std::move(*text);
    }
    WallTime from = context.services.loop.wall_now();
    if (!texts[3].empty()) {
        const auto time = parse_rfc3339(texts[3]);
        if (!time) return reply.problem(invalid("from", time.error()));
        from = *time;
    }
    std::size_t count = kTimesOtherwise;
    if (const auto* n = object->if_contains("n"); n && !n->is_null()) {
        boost::system::error_code error;
        count = n->is_number() ? n->to_number<std::size_t>(error) : 0;
        if (error || count == 0 || count > kTimesMost)
            return reply.problem(invalid("n", fmt::format("must be from 1 to {}", kTimesMost)));
    }
    cron::ParseOptions options;
    options.timezone = texts[1];
    options.name_seed = stable_hash(texts[2]);
    const auto schedule = cron::Schedule::parse(texts[0], options);
    if (!schedule) return reply.json(200, wrong_schedule(schedule.error()));
    json::array times;
    WallTime at = from;
    while (times.size() < count) {
        // As for a job that is made at `from`.
        const auto tick = schedule->next(at, from.floor_second());
        if (!tick) break;
        times.push_back(json::string(zone::to_rfc3339(*tick, schedule->zone())));
        at = *tick;
    }
    json::array remarks;
    for (const std::string& remark : cron::lint(*schedule, from))
        remarks.push_back(json::string(remark));
    reply.json(200, json::object{{"valid", true},
                                 {"words", cron::describe(*schedule)},
                                 {"timezone", schedule->zone().name()},
                                 {"times", std::move(times)},
                                 {"remarks", std::move(remarks)}});
}

}  // namespace

void add_schedule_routes(std::vector<Route>& routes, Context& context) {
    const auto add = [&](Method method, std::string_view path, Permission needs,
                         std::string_view id, auto handler) {
        routes.emplace_back(method, path, needs, id, [&context, handler](Call call, Responder r) {
            handler(context, std::move(call), std::move(r));
        });
    };
    add(Method::get, "/v1/jobs/:job/next", Permission::viewer, "nextRuns", next);
    add(Method::get, "/v1/jobs/:job/why", Permission::viewer, "whyTick", why);
    add(Method::post, "/v1/schedule/preview", Permission::viewer, "previewSchedule", preview);
}

}  // namespace khronos::api

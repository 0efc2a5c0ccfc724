// One job: read, save, delete, run, toggle.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "api/execution_json.h"
#include "api/execution_wait.h"
#include "api/job_json.h"
#include "api/job_view.h"
#include "api/json_text.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/duration.h"
#include "cluster/job_peek.h"
#include "core/model/validate.h"
#include "store/keys.h"

namespace khronos::api {
namespace {

constexpr std::string_view kUnparsable = "Unable to parse payload: ";
constexpr std::string_view kInvalid = "Job validation failed: ";
constexpr std::size_t kIdempotencyKeyBytes = 255;
constexpr Duration kWaitMost = std::chrono::minutes(5);

Error store_unavailable(const store::ReadError& error) {
    return {ErrorKind::unavailable, "", "the store does not answer: " + error.why};
}

// Whether `Prefer: handling=strict` (RFC 7240) asks to refuse what would else only be warned of.
bool wants_strictness(const Headers& headers) {
    for (const std::string_view value : headers.all("Prefer"))
        if (value.contains("handling=strict")) return true;
    return false;
}

// A quoted string holds no quote and no control character.
std::string warning(std::string_view text) {
    std::string safe;
    for (const char c : text)
        safe +=
            c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '\'' : c;
    return fmt::format("299 khronos \"{}\"", safe);
}

// What a client should know although the job is saved.
std::vector<std::string> warnings_of(const JobDocument& document) {
    std::vector<std::string> texts;
    for (const UnknownKey& key : document.unknown)
        texts.push_back(to_string(key));
    if (!document.spec.processors.empty())
        texts.emplace_back("processors are kept but not applied yet");
    if (!document.spec.owner_email.empty())
        texts.emplace_back("owner_email is kept but no mail is sent yet");
    return texts;
}

Headers job_headers(const cluster::SavedJob& saved) {
    return {{"ETag", etag_of(saved.revision)}};
}

// ---- saving

struct Saving {
    Saving(const Call& call, Responder responder) : reply(call, std::move(responder)) {}
    Reply reply;
    std::optional<std::string> path_name;  // of PUT
    JobDocument document;
    std::vector<Error> problems;  // that would be warnings for a client less strict
    cluster::PutOptions options;
    Precondition precondition{Headers()};
    bool dry_run = false;
};

void put(Context& context, std::shared_ptr<Saving> saving) {
    const bool conditional = saving->options.if_match.has_value();
    core::JobSpec spec = saving->document.spec;
    context.services.jobs.put(
        std::move(spec), saving->options, [&context, saving, conditional](auto saved) {
            if (!saved) {
                const ErrorKind kind = saved.error().kind;
                const int status = conditional && kind == ErrorKind::conflict ? 412
                                   : saved.error().field == "Idempotency-Key" ? 422
                                                                              : status_of(kind);
                return saving->reply.refuse(status, "", {saved.error()});
            }
            context.wrote(saved->revision);
            Headers headers = job_headers(*saved);
            headers.add("Location", job_location(saved->job.spec.name));
            if (saved->replayed) headers.add("Idempotent-Replayed", "true");
            for (const std::string& text : warnings_of(saving->document))
                headers.add("Warning", warning(text));
            saving->reply.json(201, job_answer(context.services, saved->job, saved->stats),
                               std::move(headers));
        });
}

// If-Match and If-None-Match are judged by the revision that is there, and the write then compares
// that very revision.
void check_precondition(Context& context, std::shared_ptr<Saving> saving) {
    if (!saving->precondition.any()) return put(context, std::move(saving));
    std::string name = saving->document.spec.name;
    context.services.jobs.get(std::move(name), [&context, saving](auto found) {
        if (!found) return saving->reply.refuse(found.error());
        const Revision present = *found ? (*found)->revision : Revision(0);
        if (!saving->precondition.holds(present))
            return saving->reply.refuse(
                412, "",
                {{ErrorKind::conflict, "",
                  present ? "the job is not the one the request expects; its ETag is " +
                                etag_of(present)
                          : "there is no such job"}});
        saving->options.if_match = present;
        put(context, saving);
    });
}

void accept_child(Context& context, std::shared_ptr<Saving> saving) {
    if (saving->dry_run) {
        return saving->reply.json(200, to_json(JobView{saving->document.spec, {}, "", {}}));
    }
    check_precondition(context, std::move(saving));
}

// A job whose parent is its own descendant would never end to run.
bool is_above(const cluster::Catalog& catalog, const std::string& name, std::string parent) {
    constexpr int kGenerations = 1000;
    for (int i = 0; i < kGenerations && !parent.empty(); ++i) {
        if (parent == name) return true;
        const auto* entry = catalog.find(parent);
        const auto peek = entry ? cluster::peek_job(entry->record.view()) : std::nullopt;
        parent = peek ? std::string(peek->parent_job) : std::string();
    }
    return false;
}

void accept(Context& context, std::shared_ptr<Saving> saving) {
    const core::JobSpec& spec = saving->document.spec;
    if (spec.parent_job.empty()) return accept_child(context, std::move(saving));
    if (is_above(context.services.catalog, spec.name, spec.parent_job))
        return saving->reply.refuse(400, kInvalid,
                                    {invalid("parent_job", "is a descendant of the job itself")});
    std::string parent = spec.parent_job;
    context.services.jobs.get(std::move(parent), [&context, saving](auto found) {
        if (!found) return saving->reply.refuse(found.error());
        if (!*found) return saving->reply.text(404, "specified parent job not found");
        accept_child(context, saving);
    });
}

// A job that is saved again with a time that is over keeps it: only a new schedule is judged.
void validate(Context& context, std::shared_ptr<Saving> saving) {
    const core::JobSpec& spec = saving->document.spec;
    std::vector<Error> problems = std::move(saving->problems);
    for (Error& problem :
         core::validate(spec, context.services.loop.wall_now(), context.services.misfire_threshold))
        problems.push_back(std::move(problem));
    if (problems.empty()) return accept(context, std::move(saving));
    const bool only_schedule = problems.size() == 1 && problems[0].field == "schedule";
    if (!only_schedule) return saving->reply.refuse(400, kInvalid, problems);
    std::string name = spec.name;
    context.services.jobs.get(
        std::move(name), [&context, saving, problems = std::move(problems)](auto found) {
            if (!found) return saving->reply.refuse(found.error());
            const core::JobSpec& next = saving->document.spec;
            const bool kept = *found && (*found)->job.spec.schedule == next.schedule &&
                              (*found)->job.spec.timezone == next.timezone;
            if (!kept) return saving->reply.refuse(400, kInvalid, problems);
            accept(context, saving);
        });
}

void parse(Context& context, std::shared_ptr<Saving> saving, const Call& call) {
    const auto value = parse_json(call.request.body);
    if (!value) return saving->reply.refuse(400, kUnparsable, {value.error()});
    auto document = job_from_json(*value);
    if (!document) return saving->reply.refuse(400, kUnparsable, document.error());
    if (wants_strictness(call.request.headers))
        for (const UnknownKey& key : document->unknown)
            saving->problems.push_back(
                invalid(key.path, key.nearest.empty()
                                      ? "unknown key"
                                      : fmt::format("unknown key; did you mean {}?", key.nearest)));
    if (saving->path_name) {
        if (document->spec.name.empty()) document->spec.name = *saving->path_name;
        if (document->spec.name != *saving->path_name)
            return saving->reply.refuse(
                400, kInvalid,
                {invalid("name", fmt::format("the path says '{}' and the body '{}'",
                                             *saving->path_name, document->spec.name))});
    }
    saving->document = std::move(*document);
    saving->options.stats = saving->document.stats;
    validate(context, std::move(saving));
}

void save(Context& context, Call call, Responder responder, bool name_in_path) {
    auto saving = std::make_shared<Saving>(call, std::move(responder));
    if (name_in_path) saving->path_name = std::string(call.path["job"]);
    saving->options.updated_by = call.actor;
    saving->options.audit = job_audit(context.services, saving->reply.actor());
    saving->options.idempotency_key = call.request.headers.find("Idempotency-Key").value_or("");
    if (saving->options.idempotency_key.size() > kIdempotencyKeyBytes)
        return saving->reply.refuse(400, "", {invalid("Idempotency-Key", "is too long")});
    saving->options.fingerprint = stable_hash(call.request.method_text + ' ' + call.request.target +
                                              '\n' + call.request.body);
    saving->options.run_on_create = call.query.has("runoncreate");
    saving->precondition = Precondition(call.request.headers);
    saving->dry_run = call.query.has("dry_run");
    context.services.store.get(
        std::string(store::keys::kSubmissionsPaused),
        [&context, saving, call = std::move(call)](auto paused) mutable {
            if (!paused) return saving->reply.refuse(store_unavailable(paused.error()));
            if (paused->kv)
                return saving->reply.refuse(
                    503, "",
                    {{ErrorKind::unavailable, "", "New job submissions are currently paused"}});
            parse(context, saving, call);
        });
}

// ---- reading, deleting, running, toggling

void read(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    const Precondition precondition(call.request.headers);
    context.services.jobs.get(
        std::string(call.path["job"]), [&context, reply, precondition](auto found) {
            if (!found) return reply->refuse(found.error());
            if (!*found) return reply->no_such("job");
            Headers headers = job_headers(**found);
            if (precondition.any() && !precondition.holds((*found)->revision))
                return reply->raw({304, std::move(headers), {}});
            reply->json(200, job_answer(context.services, (*found)->job, (*found)->stats),
                        std::move(headers));
        });
}

void remove_now(Context& context, std::shared_ptr<Reply> reply, std::string name,
                std::optional<Revision> if_match, std::string actor) {
    if (const auto children = context.services.catalog.children_of(name); !children.empty())
        return reply->not_found(fmt::format(
            "the job has dependent jobs, such as '{}': delete them first", children[0]));
    context.services.jobs.remove(
        std::move(name), if_match, std::move(actor),
        [&context, reply, if_match](auto deleted) {
            if (!deleted) {
                const ErrorKind kind = deleted.error().kind;
                if (kind == ErrorKind::not_found) return reply->no_such("job");
                const bool changed = if_match && kind == ErrorKind::conflict;
                return reply->refuse(changed ? 412 : status_of(kind), "", {deleted.error()});
            }
            context.wrote(deleted->revision);
            reply->json(200, to_json(JobView{deleted->job.spec, deleted->stats,
                                             deleted->stats.last_status, WallTime{}}));
        },
        job_audit(context.services, reply->actor()));
}

void remove(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    std::string name(call.path["job"]);
    const Precondition precondition(call.request.headers);
    if (!precondition.any())
        return remove_now(context, std::move(reply), std::move(name), std::nullopt, call.actor);
    context.services.jobs.get(name, [&context, reply, precondition, name,
                                     actor = call.actor](auto found) {
        if (!found) return reply->refuse(found.error());
        if (!*found) return reply->no_such("job");
        const Revision present = (*found)->revision;
        if (!precondition.holds(present))
            return reply->refuse(
                412, "",
                {{ErrorKind::conflict, "",
                  "the job is not the one the request expects; its ETag is " + etag_of(present)}});
        remove_now(context, reply, name, present, actor);
    });
}

// `{"payload": ...}`; another body, or none, means nothing, as in Dkron.
std::expected<std::string, Error> payload_of(std::string_view body) {
    const std::size_t first = body.find_first_not_of(" \t\r\n");
    if (first == body.npos || body[first] != '{') return "";
    const auto value = parse_json(body);
    if (!value) return std::unexpected(value.error());
    const auto* payload = value->as_object().if_contains("payload");
    if (!payload || payload->is_null()) return "";
    return write_json(*payload);
}

// 200 and the execution once it is over, or 202 and what is known of it.
void answer_when_over(Context& context, const std::shared_ptr<Reply>& reply,
                      const core::ExecutionId& id, Duration patience, Headers headers) {
    wait_for_end(context.services, id, patience,
                 [reply, headers = std::move(headers)](auto execution) mutable {
                     if (!execution) return reply->refuse(execution.error());
                     if (!*execution) return reply->json(202, nullptr, std::move(headers));
                     const bool over = !core::is_open((*execution)->state);
                     reply->json(over ? 200 : 202, to_json(**execution), std::move(headers));
                 });
}

void run(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    auto payload = payload_of(call.request.body);
    if (!payload) return reply->refuse(400, kUnparsable, {payload.error()});
    std::optional<Duration> patience;
    if (const auto text = call.query.get("wait")) {
        const auto duration = parse_duration(text->empty() ? "30s" : *text);
        if (!duration || *duration <= Duration(0))
            return reply->refuse(400, "",
                                 {invalid("wait", "must be a duration above zero, such as 30s")});
        patience = std::min(*duration, kWaitMost);
    }
    const std::string_view key = call.request.headers.find("Idempotency-Key").value_or("");
    if (key.size() > kIdempotencyKeyBytes)
        return reply->refuse(
            400, "",
            {invalid("Idempotency-Key", fmt::format("has {} bytes, at most {} are allowed",
                                                    key.size(), kIdempotencyKeyBytes))});
    cluster::RunOptions options{std::move(*payload), std::string(key), call.actor,
                                core::TriggerKind::manual,
                                job_audit(context.services, reply->actor(), "job.run")};
    std::string name(call.path["job"]);
    context.services.jobs.get(name, [&context, reply, name, patience,
                                     options = std::move(options)](auto found) mutable {
        if (!found) return reply->refuse(found.error());
        if (!*found) return reply->no_such("job");
        context.services.jobs.run(
            name, std::move(options),
            [&context, reply, patience, saved = std::move(**found)](auto id) {
                if (!id) {
                    if (id.error().kind == ErrorKind::not_found) return reply->no_such("job");
                    return reply->refuse(id.error());
                }
                const std::string text = core::to_text(*id);
                Headers headers = job_headers(saved);
                headers.add("Location", job_location(saved.job.spec.name) + "/executions/" + text);
                headers.add("Khronos-Execution", text);
                if (patience)
                    return answer_when_over(context, reply, *id, *patience, std::move(headers));
                reply->json(200, job_answer(context.services, saved.job, saved.stats),
                            std::move(headers));
            });
    });
}

// Dkron's flips; with `?disabled=true` or `false` it sets, and may be repeated.
void toggle(Context& context, Call call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    const std::string_view word = call.query.get("disabled").value_or("");
    if (!word.empty() && word != "true" && word != "false")
        return reply->refuse(400, "", {invalid("disabled", "must be true or false")});
    std::optional<bool> wanted;
    if (!word.empty()) wanted = word == "true";
    context.services.jobs.edit(
        std::string(call.path["job"]), call.actor,
        [wanted](core::JobSpec& spec) -> std::expected<void, Error> {
            spec.disabled = wanted.value_or(!spec.disabled);
            return {};
        },
        [&context, reply](auto saved) {
            if (!saved) {
                if (saved.error().kind == ErrorKind::not_found) return reply->no_such("job");
                return reply->refuse(saved.error());
            }
            context.wrote(saved->revision);
            Headers headers = job_headers(*saved);
            headers.add("Location", job_location(saved->job.spec.name));
            reply->json(200, job_answer(context.services, saved->job, saved->stats),
                        std::move(headers));
        },
        job_audit(context.services, reply->actor()));
}

}  // namespace

void add_job_routes(std::vector<Route>& routes, Context& context) {
    const auto add = [&](Method method, std::string_view path, Permission needs,
                         std::string_view id, auto handler) {
        routes.emplace_back(method, path, needs, id, [&context, handler](Call call, Responder r) {
            handler(context, std::move(call), std::move(r));
        });
    };
    const auto save_named_in = [](bool path) {
        return [path](Context& c, Call call, Responder r) {
            save(c, std::move(call), std::move(r), path);
        };
    };
    add(Method::post, "/v1/jobs", Permission::editor, "createOrUpdateJob", save_named_in(false));
    add(Method::patch, "/v1/jobs", Permission::editor, "patchJob", save_named_in(false));
    add(Method::put, "/v1/jobs/:job", Permission::editor, "putJob", save_named_in(true));
    add(Method::get, "/v1/jobs/:job", Permission::viewer, "showJob", read);
    add(Method::del, "/v1/jobs/:job", Permission::editor, "deleteJob", remove);
    add(Method::post, "/v1/jobs/:job", Permission::runner, "runJobByName", run);
    add(Method::post, "/v1/jobs/:job/run", Permission::runner, "runJob", run);
    add(Method::post, "/v1/jobs/:job/toggle", Permission::editor, "toggleJob", toggle);
}

}  // namespace khronos::api

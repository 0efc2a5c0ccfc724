// POST /v1/restore: saves every job of an exported list, counters included.
#include <boost/json/array.hpp>
#include <memory>

#include "api/job_json.h"
#include "api/json_text.h"
#include "api/multipart.h"
#include "api/reply.h"
#include "api/routes.h"
#include "core/model/validate.h"

namespace khronos::api {
namespace {

namespace json = boost::json;

struct Restoring {
    Restoring(const Call& call, Responder responder) : reply(call, std::move(responder)) {}
    Reply reply;
    std::string actor;
    std::vector<JobDocument> jobs;
    std::size_t next = 0;
    json::array results;
};

// All problems of all jobs, each path beginning with `[i]`.
std::vector<Error> read_jobs(const json::array& list, const Services& services,
                             std::vector<JobDocument>& jobs) {
    std::vector<Error> problems;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto report = [&](Error problem) {
            const std::string place = "[" + std::to_string(i) + "]";
            problem.field = problem.field.empty() ? place : place + "." + problem.field;
            problems.push_back(std::move(problem));
        };
        auto document = job_from_json(list[i]);
        if (!document) {
            for (Error& problem : document.error())
                report(std::move(problem));
            continue;
        }
        for (Error& problem :
             core::validate(document->spec, services.loop.wall_now(), services.misfire_threshold))
            report(std::move(problem));
        jobs.push_back(std::move(*document));
    }
    return problems;
}

// One after the other, so that the answer names each in its order.
void save_next(Context& context, std::shared_ptr<Restoring> restoring) {
    if (restoring->next == restoring->jobs.size())
        // A string that holds an array: that is what Dkron's clients read.
        return restoring->reply.json(200, json::string(write_json(restoring->results)));
    JobDocument& document = restoring->jobs[restoring->next++];
    cluster::PutOptions options;
    options.updated_by = restoring->actor;
    options.stats = document.stats;
    std::string name = document.spec.name;
    context.services.jobs.put(
        std::move(document.spec), std::move(options), [&context, restoring, name](auto saved) {
            if (saved) context.wrote(saved->revision);
            restoring->results.push_back(
                json::string((saved ? "success create " : "fail create ") + name));
            save_next(context, restoring);
        });
}

void restore(Context& context, Call call, Responder responder) {
    auto restoring = std::make_shared<Restoring>(call, std::move(responder));
    restoring->actor = call.actor;
    const auto file = form_part(call.request.headers.find("Content-Type").value_or(""),
                                call.request.body, "file");
    if (!file)
        return restoring->reply.refuse(
            404, "",
            {invalid("file",
                     "a multipart/form-data body with a part of this name is "
                     "expected")});
    const auto value = parse_json(*file);
    if (!value) return restoring->reply.refuse(400, "", {value.error()});
    const auto* list = value->if_array();
    if (!list) return restoring->reply.refuse(400, "", {invalid("file", "must be a list of jobs")});
    const auto problems = read_jobs(*list, context.services, restoring->jobs);
    if (!problems.empty()) return restoring->reply.refuse(400, "", problems);
    save_next(context, std::move(restoring));
}

}  // namespace

void add_restore_route(std::vector<Route>& routes, Context& context) {
    routes.emplace_back(Method::post, "/v1/restore", Permission::admin, "restore",
                        [&context](Call call, Responder responder) {
                            restore(context, std::move(call), std::move(responder));
                        });
}

}  // namespace khronos::api

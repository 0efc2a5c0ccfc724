// GET /v1/jobs: Dkron's parameters, and `application`, `tags[k]` and `min_revision`.
#include <fmt/format.h>

#include <charconv>
#include <memory>

#include "api/execution_read.h"
#include "api/job_list.h"
#include "api/job_view.h"
#include "api/json_text.h"
#include "api/paging.h"
#include "api/reply.h"
#include "api/routes.h"

namespace khronos::api {
namespace {

constexpr Duration kPatience = std::chrono::seconds(2);
// Jobs that are written as JSON at a stretch.
constexpr std::size_t kSlice = 200;

std::optional<JobListQuery::Sort> sort_of(std::string_view word) {
    using Sort = JobListQuery::Sort;
    if (word.empty() || word == "id" || word == "name") return Sort::name;
    if (word == "displayname") return Sort::displayname;
    if (word == "schedule") return Sort::schedule;
    if (word == "success_count") return Sort::success_count;
    if (word == "error_count") return Sort::error_count;
    if (word == "last_success") return Sort::last_success;
    if (word == "last_error") return Sort::last_error;
    if (word == "next") return Sort::next;
    return std::nullopt;
}

std::expected<JobListQuery, Error> query_of(const QueryParameters& parameters) {
    JobListQuery query;
    const std::string_view sort = parameters.get("_sort").value_or("");
    const auto known = sort_of(sort);
    if (!known)
        return std::unexpected(invalid(
            "_sort", fmt::format("'{}' is not one of id, name, displayname, schedule, "
                                 "success_count, error_count, last_success, last_error, next",
                                 sort.substr(0, 64))));
    query.sort = *known;
    query.descending = is_descending(parameters, false);
    const Page page = page_of(parameters, SIZE_MAX);
    query.start = page.start;
    query.end = page.end;
    query.q = parameters.get("q").value_or("");
    for (const auto& [key, value] : parameters.members("metadata"))
        query.metadata.emplace_back(key, value);
    for (const auto& [key, value] : parameters.members("tags"))
        query.tags.emplace_back(key, value);
    query.application = parameters.get("application").value_or("");
    if (const auto status = parameters.get("status"); status && !status->empty())
        query.status = *status == "untriggered" ? "" : std::string(*status);
    const std::string_view disabled = parameters.get("disabled").value_or("");
    if (disabled == "true" || disabled == "false") query.disabled = disabled == "true";
    return query;
}

// One answer under way.
struct Listing {
    Listing(const Call& call, Responder responder) : reply(call, std::move(responder)) {}
    Reply reply;
    JobListQuery query;
    Headers headers{{"Content-Type", "application/json; charset=utf-8"}};
    JobList list;
    std::string body;
    std::size_t written = 0;
};

void write_slice(Context& context, std::shared_ptr<Listing> listing) {
    const std::size_t end = std::min(listing->list.entries.size(), listing->written + kSlice);
    for (; listing->written < end; ++listing->written) {
        const auto& entry = listing->list.entries[listing->written];
        if (listing->body.size() > 1) listing->body += ',';
        const auto job =
            job_answer(context.services, entry, context.services.catalog.stats(entry.uid));
        if (listing->reply.pretty()) listing->body += "\n    ";
        listing->body += write_json(job, listing->reply.pretty(), 1);
    }
    if (end < listing->list.entries.size()) {
        context.services.loop.post([&context, listing] { write_slice(context, listing); });
        return;
    }
    if (listing->reply.pretty() && listing->written > 0) listing->body += '\n';
    listing->body += ']';
    listing->reply.raw({200, std::move(listing->headers), std::move(listing->body)});
}

void list(Context& context, std::shared_ptr<Listing> listing) {
    list_jobs(context.services.catalog, context.services.loop, std::move(listing->query),
              [&context, listing](JobList found) {
                  listing->list = std::move(found);
                  listing->headers.add("X-Total-Count", std::to_string(listing->list.total));
                  listing->body = "[";
                  write_slice(context, listing);
              });
}

void list_with_running(Context& context, std::shared_ptr<Listing> listing) {
    if (listing->query.status != "running") return list(context, std::move(listing));
    read_open(context.services, [&context, listing](auto open) {
        if (!open) return listing->reply.refuse(open.error());
        listing->query.running.emplace();
        for (const core::Execution& execution : *open)
            if (execution.state == core::ExecutionState::claimed)
                listing->query.running->insert(execution.id.uid);
        list(context, listing);
    });
}

void begin(Context& context, const Call& call, Responder responder) {
    auto listing = std::make_shared<Listing>(call, std::move(responder));
    auto query = query_of(call.query);
    // Dkron's status for a column that does not exist.
    if (!query) return listing->reply.refuse(500, "", {query.error()});
    listing->query = std::move(*query);

    const std::string_view asked = call.query.get("min_revision").value_or("");
    std::uint64_t min_revision = 0;
    const auto [end, error] =
        std::from_chars(asked.data(), asked.data() + asked.size(), min_revision);
    if (!asked.empty() && (error != std::errc{} || end != asked.data() + asked.size()))
        return listing->reply.refuse(
            400, "", {invalid("min_revision", "must be a revision: a number from an ETag")});
    const Revision wanted = std::max(context.own_write, Revision(min_revision));
    context.services.catalog.when_reached(
        wanted, kPatience, [&context, listing, strict = min_revision > 0](bool reached) {
            if (!reached && strict)
                return listing->reply.refuse(
                    503, "",
                    {{ErrorKind::unavailable, "",
                      "this agent has not seen that revision yet; try again"}});
            if (!reached) listing->headers.add("Warning", "110 khronos \"the list is stale\"");
            listing->headers.add("Khronos-Revision",
                                 std::to_string(context.services.catalog.revision().value));
            list_with_running(context, listing);
        });
}

}  // namespace

void add_job_list_route(std::vector<Route>& routes, Context& context) {
    routes.emplace_back(
        Method::get, "/v1/jobs", Permission::viewer, "getJobs",
        [&context](Call call, Responder responder) { begin(context, call, std::move(responder)); });
}

}  // namespace khronos::api

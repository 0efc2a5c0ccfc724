#include "api/job_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/job_json.h"
#include "api/query.h"
#include "cluster/next_run.h"
#include "store/codec.h"

namespace khronos::api {
namespace {

// `"1", W/"2" , *` as `"1"`, `"2"`, `*`.
std::vector<std::string> tags_of(const Headers& headers, std::string_view name) {
    std::vector<std::string> tags;
    for (std::string_view rest : headers.all(name)) {
        while (!rest.empty()) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            std::string_view tag = rest.substr(0, comma);
            rest.remove_prefix(std::min(comma + 1, rest.size()));
            while (tag.starts_with(' ') || tag.starts_with('\t'))
                tag.remove_prefix(1);
            while (tag.ends_with(' ') || tag.ends_with('\t'))
                tag.remove_suffix(1);
            if (tag.starts_with("W/")) tag.remove_prefix(2);
            if (!tag.empty()) tags.emplace_back(tag);
        }
    }
    return tags;
}

bool names(const std::vector<std::string>& tags, Revision present) {
    return std::any_of(tags.begin(), tags.end(), [&](const std::string& tag) {
        return tag == "*" ? static_cast<bool>(present) : present && tag == etag_of(present);
    });
}

}  // namespace

boost::json::object job_answer(const Services& services, const core::Job& job,
                               const core::JobStats& stats) {
    return to_json(JobView{job.spec, stats, stats.last_status,
                           cluster::next_run(job, services.loop.wall_now()),
                           services.catalog.children_of(job.spec.name)});
}

boost::json::object job_answer(const Services& services, const cluster::CatalogEntry& entry,
                               const core::JobStats& stats) {
    const auto job = store::decode<core::Job>(entry.record.view());
    if (!job) return {};
    return job_answer(services, *job, stats);
}

std::string etag_of(Revision revision) {
    return fmt::format("\"{}\"", revision.value);
}

std::string job_location(std::string_view name) {
    return "/v1/jobs/" + percent_encode(name);
}

Precondition::Precondition(const Headers& headers)
    : if_match_(tags_of(headers, "If-Match")), if_none_match_(tags_of(headers, "If-None-Match")) {}

bool Precondition::holds(Revision present) const {
    if (!if_match_.empty() && !names(if_match_, present)) return false;
    return if_none_match_.empty() || !names(if_none_match_, present);
}

}  // namespace khronos::api

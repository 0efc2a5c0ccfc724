// Dkron's list of jobs out of the catalog: filter, sort, page. Done in slices, so that a list of
// a million jobs never holds up the loop for long; between two slices jobs may come and go.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "cluster/catalog.h"
#include "runtime/loop.h"

namespace khronos::api {

struct JobListQuery {
    enum class Sort : std::uint8_t {
        name,
        displayname,
        schedule,
        success_count,
        error_count,
        last_success,
        last_error,
        next
    };
    Sort sort = Sort::name;
    bool descending = false;
    std::size_t start = 0;
    std::size_t end = SIZE_MAX;  // exclusive
    std::string q;               // part of the name or the display name, by case
    std::vector<std::pair<std::string, std::string>> metadata;  // all of them
    std::vector<std::pair<std::string, std::string>> tags;      // all of them
    std::string application;            // empty: any; `default` is also a job without one
    std::optional<std::string> status;  // `success`, ...; `` is a job that never ran
    // With it the status `running` is known: the jobs that run.
    std::optional<std::unordered_set<JobUid>> running;
    std::optional<bool> disabled;
};

struct JobList {
    std::vector<cluster::CatalogEntry> entries;  // of the page
    std::size_t total = 0;                       // after the filters, before the page
};

// `done` is posted. The catalog must live until then.
void list_jobs(cluster::Catalog& catalog, runtime::Loop& loop, JobListQuery query,
               std::move_only_function<void(JobList)> done);

}  // namespace khronos::api

// The job documents of files, directories and standard input.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cli/talk.h"

namespace khronos::cli {

struct JobDocument {
    std::string place;        // `jobs.json`, `jobs.yaml[2]`
    std::string name;         // empty: it has none, and the agent will say so
    std::string body;         // JSON
    std::string parent = {};  // the job that it follows; empty: none
};

// A file holds one job, a list of jobs, or an object whose only key `jobs` (or `job`) has the
// list; a YAML file may hold several documents. Nothing, with every fault told, where one cannot
// be read, a name comes twice, or there is no job at all.
std::optional<std::vector<JobDocument>> read_job_documents(Talk& talk,
                                                           const std::vector<std::string>& paths);

// Their order with each parent before its children, which an agent wants; as given otherwise. A
// circle is broken somewhere, for the agent to refuse.
std::vector<std::size_t> parents_first(const std::vector<JobDocument>& documents);

// Whether the job that it follows is among them, and so may not be there yet.
bool brings_parent(const std::vector<JobDocument>& documents, const JobDocument& document);

}  // namespace khronos::cli

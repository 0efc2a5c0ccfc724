// Saving job documents at an agent, and telling what that did.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cli/job_documents.h"
#include "cli/talk.h"

namespace khronos::cli {

enum class Change : std::uint8_t { created, configured, unchanged };
std::string_view to_text(Change change);

// What saving a document would do.
struct JobChange {
    Change change = Change::created;
    boost::json::value before;  // null: there is no such job
    boost::json::value after;   // as the agent understood the document
};

// Nothing, with what the agent said told, where the document is wrong. Saves nothing.
// `parent_comes`: its parent is saved before it, and so need not be there yet.
std::optional<JobChange> check_job(Talk& talk, const JobDocument& document,
                                   bool parent_comes = false);

// Saves it; false, with what the agent said told, where that failed. `quiet`: without the
// agent's remarks.
bool save_job(Talk& talk, const JobDocument& document, bool quiet = false);

// Whether the key is only counted or computed by the agent.
bool is_kept_by_agent(std::string_view key);

}  // namespace khronos::cli

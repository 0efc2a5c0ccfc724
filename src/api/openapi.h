// The OpenAPI 3.1 document, made of the route table itself and of what the tables of fields write,
// so that it cannot tell of a route or a field that is not there.
#pragma once

#include <boost/json/object.hpp>
#include <string_view>
#include <vector>

#include "api/router.h"

namespace khronos::api {

boost::json::object openapi_document(const std::vector<Route>& routes, std::string_view version);

// Operations that have no words of their own yet; a test wants it empty.
std::vector<std::string> undescribed(const std::vector<Route>& routes);

// `{"type": "object", "properties": ...}` for what both samples are examples of.
boost::json::object schema_of(const boost::json::object& plain, const boost::json::object& full);

// Of the table of a job's fields (job_json.cc).
boost::json::object job_schema();

}  // namespace khronos::api

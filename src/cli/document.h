// JSON documents as a person, a script or a table wants them.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

namespace khronos::cli {

std::string to_json_text(const boost::json::value& value);  // indented by two
std::string to_yaml_text(const boost::json::value& value);  // YAML 1.2, a document without `---`

// The member as text for a table's cell: strings as they are, null and what is missing as "".
// `path` may have dots.
std::string cell(const boost::json::value& value, std::string_view path);

// Without control characters, so that a job's name or message cannot speak to the terminal.
std::string printable(std::string_view text);

}  // namespace khronos::cli

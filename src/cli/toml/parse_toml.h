// A TOML document as a JSON value.
#pragma once

#include <boost/json/value.hpp>
#include <expected>
#include <string>
#include <string_view>

namespace khronos::cli {

// Dates and times become their RFC 3339 text. The error is a sentence that begins with its line
// and column.
std::expected<boost::json::value, std::string> toml_document(std::string_view text);

}  // namespace khronos::cli

// YAML 1.2 documents as JSON values, by the core schema: `yes` and `on` are texts.
#pragma once

#include <boost/json/value.hpp>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace khronos::cli {

// All documents of the text; empty ones are left out. Anchors, aliases and `<<` are resolved. The
// error is a sentence that begins with its line and column. Refused: a key that comes twice, keys
// that are no scalars, tags of somebody's own, and texts that grow past a million values.
std::expected<std::vector<boost::json::value>, std::string> parse_yaml(std::string_view text);

}  // namespace khronos::cli

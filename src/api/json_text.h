// JSON as text: read with our limits and with every fault placed, written compactly or for people.
#pragma once

#include <boost/json/value.hpp>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace khronos::api {

// At most limits::kJsonDepth levels, valid UTF-8, no key twice in one object. The error's field is
// the path of a doubled key (`executor_config.command`), or empty.
std::expected<boost::json::value, Error> parse_json(std::string_view text);

// `pretty`: indented by four spaces, as part of a text that is `depth` levels in already.
std::string write_json(const boost::json::value& value, bool pretty = false, int depth = 0);

// The text, with U+FFFD for each byte that is no UTF-8: what a process printed may be anything.
std::string valid_utf8(std::string_view text);

// `path.key`; a key with other characters than a name's becomes `path["key"]`.
std::string json_path(std::string_view path, std::string_view key);

// The candidate that `text` is most likely meant to be; empty where none is near.
std::string_view nearest(std::string_view text, const std::vector<std::string_view>& candidates);

}  // namespace khronos::api

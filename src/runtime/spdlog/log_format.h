// A log line without its time: the same content for a person or for a program.
#pragma once

#include <string>
#include <string_view>

#include "runtime/log.h"

namespace khronos::runtime {

// `message key=value other="two words"`. One line: control characters, what reorders or hides
// text on a terminal, and bytes that are not UTF-8 are escaped.
void append_text(std::string& out, std::string_view message, Log::Fields fields);

// `"message":"...","key":value`: members of a JSON object, without the braces. Bytes that are not
// UTF-8 become U+FFFD.
void append_json(std::string& out, std::string_view message, Log::Fields fields);

}  // namespace khronos::runtime

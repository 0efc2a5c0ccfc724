// The status line and fields of an answer, as bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "api/http_types.h"
#include "base/time.h"

namespace khronos::api {

// How the reader finds the end of the body.
enum class Framing : std::uint8_t {
    length,   // Content-Length
    chunked,  // Transfer-Encoding: chunked
    none,     // the status has no body, or the body ends with the connection
};

struct HeadOptions {
    Framing framing = Framing::length;
    std::size_t content_length = 0;
    // A length that the handler states itself is sent (only HEAD may: its body is elsewhere).
    bool keep_stated_length = false;
    std::string_view connection;  // "close", "keep-alive"; empty: no such field
    std::string_view date;        // as http_date() writes it
};

// Appends to `out`. Fields that the server itself owns (length, coding, connection, date) are
// taken from `options` only; a field with a character that could end it early is left out.
void append_head(std::string& out, const HttpResponse& response, const HeadOptions& options);

bool status_has_body(int status);  // false for 1xx, 204, 304

// `Sun, 06 Nov 1994 08:49:37 GMT`
std::string http_date(WallTime time);

}  // namespace khronos::api

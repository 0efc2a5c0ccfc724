#include "api/http/response_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace khronos::api {

namespace {

bool is_token(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

bool is_field_value(std::string_view value) {
    return std::none_of(value.begin(), value.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    });
}

bool is_owned_by_server(std::string_view name, bool keep_stated_length) {
    if (equals_ignoring_case(name, "Content-Length")) return !keep_stated_length;
    return equals_ignoring_case(name, "Transfer-Encoding") ||
           equals_ignoring_case(name, "Connection") || equals_ignoring_case(name, "Date");
}

}  // namespace

void append_head(std::string& out, const HttpResponse& response, const HeadOptions& options) {
    const int status = response.status >= 200 && response.status <= 599 ? response.status : 500;
    auto at = std::back_inserter(out);
    fmt::format_to(at, "HTTP/1.1 {} {}\r\nDate: {}\r\n", status, reason_phrase(status),
                   options.date);
    bool length_stated = false;
    for (const auto& [name, value] : response.headers) {
        if (!is_token(name) || !is_field_value(value) ||
            is_owned_by_server(name, options.keep_stated_length))
            continue;
        length_stated = length_stated || equals_ignoring_case(name, "Content-Length");
        out.append(name).append(": ").append(value).append("\r\n");
    }
    switch (options.framing) {
        case Framing::length:
            if (!length_stated)
                fmt::format_to(at, "Content-Length: {}\r\n", options.content_length);
            break;
        case Framing::chunked:
            out += "Transfer-Encoding: chunked\r\n";
            break;
        case Framing::none:
            break;
    }
    if (!options.connection.empty())
        out.append("Connection: ").append(options.connection).append("\r\n");
    out += "\r\n";
}

bool status_has_body(int status) {
    return status >= 200 && status != 204 && status != 304;
}

std::string http_date(WallTime time) {
    constexpr std::string_view kDays[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::int64_t seconds = time.seconds();
    std::int64_t days = seconds / 86400;
    if (seconds % 86400 < 0) --days;
    const std::int64_t of_day = seconds - days * 86400;
    const CivilDate date = civil_from_days(days);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[((days % 7) + 7) % 7],
                       date.day, kMonths[date.month - 1], date.year, of_day / 3600,
                       of_day / 60 % 60, of_day % 60);
}

}  // namespace khronos::api

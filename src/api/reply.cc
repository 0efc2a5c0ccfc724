#include "api/reply.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/json_text.h"

namespace khronos::api {
namespace json = boost::json;

int status_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid:
            return 400;
        case ErrorKind::not_found:
            return 404;
        case ErrorKind::conflict:
            return 409;
        case ErrorKind::busy:
        case ErrorKind::unavailable:
            return 503;
        case ErrorKind::refused:
            return 403;
        case ErrorKind::internal:
            return 500;
    }
    return 500;
}

std::string sentence(const Error& error) {
    return error.field.empty() ? error.message : fmt::format("{}: {}", error.field, error.message);
}

std::string sentences(const std::vector<Error>& errors) {
    std::string text;
    for (const Error& error : errors) {
        if (!text.empty()) text += "; ";
        text += sentence(error);
    }
    return text;
}

HttpResponse text_response(int status, std::string text) {
    return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(text)};
}

HttpResponse problem_response(int status, const std::string& detail,
                              const std::vector<Error>& errors) {
    json::object problem{{"type", "about:blank"},
                         {"title", reason_phrase(status)},
                         {"status", status},
                         {"detail", valid_utf8(detail)}};
    json::array list;
    for (const Error& error : errors)
        list.push_back(json::object{{"field", valid_utf8(error.field)},
                                    {"message", valid_utf8(error.message)}});
    if (!list.empty()) problem.emplace("errors", std::move(list));
    return {status, {{"Content-Type", "application/problem+json"}}, write_json(problem)};
}

Reply::Reply(const Call& call, Responder responder)
    : responder_(std::move(responder)),
      pretty_(call.query.has("pretty")),
      wants_problems_(
          call.request.headers.find("Accept").value_or("").contains("application/problem+json")),
      actor_{call.actor, call.request.peer_address} {}

void Reply::json(int status, const json::value& value, Headers headers) {
    headers.set("Content-Type", "application/json; charset=utf-8");
    raw({status, std::move(headers), write_json(value, pretty_)});
}

void Reply::problem(int status, const std::vector<Error>& errors) {
    raw(problem_response(status, sentences(errors), errors));
}

void Reply::refuse(int status, std::string_view prefix, const std::vector<Error>& errors) {
    if (wants_problems_)
        raw(problem_response(status, fmt::format("{}{}", prefix, sentences(errors)), errors));
    else
        text(status, fmt::format("{}{}", prefix, sentences(errors)));
}

void Reply::no_such(std::string_view what) {
    not_found(fmt::format("there is no such {}", what));
}

void Reply::not_found(std::string_view sentence) {
    if (wants_problems_)
        problem({ErrorKind::not_found, "", std::string(sentence)});
    else
        empty(404);
}

}  // namespace khronos::api

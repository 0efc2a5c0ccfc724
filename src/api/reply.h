// The answers that handlers give. Routes that Dkron has too answer errors as it does: a status and
// a sentence of plain text, or nothing. Ours answer RFC 9457's application/problem+json; so do the
// shared ones when the request's Accept asks for it.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "api/audit.h"
#include "api/http_types.h"
#include "api/router.h"
#include "base/error.h"

namespace khronos::api {

int status_of(ErrorKind kind);
// `field: message`, or the message alone.
std::string sentence(const Error& error);
std::string sentences(const std::vector<Error>& errors);

HttpResponse text_response(int status, std::string text);
HttpResponse problem_response(int status, const std::string& detail,
                              const std::vector<Error>& errors = {});

// The duty to answer, with what the request says about the form of the answer.
class Reply {
  public:
    Reply(const Call& call, Responder responder);

    void json(int status, const boost::json::value& value, Headers headers = {});
    void raw(HttpResponse response) { responder_.send(std::move(response)); }
    void empty(int status) { raw({status, {}, {}}); }
    void text(int status, std::string text) { raw(text_response(status, std::move(text))); }

    // Of our own routes.
    void problem(const Error& error) { problem(status_of(error.kind), {error}); }
    void problem(int status, const std::vector<Error>& errors);
    // Of the shared routes. `prefix` begins Dkron's sentence.
    void refuse(int status, std::string_view prefix, const std::vector<Error>& errors);
    void refuse(const Error& error) { refuse(status_of(error.kind), "", {error}); }
    // 404 without a body, as Dkron says that there is no such job, and much else.
    void no_such(std::string_view what);
    void not_found(std::string_view sentence);

    bool pretty() const { return pretty_; }
    const Actor& actor() const { return actor_; }  // who asked
    Stream begin_stream(HttpResponse head) { return responder_.begin_stream(std::move(head)); }

  private:
    Responder responder_;
    bool pretty_;
    bool wants_problems_;
    Actor actor_;
};

}  // namespace khronos::api

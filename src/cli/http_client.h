// The port to an agent's REST API, as the commands need it. Production has libcurl's (cli/curl),
// tests a made-up one. Blocking: a command line waits anyway.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace khronos::cli {

struct HttpAsk {
    std::string method = "GET";
    std::string target;  // path and query, percent-encoded: `/v1/jobs?q=a`
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string body = {};
};

struct HttpAnswer {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;

    // The first of that name, by any case; empty where there is none.
    std::string_view header(std::string_view name) const;
};

class HttpClient {
  public:
    virtual ~HttpClient() = default;
    // Any status is an answer; the error, a sentence, says why there was none.
    virtual std::expected<HttpAnswer, std::string> send(const HttpAsk& ask) = 0;
};

// Encodes all but RFC 3986's unreserved characters.
std::string percent_encode(std::string_view text);

}  // namespace khronos::cli

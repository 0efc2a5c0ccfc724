// Requests and routes from arbitrary bytes. The first byte says into what pieces the rest is cut
// on one of two ways; both must read the same requests, or refuse the same one.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/request_parser.h"
#include "api/router.h"
#include "base/check.h"
#include "base/utf8.h"

using namespace khronos;  // NOLINT: a program of one file

namespace {

constexpr api::RequestLimits kLimits{1024, 256};

const api::Router& router() {
    static const api::Router table([] {
        std::vector<api::Route> routes;
        for (const std::string_view pattern :
             {"/", "/v1/jobs", "/v1/jobs/:job", "/v1/jobs/:job/executions/:execution",
              "/v1/jobs/import", "/ui/*file"})
            routes.emplace_back(api::Method::get, pattern, api::Permission::viewer, pattern,
                                [](const api::Call&, api::Responder) {});
        return routes;
    }());
    return table;
}

void route(const api::HttpRequest& request) {
    (void)api::QueryParameters::parse(request.query);
    const api::Routing routing = router().match(request.method, request.path);
    const auto* match = std::get_if<api::RouteMatch>(&routing);
    if (!match || match->route->pattern.find(":job") == std::string::npos) return;
    const std::string_view job = match->path["job"];
    CHECK(!job.empty() && job != "." && job != "..");
    CHECK(is_valid_utf8(job) && job.find_first_of(std::string_view("/\0\r\n", 4)) == job.npos);
}

struct Reading {
    std::vector<api::HttpRequest> requests;
    int refused = 0;
};

Reading read(std::string_view bytes, std::size_t step) {
    Reading reading;
    api::RequestParser parser(kLimits);
    std::string waiting;
    while (!bytes.empty()) {
        waiting += bytes.substr(0, step);
        bytes.remove_prefix(std::min(step, bytes.size()));
        for (;;) {
            const std::size_t taken = parser.feed(waiting);
            CHECK(taken <= waiting.size());
            waiting.erase(0, taken);
            if (parser.fault()) {
                reading.refused = parser.fault()->status;
                return reading;
            }
            if (!parser.complete()) break;
            reading.requests.push_back(parser.take());
            CHECK(reading.requests.back().body.size() <= kLimits.body_bytes);
            route(reading.requests.back());
        }
        // What a session must keep for the parser stays bounded.
        CHECK(waiting.size() <= kLimits.header_bytes + step);
    }
    return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Reading whole = read(bytes, bytes.size());
    const Reading pieces = read(bytes, data[0] % 32 + 1);
    // What is cut may be refused only when more has come, so a status is not compared at the end.
    CHECK(whole.requests.size() == pieces.requests.size());
    for (std::size_t i = 0; i < whole.requests.size(); ++i) {
        CHECK(whole.requests[i].target == pieces.requests[i].target);
        CHECK(whole.requests[i].headers == pieces.requests[i].headers);
        CHECK(whole.requests[i].body == pieces.requests[i].body);
    }
    return 0;
}

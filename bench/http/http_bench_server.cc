// A server to load: `/v1/jobs/:job` is a JSON answer of 1 KiB, made anew for each request and found
// through a table of routes, `/v1/events` a stream that stays open. Prints its port and runs until
// it is killed. With a certificate and a key as arguments it speaks TLS.
#include <cstdio>
#include <string>
#include <vector>

#include "api/http/http_server.h"
#include "api/router.h"

using namespace khronos;  // NOLINT: a program of one file

namespace {

std::string job_json() {
    std::string json = R"({"id":"job1","name":"job1","schedule":"@every 10s","command":")";
    json.append(1024 - json.size() - 2, 'x');
    json += "\"}";
    return json;
}

std::vector<api::Route> routes(const std::string& json) {
    std::vector<api::Route> table;
    table.emplace_back(api::Method::get, "/v1/jobs/:job", api::Permission::open, "get_job",
                       [&json](const api::Call&, api::Responder responder) {
                           responder.send({200,
                                           {{"Content-Type", "application/json; charset=utf-8"},
                                            {"X-Content-Type-Options", "nosniff"}},
                                           json});
                       });
    table.emplace_back(api::Method::get, "/v1/events", api::Permission::open, "events",
                       [](const api::Call&, api::Responder responder) {
                           // Kept for as long as the program runs: what an idle stream costs.
                           static std::vector<api::Stream> streams;
                           streams.push_back(responder.begin_stream(
                               {200, {{"Content-Type", "text/event-stream"}}, ": hello\n\n"}));
                       });
    table.emplace_back(api::Method::get, "/v1/jobs", api::Permission::open, "list_jobs",
                       [](const api::Call&, api::Responder responder) { responder.send({}); });
    return table;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string json = job_json();
    const api::Router router(routes(json));
    runtime::AsioLoop loop;
    api::HttpServerConfig config;
    if (argc == 3) config.tls = {argv[1], argv[2], "", api::TlsConfig::ClientCertificate::none};
    api::HttpServer server(
        loop, config, [&router](api::HttpRequest request, api::Responder responder) {
            auto routing = router.match(request.method, request.path);
            auto* match = std::get_if<api::RouteMatch>(&routing);
            auto query = api::QueryParameters::parse(request.query);
            if (!match || !query) return responder.send({404, {}, {}});
            match->route->handler(
                {std::move(request), std::move(match->path), std::move(*query), {}},
                std::move(responder));
        });
    if (const auto started = server.start(); !started) {
        std::fprintf(stderr, "%s\n", started.error().message.c_str());
        return 1;
    }
    std::printf("%u\n", server.port());
    std::fflush(stdout);
    loop.run();
}

// The web page: its files at /ui/, and `/` sends browsers there. Nothing here needs a permission,
// because nothing here says anything: all that the page shows comes from the other routes.
//
// Invariants:
// - A file that is named by its content is kept by browsers for ever, any other is asked for again.
// - The page runs no code and no style but its own files', and asks nobody but this agent.
#include <algorithm>
#include <optional>

#include "api/page.h"
#include "api/reply.h"
#include "api/routes.h"

namespace khronos::api {
namespace {

constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

constexpr std::string_view kNoPage = R"(<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Khronos</title></head>
<body>
<h1>Khronos</h1>
<p>This agent was built without its web page: <code>make build</code> builds both. It speaks through its REST API
and the <code>khronos</code> command.</p>
<ul>
<li><a href="../v1/jobs?pretty">/v1/jobs</a>: the jobs</li>
<li><a href="../v1/executions?pretty">/v1/executions</a>: what ran, runs, or was skipped, and why</li>
<li><a href="../readyz?pretty">/readyz</a>: whether this agent is well</li>
</ul>
</body>
</html>
)";

void dress(Headers& headers) {
    headers.set("Content-Security-Policy", std::string(kPagePolicy));
    headers.set("Referrer-Policy", "no-referrer");
    headers.set("Cross-Origin-Opener-Policy", "same-origin");
    headers.set("Cross-Origin-Resource-Policy", "same-origin");
    headers.set("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
}

// Whether `Accept-Encoding` lets that coding through; `gzip;q=0` does not.
bool accepts(const Headers& headers, std::string_view coding) {
    for (std::string_view rest : headers.all("Accept-Encoding")) {
        while (!rest.empty()) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            std::string_view item = rest.substr(0, comma);
            rest.remove_prefix(std::min(comma + 1, rest.size()));
            const std::size_t semicolon = std::min(item.find(';'), item.size());
            std::string_view name = item.substr(0, semicolon);
            std::string_view weight = item.substr(semicolon);
            while (name.starts_with(' ') || name.starts_with('\t'))
                name.remove_prefix(1);
            while (name.ends_with(' ') || name.ends_with('\t'))
                name.remove_suffix(1);
            if (!equals_ignoring_case(name, coding)) continue;
            const std::size_t q = weight.find("q=");
            return q == weight.npos ||
                   weight.find_first_of("123456789", q + 2) != std::string_view::npos;
        }
    }
    return false;
}

bool names(const Headers& headers, std::string_view etag) {
    for (const std::string_view list : headers.all("If-None-Match"))
        if (list == "*" || list.contains(etag)) return true;
    return false;
}

HttpResponse answer_file(const PageFile& file, const HttpRequest& request) {
    HttpResponse response;
    response.headers = {{"Content-Type", std::string(file.content_type)},
                        {"ETag", std::string(file.etag)},
                        {"Vary", "Accept-Encoding"},
                        {"Cache-Control",
                         file.immutable ? "public, max-age=31536000, immutable" : "no-cache"}};
    dress(response.headers);
    if (names(request.headers, file.etag)) {
        response.status = 304;
        return response;
    }
    std::string_view bytes = file.plain;
    if (!file.brotli.empty() && accepts(request.headers, "br")) {
        bytes = file.brotli;
        response.headers.add("Content-Encoding", "br");
    } else if (!file.gzip.empty() && accepts(request.headers, "gzip")) {
        bytes = file.gzip;
        response.headers.add("Content-Encoding", "gzip");
    }
    response.body = Body::of_static(bytes);
    return response;
}

// Relative, so that it is right behind a proxy that serves us under a path of its own.
HttpResponse send_to(std::string_view place) {
    return {303, {{"Location", std::string(place)}, {"Cache-Control", "no-cache"}}, {}};
}

void front(Context&, Call call, Responder responder) {
    Reply reply(call, std::move(responder));
    const std::string_view accept = call.request.headers.find("Accept").value_or("*/*");
    if (!accept.contains("text/html") && !accept.contains("*/*"))
        return reply.text(404, "404 page not found");
    reply.raw(send_to("ui/"));
}

void index(Context& context, Call call, Responder responder) {
    Reply reply(call, std::move(responder));
    // Files are named relative to the folder.
    if (!call.request.path.ends_with('/')) return reply.raw(send_to("ui/"));
    const PageFiles files = context.services.page;
    const auto file = std::ranges::find(files, "index.html", &PageFile::path);
    if (file != files.end()) return reply.raw(answer_file(*file, call.request));
    HttpResponse none{200, {{"Content-Type", "text/html; charset=utf-8"}}, Body::of_static(kNoPage)};
    dress(none.headers);
    reply.raw(std::move(none));
}

void file(Context& context, Call call, Responder responder) {
    Reply reply(call, std::move(responder));
    const PageFiles files = context.services.page;
    const auto found = std::ranges::find(files, call.path["file"], &PageFile::path);
    if (found == files.end()) return reply.text(404, "404 page not found");
    reply.raw(answer_file(*found, call.request));
}

}  // namespace

void add_page_routes(std::vector<Route>& routes, Context& context) {
    const auto add = [&](std::string_view path, std::string_view id, auto handler) {
        routes.emplace_back(Method::get, path, Permission::open, id,
                            [&context, handler](Call call, Responder responder) {
                                handler(context, std::move(call), std::move(responder));
                            });
    };
    add("/", "frontPage", front);
    add("/ui", "page", index);
    add("/ui/*file", "pageFile", file);
}

}  // namespace khronos::api

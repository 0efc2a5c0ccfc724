#include "api/front.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "api/audit.h"
#include "api/reply.h"

namespace khronos::api {
namespace {

// `host`, `host:port`, `[::1]:port` without the port; the port must be one.
std::optional<std::string_view> host_name_of(std::string_view authority) {
    std::string_view port;
    std::string_view name = authority;
    if (authority.starts_with('[')) {
        const std::size_t end = authority.find(']');
        if (end == authority.npos) return std::nullopt;
        name = authority.substr(0, end + 1);
        port = authority.substr(end + 1);
    } else if (const std::size_t colon = authority.find(':'); colon != authority.npos) {
        name = authority.substr(0, colon);
        port = authority.substr(colon);
    }
    if (!port.empty()) {
        if (port[0] != ':' || port.size() < 2 || port.size() > 6) return std::nullopt;
        if (!std::all_of(port.begin() + 1, port.end(), [](char c) { return c >= '0' && c <= '9'; }))
            return std::nullopt;
    }
    return name;
}

// `192.0.2.1` or `[2001:db8::1]`.
bool is_address(std::string_view name) {
    if (name.starts_with('['))
        return name.size() > 2 &&
               name.find_first_not_of("0123456789abcdefABCDEF:.", 1) == name.size() - 1;
    int dots = 0;
    int digits = 0;
    for (const char c : name) {
        if (c == '.') {
            if (digits == 0) return false;
            ++dots;
            digits = 0;
        } else if (c < '0' || c > '9' || ++digits > 3) {
            return false;
        }
    }
    return dots == 3 && digits > 0;
}

bool is_write(Method method) {
    switch (method) {
        case Method::get:
        case Method::head:
        case Method::options:
            return false;
        case Method::post:
        case Method::put:
        case Method::patch:
        case Method::del:
        case Method::other:
            return true;
    }
    return true;
}

// Puts the headers of every answer on each, whoever gives it.
class DressedExchange final : public Exchange {
  public:
    DressedExchange(Responder inner, std::string whom)
        : inner_(std::move(inner)), whom_(std::move(whom)) {}

    void respond(HttpResponse response) override {
        dress(response);
        inner_.send(std::move(response));
    }
    void begin_stream(HttpResponse head) override {
        dress(head);
        stream_ = inner_.begin_stream(std::move(head));
    }
    Write write(Body chunk) override { return stream_.write(std::move(chunk)); }
    void end_stream() override { stream_.end(); }
    void on_drained(std::move_only_function<void()> task) override {
        stream_.on_drained(std::move(task));
    }
    void on_closed(std::move_only_function<void()> task) override {
        stream_.on_closed(std::move(task));
    }

  private:
    void dress(HttpResponse& response) const {
        if (!whom_.empty()) response.headers.add("X-Whom", whom_);
        response.headers.set("X-Content-Type-Options", "nosniff");
        if (!response.headers.contains("Cache-Control"))
            response.headers.add("Cache-Control", "no-store");
        if (!response.headers.contains("Content-Security-Policy"))
            response.headers.add("Content-Security-Policy",
                                 "default-src 'none'; frame-ancestors 'none'");
    }

    Responder inner_;
    std::string whom_;
    Stream stream_;
};

}  // namespace

std::expected<void, std::string> check_host(const HttpRequest& request, const AccessRules& rules) {
    const auto name = host_name_of(request.host);
    const auto is = [&](std::string_view known) {
        return name && equals_ignoring_case(*name, known);
    };
    if (is("localhost") || is("127.0.0.1") || is("[::1]")) return {};
    for (const std::string& known : rules.hosts)
        if (is(known) || (known.contains(':') && is("[" + known + "]"))) return {};
    if (rules.any_address && name && is_address(*name)) return {};
    return std::unexpected(fmt::format(
        "this agent is not called '{}'; ask for it by one of its names, or add that one to its "
        "allowed hosts",
        request.host.substr(0, 128)));
}

std::expected<void, std::string> check_origin(const HttpRequest& request,
                                              const AccessRules& rules) {
    if (!is_write(request.method)) return {};
    if (const auto origin = request.headers.find("Origin")) {
        // The host has been checked already, so a page that came from it is ours.
        const std::string_view scheme = request.tls ? "https://" : "http://";
        if (equals_ignoring_case(*origin, std::string(scheme) + request.host)) return {};
        if (std::find(rules.origins.begin(), rules.origins.end(), *origin) != rules.origins.end())
            return {};
        return std::unexpected(
            fmt::format("a page of {} may not write here", origin->substr(0, 128)));
    }
    const std::string_view site = request.headers.find("Sec-Fetch-Site").value_or("");
    if (site == "cross-site" || site == "same-site")
        return std::unexpected(std::string("a page of another origin may not write here"));
    return {};
}

Front::Front(Services& services)
    : services_(services), context_(services), router_(make_routes(context_)) {
    keep_house();
}

Front::~Front() {
    services_.loop.cancel(house_timer_);
}

// The audit log has an end; any agent sees to it, and twice does no harm.
void Front::keep_house() {
    house_timer_ = services_.loop.call_after(std::chrono::hours(1), [this] {
        trim_audit(services_);
        keep_house();
    });
}

void Front::handle(HttpRequest request, Responder inner) {
    // Dkron names the answering node on every answer but this one.
    const bool is_health = request.path == "/health" || request.path == "/health/";
    Responder responder(std::make_shared<DressedExchange>(
        std::move(inner), is_health ? std::string() : services_.agent.node));

    if (const auto meant = check_host(request, services_.access); !meant)
        return responder.send(text_response(403, meant.error()));
    if (const auto ours = check_origin(request, services_.access); !ours)
        return responder.send(text_response(403, ours.error()));

    Routing routing = router_.match(request.method, request.path);
    if (std::holds_alternative<NoSuchPath>(routing))
        return responder.send(text_response(404, "404 page not found"));
    if (const auto* refused = std::get_if<MethodNotAllowed>(&routing)) {
        const bool asks = request.method == Method::options;
        HttpResponse response =
            asks ? HttpResponse{204, {}, {}} : text_response(405, "405 method not allowed");
        response.headers.add("Allow", refused->allow_header());
        return responder.send(std::move(response));
    }
    auto& match = std::get<RouteMatch>(routing);

    std::string actor = "local";
    if (services_.authorize && match.route->permission != Permission::open) {
        auto known = services_.authorize(request, match.route->permission);
        if (!known) {
            HttpResponse response = text_response(known.error().status, known.error().why);
            if (known.error().status == 401) response.headers.add("WWW-Authenticate", "Bearer");
            return responder.send(std::move(response));
        }
        actor = std::move(known->name);
    }
    auto query = QueryParameters::parse(request.query);
    if (!query) return responder.send(text_response(400, sentence(query.error())));
    Call call{std::move(request), std::move(match.path), std::move(*query), std::move(actor), {}};
    if (services_.authorize && match.route->permission != Permission::open)
        call.still_allowed = [this, needs = match.route->permission, method = call.request.method,
                              headers = call.request.headers, tls = call.request.tls] {
            HttpRequest again;
            again.method = method;
            again.headers = headers;
            again.tls = tls;
            return services_.authorize(again, needs).has_value();
        };
    match.route->handler(std::move(call), std::move(responder));
}

}  // namespace khronos::api

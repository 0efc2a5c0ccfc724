// The table of routes: which handler answers a request, and what the caller must be allowed to do.
//
// Invariants:
// - A permission belongs to a route, and a route cannot be made without one. It is looked up
//   after the route was chosen, so no spelling of a path can reach a handler past its permission.
// - A path is split at `/` first and each segment is decoded once. A segment that is empty, `.` or
//   `..`, or that decodes to something with a `/`, a control character or broken UTF-8 matches no
//   route. One `/` at the end makes no difference.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/http_types.h"
#include "api/query.h"

namespace khronos::api {

// Each includes those before it.
enum class Permission : std::uint8_t { open, viewer, runner, editor, admin };
std::string_view to_string(Permission permission);

// The decoded `:name` parts of a path.
class PathParameters {
  public:
    // The route's pattern must have the name.
    std::string_view operator[](std::string_view name) const;
    void add(std::string_view name, std::string value);
    void pop() { values_.pop_back(); }
    bool operator==(const PathParameters&) const = default;

  private:
    std::vector<std::pair<std::string_view, std::string>> values_;  // names are the pattern's
};

// What a route's handler is given.
struct Call {
    HttpRequest request;
    PathParameters path;
    QueryParameters query;
    std::string actor;  // who asks, as the permission check found it; empty: nobody known
    // For answers that go on for long: whether the caller still may. Empty: nobody is asked.
    std::function<bool()> still_allowed = {};
};
using RouteHandler = std::move_only_function<void(Call, Responder) const>;

struct Route {
    // `pattern`: literal segments, `:name` for any one segment, `*name` at the end for the rest
    // (at least one segment). A literal wins over a `:name`. `operation_id` is OpenAPI's.
    Route(Method on, std::string_view at, Permission needs, std::string_view id, RouteHandler run)
        : method(on), pattern(at), permission(needs), operation_id(id), handler(std::move(run)) {}

    Method method;
    std::string pattern;
    Permission permission;
    std::string operation_id;
    RouteHandler handler;
};

struct RouteMatch {
    const Route* route;
    PathParameters path;
};
struct NoSuchPath {};
struct MethodNotAllowed {
    std::vector<Method> allowed;       // in the enum's order, each once; HEAD where GET is
    std::string allow_header() const;  // "GET, HEAD, POST"
};
using Routing = std::variant<RouteMatch, NoSuchPath, MethodNotAllowed>;

class Router {
  public:
    // Two routes of one method and pattern, or a malformed pattern, are a fault of the program.
    explicit Router(std::vector<Route> routes);
    ~Router();
    Router(const Router&) = delete;
    Router& operator=(const Router&) = delete;

    // `path` as in HttpRequest::path. HEAD is answered by GET's route where it has none itself.
    Routing match(Method method, std::string_view path) const;

    // In the order in which they were given; what documents and tests are generated from.
    const std::vector<Route>& routes() const { return routes_; }

  private:
    struct Node;
    std::vector<Route> routes_;
    std::unique_ptr<Node> root_;
};

}  // namespace khronos::api

#include "api/router.h"

#include <array>
#include <map>
#include <optional>

#include "base/check.h"
#include "base/utf8.h"

namespace khronos::api {

namespace {

// Far above any pattern; bounds the work on a hostile path.
constexpr std::size_t kMaxSegments = 64;
constexpr std::size_t kMethods = static_cast<std::size_t>(Method::other) + 1;

std::size_t index_of(Method method) {
    return static_cast<std::size_t>(method);
}

bool is_plain_segment(std::string_view segment) {
    if (segment.empty() || segment == "." || segment == "..") return false;
    for (const char c : segment)
        if (c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
    return is_valid_utf8(segment);
}

std::vector<std::string_view> split(std::string_view path) {
    std::vector<std::string_view> segments;
    path.remove_prefix(1);
    if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    while (!path.empty()) {
        const std::size_t end = path.find('/');
        segments.push_back(path.substr(0, end));
        if (end == std::string_view::npos) return segments;
        path.remove_prefix(end + 1);
        if (path.empty()) segments.push_back({});  // the path ended in two slashes
    }
    return segments;
}

}  // namespace

struct Router::Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
    std::string parameter;       // name of the `:name` below, if any
    std::unique_ptr<Node> any;   // one segment of any content
    std::string rest_name;       // name of the `*name` below, if any
    std::unique_ptr<Node> rest;  // all that is left
    std::array<const Route*, kMethods> routes{};

    const Route* route_for(Method method) const {
        const Route* found = routes[index_of(method)];
        if (!found && method == Method::head) found = routes[index_of(Method::get)];
        return found;
    }
};

namespace {

// One way through the tree after another, literals first, until a node has the method. What the
// nodes on the way would have answered is noted for "method not allowed".
template <class Node>
struct Search {
    Method method;
    const std::vector<std::string>& segments;
    PathParameters path;
    std::array<bool, kMethods> allowed{};
    bool path_exists = false;

    const Route* arrive(const Node& node) {
        if (const Route* found = node.route_for(method)) return found;
        for (std::size_t m = 0; m < kMethods; ++m)
            if (node.routes[m]) allowed[m] = path_exists = true;
        return nullptr;
    }

    const Route* walk(const Node& node, std::size_t at) {
        if (at == segments.size()) return arrive(node);
        if (const auto literal = node.literals.find(segments[at]); literal != node.literals.end())
            if (const Route* found = walk(*literal->second, at + 1)) return found;
        if (node.any) {
            path.add(node.parameter, segments[at]);
            if (const Route* found = walk(*node.any, at + 1)) return found;
            path.pop();
        }
        if (node.rest) {
            std::string rest = segments[at];
            for (std::size_t i = at + 1; i < segments.size(); ++i)
                rest += '/' + segments[i];
            path.add(node.rest_name, std::move(rest));
            if (const Route* found = arrive(*node.rest)) return found;
            path.pop();
        }
        return nullptr;
    }
};

}  // namespace

Router::Router(std::vector<Route> routes)
    : routes_(std::move(routes)), root_(std::make_unique<Node>()) {
    for (const Route& route : routes_) {
        CHECK(route.pattern.starts_with('/'));
        Node* node = root_.get();
        const auto segments = split(route.pattern);
        for (std::size_t i = 0; i < segments.size(); ++i) {
            const std::string_view segment = segments[i];
            CHECK(is_plain_segment(segment));
            const bool is_parameter = segment.starts_with(':');
            if (!is_parameter && !segment.starts_with('*')) {
                auto& child = node->literals[std::string(segment)];
                if (!child) child = std::make_unique<Node>();
                node = child.get();
                continue;
            }
            CHECK(segment.size() > 1);
            CHECK(is_parameter || i + 1 == segments.size());
            std::string& name = is_parameter ? node->parameter : node->rest_name;
            auto& child = is_parameter ? node->any : node->rest;
            // One name for one place: a value is looked up by the name of its own pattern.
            CHECK(name.empty() || name == segment.substr(1));
            name = segment.substr(1);
            if (!child) child = std::make_unique<Node>();
            node = child.get();
        }
        const Route*& place = node->routes[index_of(route.method)];
        CHECK(place == nullptr);
        place = &route;
    }
}

Router::~Router() = default;

Routing Router::match(Method method, std::string_view path) const {
    if (!path.starts_with('/')) return NoSuchPath{};
    const auto raw = split(path);
    if (raw.size() > kMaxSegments) return NoSuchPath{};
    std::vector<std::string> segments;
    segments.reserve(raw.size());
    for (const std::string_view segment : raw) {
        auto decoded = percent_decode(segment, Plus::literal);
        if (!decoded || !is_plain_segment(*decoded)) return NoSuchPath{};
        segments.push_back(std::move(*decoded));
    }
    Search<Node> search{method, segments, {}};
    if (const Route* found = search.walk(*root_, 0))
        return RouteMatch{found, std::move(search.path)};
    if (!search.path_exists) return NoSuchPath{};
    if (search.allowed[index_of(Method::get)]) search.allowed[index_of(Method::head)] = true;
    MethodNotAllowed answer;
    for (std::size_t m = 0; m < kMethods; ++m)
        if (search.allowed[m]) answer.allowed.push_back(static_cast<Method>(m));
    return answer;
}

std::string MethodNotAllowed::allow_header() const {
    std::string text;
    for (const Method method : allowed) {
        if (!text.empty()) text += ", ";
        text += to_string(method);
    }
    return text;
}

std::string_view PathParameters::operator[](std::string_view name) const {
    for (const auto& [key, value] : values_)
        if (key == name) return value;
    CHECK(!"the route's pattern has no such parameter");
    return {};
}

void PathParameters::add(std::string_view name, std::string value) {
    values_.emplace_back(name, std::move(value));
}

std::string_view to_string(Permission permission) {
    switch (permission) {
        case Permission::open:
            return "open";
        case Permission::viewer:
            return "viewer";
        case Permission::runner:
            return "runner";
        case Permission::editor:
            return "editor";
        case Permission::admin:
            return "admin";
    }
    return "";
}

}  // namespace khronos::api

#include "api/router.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace khronos::api {
namespace {

void unused(const Call&, Responder) {}

Route route(Method method, std::string_view pattern) {
    return {method, pattern, Permission::viewer, pattern, unused};
}

std::vector<Route> sample_routes() {
    std::vector<Route> routes;
    routes.push_back(route(Method::get, "/"));
    routes.push_back(route(Method::get, "/v1"));
    routes.push_back(route(Method::get, "/v1/jobs"));
    routes.push_back(route(Method::post, "/v1/jobs"));
    routes.push_back(route(Method::get, "/v1/jobs/:job"));
    routes.push_back(route(Method::del, "/v1/jobs/:job"));
    routes.push_back(route(Method::post, "/v1/jobs/import"));
    routes.push_back(route(Method::get, "/v1/jobs/:job/executions"));
    routes.push_back(route(Method::get, "/v1/jobs/:job/executions/:execution"));
    routes.push_back(route(Method::put, "/v1/jobs/:job/executions/latest"));
    routes.push_back(route(Method::get, "/ui/*file"));
    return routes;
}

// What the router says, as one line of text.
std::string say(const Router& router, Method method, std::string_view path,
                std::vector<std::string_view> names = {}) {
    const Routing routing = router.match(method, path);
    if (std::holds_alternative<NoSuchPath>(routing)) return "no such path";
    if (const auto* refused = std::get_if<MethodNotAllowed>(&routing))
        return "allow " + refused->allow_header();
    const auto& match = std::get<RouteMatch>(routing);
    std::string text = match.route->pattern;
    for (const std::string_view name : names)
        text += " " + std::string(match.path[name]);
    return text;
}

TEST(Router, ChoosesTheRouteOfMethodAndPath) {
    const Router router(sample_routes());
    struct Case {
        Method method;
        std::string_view path;
        std::vector<std::string_view> names;
        std::string_view expected;
    };
    const Case cases[] = {
        {Method::get, "/", {}, "/"},
        {Method::get, "/v1", {}, "/v1"},
        {Method::get, "/v1/", {}, "/v1"},
        {Method::get, "/v1/jobs/", {}, "/v1/jobs"},
        {Method::post, "/v1/jobs/", {}, "/v1/jobs"},
        {Method::head, "/v1/jobs", {}, "/v1/jobs"},
        {Method::get, "/v1/jobs/backup", {"job"}, "/v1/jobs/:job backup"},
        {Method::del, "/v1/jobs/backup", {"job"}, "/v1/jobs/:job backup"},
        {Method::post, "/v1/jobs/import", {}, "/v1/jobs/import"},
        {Method::get, "/v1/jobs/import", {"job"}, "/v1/jobs/:job import"},
        {Method::get, "/v1/jobs/import/executions", {"job"}, "/v1/jobs/:job/executions import"},
        {Method::get,
         "/v1/jobs/a/executions/17-n",
         {"job", "execution"},
         "/v1/jobs/:job/executions/:execution a 17-n"},
        {Method::get,
         "/v1/jobs/a/executions/latest",
         {"job", "execution"},
         "/v1/jobs/:job/executions/:execution a latest"},
        {Method::put, "/v1/jobs/a/executions/latest", {"job"}, "/v1/jobs/:job/executions/latest a"},
        {Method::get, "/v1/jobs/caf%C3%A9", {"job"}, "/v1/jobs/:job caf\u00e9"},
        {Method::get, "/v1/jobs/a%20b+c", {"job"}, "/v1/jobs/:job a b+c"},
        {Method::get, "/v1/jobs/100%2525", {"job"}, "/v1/jobs/:job 100%25"},
        {Method::get, "/ui/assets/app.js", {"file"}, "/ui/*file assets/app.js"},
    };
    for (const Case& c : cases)
        EXPECT_EQ(say(router, c.method, c.path, c.names), c.expected) << c.path;
}

TEST(Router, TellsAWrongMethodFromAnUnknownPath) {
    const Router router(sample_routes());
    EXPECT_EQ(say(router, Method::put, "/v1/jobs"), "allow GET, HEAD, POST");
    EXPECT_EQ(say(router, Method::post, "/v1/jobs/backup"), "allow GET, HEAD, DELETE");
    EXPECT_EQ(say(router, Method::put, "/v1/jobs/import"), "allow GET, HEAD, POST, DELETE");
    EXPECT_EQ(say(router, Method::other, "/v1"), "allow GET, HEAD");
    EXPECT_EQ(say(router, Method::get, "/v2"), "no such path");
    EXPECT_EQ(say(router, Method::get, "/v1/jobs/a/b"), "no such path");
    EXPECT_EQ(say(router, Method::get, "/ui"), "no such path");
    EXPECT_EQ(say(router, Method::options, "*"), "no such path");
    EXPECT_EQ(say(router, Method::get, ""), "no such path");
}

TEST(Router, MatchesNoPathWhoseSpellingIsATrick) {
    const Router router(sample_routes());
    const std::string_view tricks[] = {
        "//",
        "//v1/jobs",
        "/v1//jobs",
        "/v1/jobs//",
        "/v1/jobs//backup",
        "/./v1/jobs",
        "/v1/./jobs",
        "/v1/../v1/jobs",
        "/v1/%2e/jobs",
        "/v1/%2e%2e/v1/jobs",
        "/v1/.%2E/v1/jobs",
        "/v1/jobs/..",
        "/v1/jobs/%2e%2e",
        "/v1%2fjobs",
        "/v1/jobs/a%2fb",
        "/v1/jobs/a%2Fexecutions",
        "/v1/jobs/%00",
        "/v1/jobs/a%00b",
        "/v1/jobs/a%0d%0ab",
        "/v1/jobs/%7f",
        "/v1/jobs/%",
        "/v1/jobs/%4",
        "/v1/jobs/%zz",
        "/v1/jobs/%u0061",
        "/v1/jobs/%c0%af",
        "/v1/jobs/%e0%80%af",
        "/v1/jobs/%ed%a0%80",
        "/v1/jobs/%f5%80%80%80",
        "/v1/jobs/%ff",
        "/V1/jobs",
        "/v1/Jobs",
        "/v1/jobs;x=1",
        "/v1;/jobs",
        "/v1\\jobs",
        "v1/jobs",
        "/ui/../v1/jobs",
        "/ui/a/%2e%2e/%2e%2e/etc/passwd",
        "/ui//etc/passwd",
        "/ui/..%2fsecret",
    };
    for (const std::string_view path : tricks)
        EXPECT_EQ(say(router, Method::get, path), "no such path") << path;
}

TEST(Router, GivesAnotherSpellingOfAPathTheSamePermission) {
    const Router router(sample_routes());
    const auto plain = std::get<RouteMatch>(router.match(Method::get, "/v1/jobs"));
    const auto escaped = std::get<RouteMatch>(router.match(Method::get, "/%76%31/%6aobs/"));
    EXPECT_EQ(plain.route, escaped.route);
}

TEST(Router, EndsQuicklyOnAPathOfManySegments) {
    const Router router(sample_routes());
    std::string path;
    for (int i = 0; i < 8000; ++i)
        path += "/a";
    EXPECT_EQ(say(router, Method::get, path), "no such path");
    EXPECT_EQ(say(router, Method::get, "/ui" + path), "no such path");
}

TEST(Router, HasNoRouteWithoutAPermission) {
    static_assert(!std::is_default_constructible_v<Route>);
    static_assert(!std::is_constructible_v<Route, Method, const char*, const char*, RouteHandler>);
    static_assert(!std::is_convertible_v<int, Permission>);
    EXPECT_EQ(Router(sample_routes()).routes().front().permission, Permission::viewer);
}

TEST(RouterDeathTest, RefusesTwoRoutesForOnePlaceAndMalformedPatterns) {
    const auto build = [](std::vector<std::string_view> patterns) {
        std::vector<Route> routes;
        for (const std::string_view pattern : patterns)
            routes.push_back(route(Method::get, pattern));
        Router router(std::move(routes));
    };
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(build({"/a", "/a/"}), "CHECK");
    EXPECT_DEATH(build({"/a/:x", "/a/:y"}), "CHECK");
    EXPECT_DEATH(build({"/a//b"}), "CHECK");
    EXPECT_DEATH(build({"a"}), "CHECK");
    EXPECT_DEATH(build({"/*rest/b"}), "CHECK");
    EXPECT_DEATH(build({"/:"}), "CHECK");
}

}  // namespace
}  // namespace khronos::api

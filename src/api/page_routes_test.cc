#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/world_test.h"

namespace khronos::api {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr PageFile kFiles[] = {
    {"index.html", "text/html; charset=utf-8", "\"e1\"", false, "<!doctype html>plain", "zipped",
     "squeezed"},
    {"assets/a-1x.js", "text/javascript; charset=utf-8", "\"e2\"", true, "let a", "ga", "ba"},
    {"assets/f.woff2", "font/woff2", "\"e3\"", true, "font", "", ""},
};

struct PageWorld : World {
    PageWorld() { services.page = kFiles; }
};

TEST(PageRoutes, TheFrontPageSendsBrowsersToThePageAndProgramsAway) {
    PageWorld world;
    const Answer page = world.ask("GET /", "", {{"Accept", "text/html,*/*;q=0.8"}});
    EXPECT_EQ(page.status, 303);
    EXPECT_EQ(page.header("Location"), "ui/") << "relative, for proxies with a path";
    EXPECT_EQ(world.ask("GET /", "", {{"Accept", "application/json"}}).status, 404);
}

TEST(PageRoutes, TheFolderNeedsItsSlashBecauseFilesAreNamedRelativeToIt) {
    PageWorld world;
    EXPECT_EQ(world.ask("GET /ui").header("Location"), "ui/");
    EXPECT_EQ(world.ask("GET /ui/").status, 200);
}

TEST(PageRoutes, AFileGoesOutInTheSmallestCodingThatIsAccepted) {
    PageWorld world;
    const auto asked = [&](std::string_view codings) {
        return world.ask("GET /ui/", "", {{"Accept-Encoding", std::string(codings)}});
    };
    EXPECT_EQ(asked("gzip, deflate, br, zstd").body, "squeezed");
    EXPECT_EQ(asked("gzip, deflate, br").header("Content-Encoding"), "br");
    EXPECT_EQ(asked("GZIP").body, "zipped");
    EXPECT_EQ(asked("br;q=0, gzip;q=0.5").body, "zipped");
    EXPECT_EQ(asked("br;q=0.0,gzip;q=0").body, "<!doctype html>plain");
    EXPECT_EQ(asked("").header("Content-Encoding"), "<none>");
    EXPECT_EQ(asked("br").header("Vary"), "Accept-Encoding");
    EXPECT_EQ(world.ask("GET /ui/assets/f.woff2", "", {{"Accept-Encoding", "br"}}).body, "font");
}

TEST(PageRoutes, WhatIsNamedByItsContentIsKeptForEverAndTheRestIsAskedForAgain) {
    PageWorld world;
    const Answer script = world.ask("GET /ui/assets/a-1x.js");
    EXPECT_EQ(script.header("Cache-Control"), "public, max-age=31536000, immutable");
    EXPECT_EQ(script.header("Content-Type"), "text/javascript; charset=utf-8");
    EXPECT_EQ(world.ask("GET /ui/").header("Cache-Control"), "no-cache");
    const Answer same = world.ask("GET /ui/", "", {{"If-None-Match", "W/\"x\", \"e1\""}});
    EXPECT_EQ(same.status, 304);
    EXPECT_EQ(same.body, "");
    EXPECT_EQ(world.ask("GET /ui/", "", {{"If-None-Match", "\"e2\""}}).status, 200);
}

TEST(PageRoutes, ThePolicyLetsNothingInButTheFilesThemselves) {
    PageWorld world;
    for (const char* line : {"GET /ui/", "GET /ui/assets/a-1x.js"}) {
        const Answer answer = world.ask(line);
        const std::string policy = answer.header("Content-Security-Policy");
        EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
        EXPECT_THAT(policy, HasSubstr("script-src 'self';"));
        EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
        EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
        EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
        EXPECT_EQ(answer.header("Referrer-Policy"), "no-referrer");
    }
}

TEST(PageRoutes, OnlyFilesOfThePageAreServed) {
    PageWorld world;
    for (const char* line : {"GET /ui/assets", "GET /ui/assets/", "GET /ui/nothing.js",
                             "GET /ui/assets/../index.html", "GET /ui/%2e%2e/etc/passwd",
                             "GET /ui/assets%2fa-1x.js", "GET /ui//index.html"})
        EXPECT_EQ(world.ask(line).status, 404) << line;
    EXPECT_EQ(world.ask("POST /ui/").status, 405);
}

TEST(PageRoutes, AProgramWithoutThePageSaysSo) {
    World world;
    const Answer page = world.ask("GET /ui/");
    EXPECT_EQ(page.status, 200);
    EXPECT_THAT(page.body, HasSubstr("built without its web page"));
    EXPECT_EQ(world.ask("GET /ui/assets/a-1x.js").status, 404);
}

TEST(PageRoutes, NoTokenIsNeededForFilesThatSayNothing) {
    PageWorld world;
    world.services.authorize = [](const HttpRequest&, Permission) {
        return std::unexpected(Refusal{401, "no"});
    };
    EXPECT_EQ(world.ask("GET /ui/").status, 200);
    EXPECT_EQ(world.ask("GET /").status, 303);
    EXPECT_EQ(world.ask("GET /v1/jobs").status, 401);
}

}  // namespace
}  // namespace khronos::api

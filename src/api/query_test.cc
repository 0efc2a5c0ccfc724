#include "api/query.h"

#include <gtest/gtest.h>

#include "api/http_types.h"

namespace khronos::api {
namespace {

using Parameters = std::vector<QueryParameters::Parameter>;

Parameters parsed(std::string_view query) {
    const auto result = QueryParameters::parse(query);
    EXPECT_TRUE(result.has_value()) << query;
    return result ? Parameters(result->begin(), result->end()) : Parameters{};
}

TEST(QueryParameters, AreReadAsFormsWriteThem) {
    const std::pair<std::string_view, Parameters> cases[] = {
        {"", {}},
        {"pretty", {{"pretty", ""}}},
        {"pretty=", {{"pretty", ""}}},
        {"a=1&b=2", {{"a", "1"}, {"b", "2"}}},
        {"a=1&a=2", {{"a", "1"}, {"a", "2"}}},
        {"&&a=1&&", {{"a", "1"}}},
        {"a=b=c", {{"a", "b=c"}}},
        {"q=a+b%2Bc%26", {{"q", "a b+c&"}}},
        {"%71=x", {{"q", "x"}}},
        {"=x", {{"", "x"}}},
        {"n=caf%C3%A9", {{"n", "caf\u00e9"}}},
    };
    for (const auto& [query, expected] : cases)
        EXPECT_EQ(parsed(query), expected) << query;
}

TEST(QueryParameters, NameTheMalformedOne) {
    for (const std::string_view query : {"a=1&q=100%", "q=%4", "q=%g0", "q=%0g", "q=%%20"}) {
        const auto result = QueryParameters::parse(query);
        ASSERT_FALSE(result.has_value()) << query;
        EXPECT_EQ(result.error().kind, ErrorKind::invalid);
        EXPECT_EQ(result.error().field, "q");
    }
}

TEST(QueryParameters, AreFoundByKeyByRepetitionAndByMember) {
    const auto query = *QueryParameters::parse(
        "pretty&job=a&job=b&metadata[user]=1&metadata%5Bteam%5D=x&metadata[user]=2&metadata=z"
        "&metadatax[k]=no&metadata[open=no");
    EXPECT_TRUE(query.has("pretty"));
    EXPECT_FALSE(query.has("Pretty"));
    EXPECT_EQ(query.get("job"), "a");
    EXPECT_EQ(query.get("none"), std::nullopt);
    EXPECT_EQ(query.all("job"), (std::vector<std::string_view>{"a", "b"}));
    EXPECT_EQ(query.members("metadata"),
              (std::vector<std::pair<std::string_view, std::string_view>>{
                  {"user", "1"}, {"team", "x"}, {"user", "2"}}));
}

TEST(PercentEncoding, ComesBackAsItWas) {
    std::string all;
    for (int c = 0; c < 256; ++c)
        all += static_cast<char>(c);
    EXPECT_EQ(percent_decode(percent_encode(all), Plus::literal), all);
    EXPECT_EQ(percent_encode("a/b ~c"), "a%2Fb%20~c");
}

TEST(Headers, CompareNamesWithoutCase) {
    Headers headers{{"Host", "x"}, {"accept", "a"}, {"ACCEPT", "b"}};
    EXPECT_EQ(headers.find("hOST"), "x");
    EXPECT_EQ(headers.find("hos"), std::nullopt);
    EXPECT_EQ(headers.all("Accept"), (std::vector<std::string_view>{"a", "b"}));
    headers.set("Accept", "c");
    EXPECT_EQ(headers, (Headers{{"Host", "x"}, {"Accept", "c"}}));
}

TEST(Method, IsReadInUpperCaseOnly) {
    for (const Method method : {Method::get, Method::head, Method::post, Method::put, Method::patch,
                                Method::del, Method::options})
        EXPECT_EQ(method_from(to_string(method)), method);
    EXPECT_EQ(method_from("get"), Method::other);
    EXPECT_EQ(method_from("TRACE"), Method::other);
}

}  // namespace
}  // namespace khronos::api

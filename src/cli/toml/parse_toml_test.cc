#include "cli/toml/parse_toml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace khronos::cli {
namespace {

using testing::HasSubstr;

TEST(ParseToml, EveryTypeHasItsJson) {
    const auto value = toml_document(
        "name = \"a\"\nretries = 2\nfactor = 1.5\nlinger = true\nstarts_at = 2026-01-31T08:30:00Z\n"
        "list = [1, \"b\"]\n[executor_config]\ncommand = 'echo \"x\"'\n[[jobs]]\nname = \"b\"\n");
    ASSERT_TRUE(value) << value.error();
    EXPECT_EQ(*value, boost::json::parse(
                          R"({"name":"a","retries":2,"factor":1.5,"linger":true,
                              "starts_at":"2026-01-31T08:30:00Z","list":[1,"b"],
                              "executor_config":{"command":"echo \"x\""},"jobs":[{"name":"b"}]})"));
}

TEST(ParseToml, SaysWhereItIsWrong) {
    const auto wrong = toml_document("name = \"a\"\nname = \"b\"\n");
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error(), HasSubstr("line 2, column "));
    const auto endless = toml_document("n = inf\n");
    ASSERT_FALSE(endless);
    EXPECT_EQ(endless.error(), "line 1, column 5: not a finite number");
}

}  // namespace
}  // namespace khronos::cli

#include "worker/secrets.h"

#include <gtest/gtest.h>

namespace khronos::worker {
namespace {

std::expected<std::string, std::string> known(std::string_view name) {
    if (name == "db") return "p@ss,w\"rd";
    if (name == "nested") return "${secret:db}";
    if (name == "lines") return "a\r\nX-Evil: 1";
    if (name == "zero") return std::string("a\0b", 3);
    return std::unexpected("does not exist");
}

TEST(Secrets, ReferencesAreReplacedOnce) {
    EXPECT_EQ(with_secrets("postgres://u:${secret:db}@h", known), "postgres://u:p@ss,w\"rd@h");
    EXPECT_EQ(with_secrets("${secret:db}${secret:db}", known), "p@ss,w\"rdp@ss,w\"rd");
    EXPECT_EQ(with_secrets("${secret:nested}", known), "${secret:db}") << "not looked through again";
    EXPECT_EQ(with_secrets("no $secret {here}", known), "no $secret {here}");
}

TEST(Secrets, WhatNamesNoSecretIsAnErrorWithoutAValue) {
    for (const char* text : {"${secret:}", "${secret:../db}", "${secret:a b}", "${secret:db",
                             "${secret:.hidden}", "${secret:a/b}"})
        EXPECT_FALSE(with_secrets(text, known)) << text;
    const auto unknown = with_secrets("${secret:db}${secret:other}", known);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error(), "the secret 'other' does not exist");
    EXPECT_FALSE(with_secrets("${secret:db}", {}));
}

TEST(Secrets, GoIntoTheEnvironmentAndNotOntoTheCommandLine) {
    ProcessSpec process;
    process.argv = {"echo", "${secret:db}"};
    process.env = {{"PASSWORD", "${secret:db}"}, {"PLAIN", "x"}};
    ASSERT_TRUE(put_secrets(process, known));
    EXPECT_EQ(process.env[0].second, "p@ss,w\"rd") << "a comma in it does not cut it";
    EXPECT_EQ(process.env[1].second, "x");
    EXPECT_EQ(process.argv[1], "${secret:db}");
    process.env = {{"PASSWORD", "${secret:zero}"}};
    EXPECT_FALSE(put_secrets(process, known));
}

TEST(Secrets, GoIntoHeadersAsJsonAndIntoTheBodyAsTheyAre) {
    core::RunSpec spec;
    spec.executor = "http";
    spec.executor_config = {{"url", "http://h/${secret:db}"},
                            {"headers", R"(["Authorization: ${secret:db}"])"},
                            {"body", "${secret:lines}"}};
    ASSERT_TRUE(put_secrets(spec, known));
    EXPECT_EQ(spec.executor_config["headers"], R"(["Authorization: p@ss,w\"rd"])");
    EXPECT_EQ(spec.executor_config["body"], "a\r\nX-Evil: 1");
    EXPECT_EQ(spec.executor_config["url"], "http://h/${secret:db}") << "addresses get logged";
    spec.executor_config["headers"] = R"(["A: ${secret:lines}"])";
    EXPECT_FALSE(put_secrets(spec, known)) << "no header may be smuggled in";
}

}  // namespace
}  // namespace khronos::worker

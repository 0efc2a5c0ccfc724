#include "app/config_toml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace khronos::app {
namespace {

using Entries = std::vector<TomlEntry>;

TEST(ConfigToml, KeysComeInTheOrderOfTheirLines) {
    EXPECT_EQ(parse_toml("z = \"last\"\n\na = 5\nb = true\n"),
              (Entries{{"z", TomlType::text, {"last"}, 1},
                       {"a", TomlType::integer, {"5"}, 3},
                       {"b", TomlType::boolean, {"true"}, 4}}));
}

TEST(ConfigToml, TablesAreDottedKeys) {
    EXPECT_EQ(parse_toml("a = 1\n[t]\nx = \"1\"\n[t.u]\n\"y.z\" = \"2\"\n"),
              (Entries{{"a", TomlType::integer, {"1"}, 1},
                       {"t.x", TomlType::text, {"1"}, 3},
                       {"t.u.y.z", TomlType::text, {"2"}, 5}}));
}

TEST(ConfigToml, ListsHaveAValueForEachElement) {
    EXPECT_EQ(parse_toml("a = [\"x\", \"y\"]\nb = []\n"),
              (Entries{{"a", TomlType::array, {"x", "y"}, 1}, {"b", TomlType::array, {}, 2}}));
}

TEST(ConfigToml, WhatNoOptionTakesIsOther) {
    EXPECT_EQ(parse_toml("a = 1.5\nb = 2026-01-01\nc = [[1]]\n"),
              (Entries{{"a", TomlType::other, {}, 1},
                       {"b", TomlType::other, {}, 2},
                       {"c", TomlType::other, {}, 3}}));
}

TEST(ConfigToml, AnErrorHasItsLine) {
    for (const auto& [text, line] : {std::pair{"a = 1\nb = \n", 2}, std::pair{"a = 1\na = 2\n", 2},
                                     std::pair{"\n\n[t\n", 3}, std::pair{"a\n", 1}}) {
        const auto entries = parse_toml(text);
        ASSERT_FALSE(entries.has_value()) << text;
        EXPECT_EQ(entries.error().line, line) << text;
        EXPECT_FALSE(entries.error().message.empty());
    }
}

TEST(ConfigToml, AnEmptyFileIsNoError) {
    EXPECT_EQ(parse_toml(""), Entries{});
    EXPECT_EQ(parse_toml("# only a comment\n"), Entries{});
}

}  // namespace
}  // namespace khronos::app

#include "cli/yaml/parse_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

namespace khronos::cli {
namespace {

using testing::HasSubstr;

std::string json_of_yaml(std::string_view text) {
    const auto values = parse_yaml(text);
    if (!values) return "error: " + values.error();
    std::string all;
    for (const auto& value : *values)
        all += (all.empty() ? "" : " ") + boost::json::serialize(value);
    return all;
}

TEST(ParseYaml, FollowsTheCoreSchema) {
    EXPECT_EQ(json_of_yaml("a: yes\nb: true\nc: 12\nd: 1.5\ne: ~\nf: '12'\ng: 0x1f\nh: +3\n"
                           "i: 1h30m\nj: 2026-01-31T08:30:00Z\nk: .inf\nl:\nm: !!str 5\n"),
              R"({"a":"yes","b":true,"c":12,"d":1.5E0,"e":null,"f":"12","g":31,"h":3,)"
              R"("i":"1h30m","j":"2026-01-31T08:30:00Z","k":".inf","l":null,"m":"5"})");
}

TEST(ParseYaml, ReadsAllDocumentsAndLeavesEmptyOnesOut) {
    EXPECT_EQ(json_of_yaml("---\nname: a\n---\n# nothing\n---\n- name: b\n- name: c\n...\n"),
              R"({"name":"a"} [{"name":"b"},{"name":"c"}])");
    EXPECT_EQ(json_of_yaml(""), "");
}

TEST(ParseYaml, ResolvesAnchorsAndMerges) {
    EXPECT_EQ(
        json_of_yaml("base: &b {retries: 2, executor: shell}\njob:\n  <<: *b\n  retries: 3\n"),
        R"({"base":{"retries":2,"executor":"shell"},"job":{"retries":3,"executor":"shell"}})");
}

TEST(ParseYaml, SaysWhereItIsWrong) {
    EXPECT_THAT(json_of_yaml("a: 1\na: 2\n"),
                HasSubstr("line 2, column 1: the key a is given twice"));
    EXPECT_THAT(json_of_yaml("a: [1\nb: 2\n"), HasSubstr("error: line "));
    EXPECT_THAT(json_of_yaml("? [a]\n: 1\n"), HasSubstr("a key has to be a text"));
    EXPECT_THAT(json_of_yaml("a: !ruby/object {}\nb: !mine x\n"), HasSubstr("the tag !mine"));
}

TEST(ParseYaml, HintsAtQuotesWhereAScheduleBreaksIt) {
    EXPECT_THAT(json_of_yaml("name: a\nschedule: * * * * * *\n"), HasSubstr("needs quotes"));
    EXPECT_THAT(json_of_yaml("name: a\nschedule: @every 5s\n"), HasSubstr("needs quotes"));
    EXPECT_EQ(json_of_yaml("schedule: 0 30 2 * * *\n"), R"({"schedule":"0 30 2 * * *"})");
}

TEST(ParseYaml, BoundsWhatAliasesMultiply) {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; ++i) {
        text += fmt::format("a{}: &a{} [", i, i);
        for (int k = 0; k < 10; ++k)
            text += fmt::format("{}*a{}", k == 0 ? "" : ", ", i - 1);
        text += "]\n";
    }
    EXPECT_THAT(json_of_yaml(text), HasSubstr("means more than 1000000 values"));
    EXPECT_THAT(json_of_yaml(std::string(40, '[') + std::string(40, ']')),
                HasSubstr("levels deep"));
}

TEST(ParseYaml, AnyTextIsReadOrRefusedWithoutHarm) {
    const std::vector<std::string_view> pieces{
        "a: ",  "- ",     "\n", "  ", "[",    "]",     "{",   "}",           "&a ",   "*a",
        "<<: ", "!!str ", "! ", "'",  "\"",   "|\n",   ">\n", "---\n",       "...\n", "# x\n",
        "? ",   ": ",     ",",  "\t", "\xff", "1e999", "0x",  "%YAML 1.2\n", "ä",     "~"};
    std::uint64_t state = 88172645463325252ULL;
    std::size_t good = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string text;
        for (int k = 0; k < 12; ++k) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text += pieces[state % pieces.size()];
        }
        const auto values = parse_yaml(text);
        if (values)
            ++good;
        else
            EXPECT_FALSE(values.error().empty()) << text;
    }
    EXPECT_GT(good, 50u);
}

}  // namespace
}  // namespace khronos::cli

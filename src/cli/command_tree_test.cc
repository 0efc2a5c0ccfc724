#include "cli/command_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace khronos::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

CommandNode small_tree() {
    CommandNode get{"get", "one job", "Examples:\n  khronos job get a\\b", {}, {}};
    get.options.push_back({.names = {"NAME"},
                           .value = "NAME",
                           .positional = true,
                           .required = true,
                           .repeated = true});
    get.options.push_back({.names = {"-w", "--watch"}, .does = ".go on: it's \"fine\""});
    CommandNode root{"khronos", "a scheduler", "", {}, {}};
    root.options.push_back({.names = {"-o", "--output"},
                            .value = "TEXT",
                            .does = "how",
                            .choices = {"table", "json"},
                            .environment = "KHRONOS_OUTPUT",
                            .fallback = "table"});
    root.options.push_back({.names = {"--token-file"}, .value = "FILE", .does = "the token"});
    root.commands.push_back({"job", "the jobs", "", {}, {get}});
    return root;
}

TEST(CompletionScript, KnowsThreeShells) {
    for (const char* shell : {"bash", "zsh", "fish"})
        EXPECT_THAT(completion_script(small_tree(), shell),
                    AllOf(HasSubstr("job get"), HasSubstr("watch"), HasSubstr("table json")));
    EXPECT_EQ(completion_script(small_tree(), "tcsh"), "");
}

TEST(CompletionScript, QuotesForFish) {
    EXPECT_THAT(completion_script(small_tree(), "fish"),
                AllOf(HasSubstr(R"(-s w -l watch -d '.go on: it\'s "fine"')"),
                      HasSubstr("-l token-file -r -F -d 'the token'"),
                      HasSubstr("complete -c khronos -s o -l output -x -a 'table json'")));
}

TEST(CompletionScript, OnlyZshSplitsByItsOwnSign) {
    EXPECT_THAT(completion_script(small_tree(), "bash"), Not(HasSubstr("${=")));
    EXPECT_THAT(completion_script(small_tree(), "zsh"), HasSubstr("${=kh_how"));
}

TEST(ManPage, HasEveryCommandAndOption) {
    const std::string page = man_page(small_tree(), "1.2.3");
    EXPECT_THAT(page, AllOf(HasSubstr(".TH KHRONOS 1 \"\" \"khronos 1.2.3\""),
                            HasSubstr(".SS \"khronos job get\"\n\\fBkhronos job get\\fR [OPTIONS] "
                                      "\\fINAME...\\fR\n"),
                            HasSubstr("\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fITEXT\\fR\n"
                                      "how: table, json [table] (KHRONOS_OUTPUT)\n")));
}

TEST(ManPage, NothingInItIsTakenForACommandOfTroff) {
    const std::string page = man_page(small_tree(), "1");
    EXPECT_THAT(page, AllOf(HasSubstr("\n\\&.go on: it's \"fine\"\n"),
                            HasSubstr(".nf\nkhronos job get a\\eb\n.fi\n")));
}

}  // namespace
}  // namespace khronos::cli

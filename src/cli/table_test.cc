#include "cli/table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace khronos::cli {
namespace {

Table sample() {
    Table table({{"NAME"}, {"N", true, false}, {"MESSAGE"}});
    table.add({"caf\u00e9", "7", "a message that is far too long for a narrow terminal"});
    table.add({"b", "12", "succeeded"});
    return table;
}

std::string print(const Table& table, int width, bool color = false) {
    std::ostringstream out;
    table.print(out, width, color);
    return out.str();
}

TEST(Table, AlignsByCharactersAndNotByBytes) {
    EXPECT_EQ(print(sample(), 0),
              "NAME   N  MESSAGE\n"
              "caf\u00e9   7  a message that is far too long for a narrow terminal\n"
              "b     12  succeeded\n");
}

TEST(Table, FitsTheTerminal) {
    for (int width = 20; width < 80; ++width) {
        std::istringstream lines(print(sample(), width));
        for (std::string line; std::getline(lines, line);)
            EXPECT_LE(width_of(line), static_cast<std::size_t>(width)) << line;
    }
    EXPECT_EQ(print(sample(), 24),
              "NAME   N  MESSAGE\n"
              "caf\u00e9   7  a message tha\u2026\n"
              "b     12  succeeded\n");
}

TEST(Table, ColoursWordsOfSuccessAndFailure) {
    EXPECT_NE(print(sample(), 0, true).find("\033[32msucceeded\033[0m"), std::string::npos);
    EXPECT_EQ(print(sample(), 0, false).find('\033'), std::string::npos);
}

TEST(Table, LetsNoCellSpeakToTheTerminal) {
    Table table({{"A"}});
    table.add({"x\033]0;title\007y\nz\xc2\x9b"});
    EXPECT_EQ(print(table, 0), "A\nx?]0;title?y z?\n");
}

}  // namespace
}  // namespace khronos::cli

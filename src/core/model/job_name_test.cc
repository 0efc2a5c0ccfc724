#include "core/model/job_name.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace khronos::core {
namespace {

TEST(JobName, TakesLettersOfAnyCasedScriptDigitsAndSomeSigns) {
    for (const char* name : {"a", "A", "job_1-x.y", "1", "-", "...", "caf\u00e9", "\u00c9tat",
                             "\u043f\u0440\u0438\u0432\u0435\u0442", "\u03b1", "\U00010428"})
        EXPECT_EQ(fault_of_job_name(name), std::nullopt) << name;
}

TEST(JobName, RefusesEverythingElse) {
    EXPECT_EQ(fault_of_job_name(""), "name cannot be empty");
    EXPECT_EQ(fault_of_job_name("a b"), "name contains illegal character ' '");
    EXPECT_EQ(fault_of_job_name("a/b"), "name contains illegal character '/'");
    EXPECT_EQ(fault_of_job_name("a\u20ac"), "name contains illegal character '\u20ac'");
    EXPECT_EQ(fault_of_job_name("\u65e5"), "name contains illegal character '\u65e5'");
    EXPECT_EQ(fault_of_job_name(std::string_view("a\0b", 3)),
              "name contains illegal character U+0000");
    EXPECT_EQ(fault_of_job_name("a\n"), "name contains illegal character U+000A");
    EXPECT_EQ(fault_of_job_name("."), "name cannot be '.'");
    EXPECT_EQ(fault_of_job_name(".."), "name cannot be '..'");
    for (const char* name :
         {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xe2\x82", "a\xf5\x80\x80\x80"})
        EXPECT_EQ(fault_of_job_name(name), "name contains bytes that are no UTF-8");
}

TEST(JobName, HasALimit) {
    EXPECT_EQ(fault_of_job_name(std::string(limits::kJobNameBytes, 'a')), std::nullopt);
    EXPECT_EQ(fault_of_job_name(std::string(limits::kJobNameBytes + 1, 'a')),
              "name has 129 bytes, at most 128 are allowed");
}

}  // namespace
}  // namespace khronos::core

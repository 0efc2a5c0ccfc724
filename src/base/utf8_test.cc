#include "base/utf8.h"

#include <gtest/gtest.h>

namespace khronos {
namespace {

TEST(Utf8, TakesTheFirstAndTheLastOfEachLength) {
    for (const std::string_view text :
         {"", "\x01", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
          "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
          "caf\xc3\xa9 \xe2\x82\xac"})
        EXPECT_TRUE(is_valid_utf8(text)) << text;
}

TEST(Utf8, RefusesWhatIsCutOverlongASurrogateOrTooLarge) {
    for (const std::string_view text :
         {"\x80", "\xbf", "\xc2", "\xc2\x20", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf",
          "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\xaf",
          "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe",
          "\xff"})
        EXPECT_FALSE(is_valid_utf8(text));
}

TEST(Utf8, GivesThePointAndItsSize) {
    const Utf8Character euro = utf8_at("x\xe2\x82\xac", 1);
    EXPECT_EQ(euro.point, 0x20acu);
    EXPECT_EQ(euro.size, 3u);
}

}  // namespace
}  // namespace khronos

#include "worker/output_part.h"

#include <gtest/gtest.h>

namespace khronos::worker {
namespace {

const Output kWhole{"hello", "", 5};
const Output kCut{"head", "tail", 100};

wire::OutputPart part(const Output& output, std::uint64_t offset, std::uint64_t length,
                      bool from_end = false, bool as_written = false) {
    return part_of(output, {{}, offset, length, from_end, as_written});
}

TEST(OutputPart, IsWhatWasAskedForAndNoMoreThanThereIs) {
    EXPECT_EQ(part(kWhole, 1, 3), (wire::OutputPart{"ell", 1, 5}));
    EXPECT_EQ(part(kWhole, 3, 100), (wire::OutputPart{"lo", 3, 5}));
    EXPECT_EQ(part(kWhole, 9, 1), (wire::OutputPart{"", 5, 5}));
    EXPECT_EQ(part(kWhole, 9, 2, true), (wire::OutputPart{"lo", 3, 5}));
    EXPECT_EQ(part(kWhole, 0, 99, true), (wire::OutputPart{"hello", 0, 5}));
}

TEST(OutputPart, SaysHowMuchIsLeftOut) {
    EXPECT_EQ(part(kCut, 0, 1000).bytes, "head\n[... 92 bytes left out ...]\ntail");
    EXPECT_EQ(part(kCut, 0, 4, true).bytes, "tail");
}

TEST(OutputPart, CountsWhatWasWrittenWhereThatIsWanted) {
    EXPECT_EQ(part(kCut, 2, 50, false, true), (wire::OutputPart{"ad", 2, 100}));
    EXPECT_EQ(part(kCut, 4, 50, false, true), (wire::OutputPart{"tail", 96, 100}));
    EXPECT_EQ(part(kCut, 98, 1, false, true), (wire::OutputPart{"i", 98, 100}));
    EXPECT_EQ(part(kCut, 100, 1, false, true), (wire::OutputPart{"", 100, 100}));
    EXPECT_EQ(part(kCut, 500, 1, false, true), (wire::OutputPart{"", 100, 100}));
}

}  // namespace
}  // namespace khronos::worker

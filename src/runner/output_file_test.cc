#include "runner/output_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/limits.h"

namespace khronos::runner {
namespace {

constexpr std::size_t kSmall = limits::kOutputTailInRecord;
constexpr std::size_t kHead = limits::kOutputHead;
constexpr std::size_t kTail = limits::kOutputTail;

class OutputFile : public testing::Test {
  protected:
    OutputFile() {
        char name[] = "/tmp/khronos-test-XXXXXX";
        dir = ::mkdtemp(name);
    }
    ~OutputFile() override { std::filesystem::remove_all(dir); }

    static std::string text(std::size_t size) {
        std::string all;
        all.reserve(size + 8);
        for (std::size_t i = 0; all.size() < size; ++i)
            all += std::to_string(i) + "\n";
        all.resize(size);
        return all;
    }
    std::string path() const { return dir + "/output"; }

    std::string dir;
};

TEST_F(OutputFile, IsNotMadeForALittle) {
    OutputKeeper keeper(path());
    const std::string all = text(kSmall);
    keeper.append(all);
    EXPECT_FALSE(keeper.in_file());
    EXPECT_FALSE(std::filesystem::exists(path()));
    EXPECT_EQ(keeper.tail(kSmall), all);
    EXPECT_EQ(keeper.tail(10), all.substr(all.size() - 10));
    EXPECT_EQ(keeper.kept().head, all);
    keeper.append("x");
    EXPECT_TRUE(keeper.in_file());
}

TEST_F(OutputFile, KeepsHeadAndTailAtEverySizeAndPiece) {
    for (const std::size_t size : {kSmall + 1, kHead - 1, kHead, kHead + 1, kHead + kTail - 1,
                                   kHead + kTail, kHead + kTail + 1, kHead + 3 * kTail + 12345}) {
        const std::string all = text(size);
        for (const std::size_t piece : {999u, 4096u, 65536u, 3000000u}) {
            OutputKeeper keeper(path());
            for (std::size_t at = 0; at < size; at += piece)
                keeper.append(std::string_view(all).substr(at, piece));
            ASSERT_EQ(keeper.total(), size);
            EXPECT_EQ(keeper.tail(kSmall), all.substr(size - kSmall));
            keeper.close();
            KeptOutput kept;
            ASSERT_TRUE(read_output_file(path(), kept));
            EXPECT_EQ(kept.total, size);
            EXPECT_EQ(kept.head, all.substr(0, kHead));
            EXPECT_EQ(
                kept.tail,
                size <= kHead ? "" : all.substr(std::max(kHead, size > kTail ? size - kTail : 0)));
            EXPECT_LE(std::filesystem::file_size(path()), 8 + kHead + kTail);
        }
    }
}

TEST_F(OutputFile, CountsWhatItCannotKeep) {
    OutputKeeper keeper(dir + "/no/such/place");
    keeper.append(text(10000));
    keeper.append("the end");
    EXPECT_EQ(keeper.total(), 10007u);
    EXPECT_FALSE(keeper.in_file());
    EXPECT_EQ(keeper.tail(7), "the end");
}

TEST_F(OutputFile, IsNotReadWhereThereIsNone) {
    KeptOutput kept;
    EXPECT_FALSE(read_output_file(path(), kept));
}

}  // namespace
}  // namespace khronos::runner

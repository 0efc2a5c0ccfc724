// The project's own tree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "layers/layers.h"

namespace khronos::layers {
namespace {

TEST(Layers, TheTreeKeepsToTheTableOfRooms) {
    EXPECT_THAT(check(load_tree(KHRONOS_SOURCE_DIR)), testing::IsEmpty());
}

TEST(Layers, TheTreeIsReallyRead) {
    const auto files = load_tree(KHRONOS_SOURCE_DIR);
    const auto has = [&](std::string_view path) {
        return std::ranges::any_of(
            files, [&](const SourceFile& f) { return f.path == path && !f.text.empty(); });
    };
    EXPECT_TRUE(has("base/time.h"));
    EXPECT_TRUE(has("store/store.cc"));
    EXPECT_TRUE(has("app/khronos_main.cc"));
}

}  // namespace
}  // namespace khronos::layers

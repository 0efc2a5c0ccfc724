#include "runtime/openssl/sha256.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace khronos::runtime {
namespace {

std::string hex(std::string_view bytes) {
    std::string text;
    for (const std::uint8_t byte : sha256(bytes))
        text += fmt::format("{:02x}", byte);
    return text;
}

// FIPS 180-4's examples.
TEST(Sha256, IsAsTheStandardHasIt) {
    EXPECT_EQ(hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(std::string(1000000, 'a')),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace khronos::runtime

#include "runtime/openssl/sha256.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace khronos::runtime {

std::array<std::uint8_t, 32> sha256(std::string_view bytes) {
    std::array<std::uint8_t, 32> digest{};
    unsigned size = 0;
    CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
    CHECK(size == digest.size());
    return digest;
}

}  // namespace khronos::runtime

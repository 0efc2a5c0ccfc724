#include "store/embedded/checksum.h"

#include <bit>
#include <cstring>

namespace khronos::store::embedded {
namespace {

// Both steps of mix() can be undone, so two inputs that differ in one word never collide.
std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 29);
}

std::uint64_t load(const char* bytes, std::size_t count) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, count);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    return word;
}

}  // namespace

std::uint64_t checksum(std::uint64_t seed, std::string_view bytes) {
    std::uint64_t hash = mix(seed, bytes.size());
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; at += 8, left -= 8)
        hash = mix(hash, load(at, 8));
    if (left > 0) hash = mix(hash, load(at, left));
    return mix(hash, 0x5851f42d4c957f2du);
}

std::uint64_t row_checksum(std::string_view key, std::string_view value, Revision create_revision,
                           Revision mod_revision, LeaseId lease) {
    std::uint64_t hash = checksum(create_revision.value, key);
    hash = mix(mix(hash, mod_revision.value), lease.value);
    return checksum(hash, value);
}

std::uint64_t state_checksum(Revision revision, const Digest& digest) {
    return mix(mix(mix(mix(1, revision.value), digest.rows), digest.sum), 2);
}

}  // namespace khronos::store::embedded

// The store's own checksums. SQLite notices a broken page structure, but not a flipped bit in a
// value, a lost row or a page of last week; these do.
#pragma once

#include <cstdint>
#include <string_view>

#include "store/store.h"

namespace khronos::store::embedded {

// 64 bits that depend on every byte and on the length. Part of the file format: stable for ever.
std::uint64_t checksum(std::uint64_t seed, std::string_view bytes);

// Of all columns of a row.
std::uint64_t row_checksum(std::string_view key, std::string_view value, Revision create_revision,
                           Revision mod_revision, LeaseId lease);

// What the store must contain as a whole: how many rows, and the sum of their checksums. Kept
// current by every write, so that a missing or an outdated row is noticed.
struct Digest {
    std::uint64_t rows = 0;
    std::uint64_t sum = 0;

    void add(std::uint64_t row) {
        ++rows;
        sum += row;
    }
    void remove(std::uint64_t row) {
        --rows;
        sum -= row;
    }
    bool operator==(const Digest&) const = default;
};

std::uint64_t state_checksum(Revision revision, const Digest& digest);

}  // namespace khronos::store::embedded

// Tells a torn tail of SQLite's write-ahead log from damage in its middle.
//
// SQLite ends its recovery at the first frame whose checksum is wrong and forgets all that
// follows. That is right for the tail: the last commit before a crash was never acknowledged. It
// is wrong in the middle: later commits were synced and acknowledged. A commit is only begun when
// the one before is synced, so a proof that a second commit follows the bad frame is a proof that
// the bad frame had been synced, and has been damaged since.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "base/error.h"

namespace khronos::store::embedded {

struct WalReport {
    std::uint64_t frames = 0;     // whole frames of the current generation, good or bad
    std::uint64_t committed = 0;  // frames up to the last good commit
    bool torn_tail = false;       // something incomplete follows them
    bool operator==(const WalReport&) const = default;
};

// `page_of_every_commit`: a page that every commit writes, once, and as its first frame. A missing
// or empty log is a good one. The error says where the damage is.
std::expected<WalReport, Error> scan_wal(const std::string& file,
                                         std::uint32_t page_of_every_commit);

}  // namespace khronos::store::embedded

// Disk space set aside while there is some, and given up when there is none: what an erasure
// needs on a full disk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/embedded/sqlite.h"

namespace khronos::store::embedded {

class SpaceReserve {
  public:
    // `file` need not exist. Through the VFS of that name, so that it counts where the store does.
    SpaceReserve(std::string file, const std::string& vfs, std::uint64_t bytes);
    ~SpaceReserve();
    SpaceReserve(const SpaceReserve&) = delete;
    SpaceReserve& operator=(const SpaceReserve&) = delete;

    // True if the space is set aside; where there is not enough, none is.
    bool hold();
    void release();

  private:
    bool room() const;
    sqlite3_file* file() { return reinterpret_cast<sqlite3_file*>(memory_.data()); }

    const std::string path_;
    const std::uint64_t bytes_;
    std::vector<std::uint64_t> memory_;  // of SQLite's file object, aligned
    bool open_ = false;
    bool held_ = false;
};

}  // namespace khronos::store::embedded

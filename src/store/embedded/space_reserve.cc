#include "store/embedded/space_reserve.h"

#include <sys/statvfs.h>

#include <algorithm>

namespace khronos::store::embedded {

SpaceReserve::SpaceReserve(std::string file_path, const std::string& vfs_name, std::uint64_t bytes)
    : path_(std::move(file_path)), bytes_(bytes) {
    sqlite3_vfs* vfs = sqlite3_vfs_find(vfs_name.empty() ? nullptr : vfs_name.c_str());
    if (!vfs) return;
    memory_.resize(static_cast<std::size_t>(vfs->szOsFile) / sizeof(std::uint64_t) + 1);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_SUPER_JOURNAL;
    open_ = vfs->xOpen(vfs, path_.c_str(), file(), flags, nullptr) == SQLITE_OK;
    sqlite3_int64 size = 0;
    held_ = open_ && file()->pMethods->xFileSize(file(), &size) == SQLITE_OK &&
            size == static_cast<sqlite3_int64>(bytes_);
}

SpaceReserve::~SpaceReserve() {
    if (open_) file()->pMethods->xClose(file());
}

bool SpaceReserve::room() const {
    struct statvfs status{};
    if (::statvfs(path_.c_str(), &status) != 0) return true;  // then the writes will tell
    return std::uint64_t{status.f_bavail} * status.f_frsize > bytes_;
}

bool SpaceReserve::hold() {
    if (held_ || !open_) return held_;
    if (!room()) return false;
    const std::string zeros(64 * 1024, '\0');  // SQLite writes less than 128 KiB at once
    for (std::uint64_t at = 0; at < bytes_; at += zeros.size()) {
        int count = static_cast<int>(std::min<std::uint64_t>(zeros.size(), bytes_ - at));
        int code =
            file()->pMethods->xWrite(file(), zeros.data(), count, static_cast<sqlite3_int64>(at));
        if (code != SQLITE_OK) {
            release();
            return false;
        }
    }
    held_ = true;
    return true;
}

void SpaceReserve::release() {
    held_ = false;
    if (open_) file()->pMethods->xTruncate(file(), 0);
}

}  // namespace khronos::store::embedded

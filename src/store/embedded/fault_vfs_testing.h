// For tests: a SQLite VFS over the default one that can fail syncs, run out of space, hold a sync,
// garble what is read, and show what a power cut would leave on the disk.
#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "base/check.h"

namespace khronos::store::embedded {

class FaultVfs {
  public:
    explicit FaultVfs(std::string name)
        : name_(std::move(name)), real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
        vfs_.pNext = nullptr;
        vfs_.zName = name_.c_str();
        vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
        vfs_.pAppData = this;
        vfs_.xOpen = &open;
        vfs_.xDelete = [](sqlite3_vfs* v, const char* file, int sync) {
            FaultVfs& self = of(v);
            std::lock_guard lock(self.mutex_);
            self.unsynced_.erase(file);
            return self.real_->xDelete(self.real_, file, sync);
        };
        CHECK(sqlite3_vfs_register(&vfs_, 0) == SQLITE_OK);
    }
    ~FaultVfs() { sqlite3_vfs_unregister(&vfs_); }
    FaultVfs(const FaultVfs&) = delete;
    FaultVfs& operator=(const FaultVfs&) = delete;

    // ---- faults; each may be set at any time, from any thread

    void fail_syncs(bool fail) {
        with_lock([&] { fail_syncs_ = fail; });
    }
    // What all files together may have; a write that makes one longer fails beyond.
    void set_space(std::uint64_t bytes) {
        with_lock([&] { space_ = bytes; });
    }
    std::uint64_t used() {
        std::lock_guard lock(mutex_);
        return used_locked();
    }
    // Flips a bit in the middle of every page read from a file whose name ends in `suffix`.
    void garble_reads(const std::string& suffix) {
        with_lock([&] { garbled_ = suffix; });
    }

    // Holds every sync until they are released.
    void hold_syncs() {
        with_lock([&] { holding_ = true; });
    }
    void release_syncs() {
        with_lock([&] { holding_ = false; });
        changed_.notify_all();
    }
    // Lets one held sync pass; the next is held again. Returns when it has passed.
    void release_one_sync() {
        std::unique_lock lock(mutex_);
        std::uint64_t passed = passed_;
        ++passes_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return passed_ > passed; });
    }
    // Waits until a sync is being held.
    void wait_for_held_sync() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return held_ > passes_; });
    }

    // ---- power cuts

    // From now on remembers what was written and not synced.
    void track_unsynced() {
        with_lock([&] { tracking_ = true; });
    }
    // Writes into `directory` what could be on the disk if the power failed now: of what is not
    // synced, each 512-byte sector is there or not, as `random` will have it.
    void cut_power(const std::string& directory, std::mt19937& random) {
        std::lock_guard lock(mutex_);
        for (auto& [path, file] : open_files_) {
            if (path.ends_with("-shm")) continue;
            std::string content = read_all(file.front());
            auto& writes = unsynced_[path];
            for (auto write = writes.rbegin(); write != writes.rend(); ++write)
                if (random() % 4 != 0) undo(*write, content, random);
            std::string name = path.substr(path.rfind('/'));
            std::ofstream(directory + name, std::ios::binary) << content;
        }
    }

  private:
    struct File {
        sqlite3_file base;
        FaultVfs* vfs;
        std::string* path;
        sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
    };
    struct Write {
        std::size_t offset;
        std::string before;  // shorter than the sector where the file ended
    };
    static constexpr std::size_t kSector = 512;

    static FaultVfs& of(sqlite3_vfs* vfs) { return *static_cast<FaultVfs*>(vfs->pAppData); }
    static File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }

    template <class Action>
    void with_lock(Action action) {
        std::lock_guard lock(mutex_);
        action();
    }

    static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* out, int flags, int* got) {
        FaultVfs& self = of(vfs);
        File& file = of(out);
        file.base.pMethods = nullptr;
        int code = self.real_->xOpen(self.real_, path, file.real(), flags, got);
        if (code != SQLITE_OK) return code;
        file.base.pMethods = &methods();
        file.vfs = &self;
        file.path = new std::string(path ? path : "");
        self.with_lock([&] { self.open_files_[*file.path].push_back(&file); });
        return SQLITE_OK;
    }

    static int close(sqlite3_file* out) {
        File& file = of(out);
        file.vfs->with_lock([&] {
            auto found = file.vfs->open_files_.find(*file.path);
            std::erase(found->second, &file);
            if (found->second.empty()) file.vfs->open_files_.erase(found);
        });
        delete file.path;
        return file.real()->pMethods->xClose(file.real());
    }

    static int read(sqlite3_file* out, void* buffer, int count, sqlite3_int64 offset) {
        File& file = of(out);
        int code = file.real()->pMethods->xRead(file.real(), buffer, count, offset);
        std::lock_guard lock(file.vfs->mutex_);
        const std::string& suffix = file.vfs->garbled_;
        if (count >= 4096 && offset > 0 && !suffix.empty() && file.path->ends_with(suffix))
            static_cast<char*>(buffer)[count / 2] ^= 1;
        return code;
    }

    static int write(sqlite3_file* out, const void* data, int count, sqlite3_int64 offset) {
        File& file = of(out);
        FaultVfs& self = *file.vfs;
        std::lock_guard lock(self.mutex_);
        sqlite3_int64 size = 0;
        file.real()->pMethods->xFileSize(file.real(), &size);
        std::uint64_t growth = offset + count > size ? offset + count - size : 0;
        if (growth > 0 && self.used_locked() + growth > self.space_) return SQLITE_FULL;
        if (self.tracking_) self.remember(file, static_cast<std::size_t>(offset), count);
        return file.real()->pMethods->xWrite(file.real(), data, count, offset);
    }

    static int sync(sqlite3_file* out, int flags) {
        File& file = of(out);
        FaultVfs& self = *file.vfs;
        std::unique_lock lock(self.mutex_);
        if (self.holding_) {
            ++self.held_;
            self.changed_.notify_all();
            self.changed_.wait(lock, [&] { return !self.holding_ || self.passes_ > 0; });
            if (self.passes_ > 0) --self.passes_;
            --self.held_;
            ++self.passed_;
            self.changed_.notify_all();
        }
        if (self.fail_syncs_) return SQLITE_IOERR_FSYNC;
        // Nothing is on the disk for sure until the real one returns; no write comes between.
        int code = self.tracking_ ? SQLITE_OK : file.real()->pMethods->xSync(file.real(), flags);
        if (code == SQLITE_OK) self.unsynced_.erase(*file.path);
        return code;
    }

    void remember(File& file, std::size_t offset, int count) {
        std::size_t end = offset + static_cast<std::size_t>(count);
        for (std::size_t at = offset; at < end;) {
            std::size_t next = std::min(end, (at / kSector + 1) * kSector);
            unsynced_[*file.path].push_back({at, read_some(&file, at, next - at)});
            at = next;
        }
    }

    static void undo(const Write& write, std::string& content, std::mt19937& random) {
        std::size_t end = std::min(content.size(), (write.offset / kSector + 1) * kSector);
        if (write.offset >= end) return;
        for (std::size_t i = write.offset; i < end; ++i) {
            std::size_t k = i - write.offset;
            // Past the old end there is whatever the disk had.
            content[i] =
                k < write.before.size() ? write.before[k] : static_cast<char>(random() % 3);
        }
    }

    static std::string read_some(File* file, std::size_t offset, std::size_t count) {
        sqlite3_int64 size = 0;
        file->real()->pMethods->xFileSize(file->real(), &size);
        if (static_cast<sqlite3_int64>(offset) >= size) return {};
        std::string bytes(std::min(count, static_cast<std::size_t>(size) - offset), '\0');
        file->real()->pMethods->xRead(file->real(), bytes.data(), static_cast<int>(bytes.size()),
                                      static_cast<sqlite3_int64>(offset));
        return bytes;
    }
    static std::string read_all(File* file) {
        return read_some(file, 0, std::numeric_limits<int>::max());
    }

    std::uint64_t used_locked() {
        std::uint64_t sum = 0;
        for (auto& [path, files] : open_files_) {
            sqlite3_int64 size = 0;
            files.front()->real()->pMethods->xFileSize(files.front()->real(), &size);
            sum += static_cast<std::uint64_t>(size);
        }
        return sum;
    }

    static const sqlite3_io_methods& methods() {
        static const sqlite3_io_methods all = {
            .iVersion = 2,
            .xClose = &close,
            .xRead = &read,
            .xWrite = &write,
            .xTruncate =
                [](sqlite3_file* f, sqlite3_int64 size) {
                    std::lock_guard lock(of(f).vfs->mutex_);
                    return of(f).real()->pMethods->xTruncate(of(f).real(), size);
                },
            .xSync = &sync,
            .xFileSize =
                [](sqlite3_file* f, sqlite3_int64* size) {
                    return of(f).real()->pMethods->xFileSize(of(f).real(), size);
                },
            .xLock = [](sqlite3_file* f,
                        int level) { return of(f).real()->pMethods->xLock(of(f).real(), level); },
            .xUnlock =
                [](sqlite3_file* f, int level) {
                    return of(f).real()->pMethods->xUnlock(of(f).real(), level);
                },
            .xCheckReservedLock =
                [](sqlite3_file* f, int* out) {
                    return of(f).real()->pMethods->xCheckReservedLock(of(f).real(), out);
                },
            .xFileControl =
                [](sqlite3_file* f, int operation, void* argument) {
                    // Space set aside is space used: the real file must not grow behind our back.
                    if (operation == SQLITE_FCNTL_SIZE_HINT) return SQLITE_OK;
                    return of(f).real()->pMethods->xFileControl(of(f).real(), operation, argument);
                },
            .xSectorSize =
                [](sqlite3_file* f) { return of(f).real()->pMethods->xSectorSize(of(f).real()); },
            .xDeviceCharacteristics =
                [](sqlite3_file* f) {
                    return of(f).real()->pMethods->xDeviceCharacteristics(of(f).real());
                },
            .xShmMap =
                [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
                    return of(f).real()->pMethods->xShmMap(of(f).real(), page, size, extend, out);
                },
            .xShmLock =
                [](sqlite3_file* f, int offset, int n, int flags) {
                    return of(f).real()->pMethods->xShmLock(of(f).real(), offset, n, flags);
                },
            .xShmBarrier =
                [](sqlite3_file* f) { of(f).real()->pMethods->xShmBarrier(of(f).real()); },
            .xShmUnmap =
                [](sqlite3_file* f, int remove) {
                    return of(f).real()->pMethods->xShmUnmap(of(f).real(), remove);
                },
            .xFetch = nullptr,
            .xUnfetch = nullptr,
        };
        return all;
    }

    const std::string name_;
    sqlite3_vfs* const real_;
    sqlite3_vfs vfs_;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::vector<File*>> open_files_;
    std::map<std::string, std::vector<Write>> unsynced_;
    bool fail_syncs_ = false;
    bool holding_ = false;
    int held_ = 0;
    int passes_ = 0;
    std::uint64_t passed_ = 0;
    bool tracking_ = false;
    std::uint64_t space_ = std::numeric_limits<std::uint64_t>::max();
    std::string garbled_;
};

}  // namespace khronos::store::embedded

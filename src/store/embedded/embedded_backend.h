// The store in a directory of this machine: SQLite with a write-ahead log, every commit synced
// before it is acknowledged. One process at a time, three threads: one writes, one reads, one
// checkpoints.
//
// A failed sync or write ends the process. On a full disk puts are refused and erasures go on, in
// space that was set aside; it recovers by itself. Damage found while running answers
// everything with `closed` and says so in the status. More than `Options` allows to wait is
// refused as `unreachable`: it was never sent.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/ids.h"

namespace khronos::store {

class EmbeddedStore;

class EmbeddedBackend {
  public:
    struct Options {
        std::size_t history_events = 200'000;  // for watches from the past; older: WatchLost
        std::size_t history_bytes = 64 << 20;
        std::size_t unread_bytes = 128 << 20;  // of events, a handle; more: WatchLost
        std::size_t waiting_requests = 20'000;
        std::size_t waiting_bytes = 128 << 20;
        std::uint64_t log_bytes = 64 << 20;  // at which a commit waits for a checkpoint
        int cache_kib = 8 * 1024;
        std::uint64_t reserve_bytes = 16 << 20;  // set aside for erasures on a full disk
        std::string vfs = {};  // a SQLite VFS registered by the caller; empty: the default
    };

    // Blocks: makes the directory where it is missing, locks it, recovers, reads every row once
    // (about half a second for a million), and erases the keys of leases, which ended with their
    // process. The error names the directory or file, what is wrong, and what to do.
    static std::expected<std::unique_ptr<EmbeddedBackend>, Error> open(const std::string& directory,
                                                                       Options options);
    static std::expected<std::unique_ptr<EmbeddedBackend>, Error> open(
        const std::string& directory);
    // Carries out what is waiting, and closes. No handle may be left.
    ~EmbeddedBackend();
    EmbeddedBackend(const EmbeddedBackend&) = delete;
    EmbeddedBackend& operator=(const EmbeddedBackend&) = delete;

    // Forgets the events at and before `revision`.
    void compact(Revision revision);

  private:
    friend class EmbeddedStore;
    struct Parts;
    explicit EmbeddedBackend(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace khronos::store

// The store's file: how it is made, what is checked before it is trusted, and the few statements
// that are ever run on it.
//
//   state  one row: the revision, how many rows `kv` has, the sum of their checksums
//   kv     one row a key; the value last, so that a look at the revisions does not load it
//
// Every commit of a change writes `state`, whose page is the second of the file: the log scan
// relies on it (wal_scan.h).
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/embedded/checksum.h"
#include "store/embedded/sqlite.h"
#include "store/store.h"

namespace khronos::store::embedded {

inline constexpr std::int64_t kApplicationId = 0x4b68726f;  // `Khro`
inline constexpr std::int64_t kFormatVersion = 1;
inline constexpr std::uint32_t kStatePage = 2;
// As in etcd, the empty store's.
inline constexpr Revision kFirstRevision{1};

struct StoredState {
    Revision revision = kFirstRevision;
    Digest digest;
    bool operator==(const StoredState&) const = default;
};

// What opening a store found in it.
struct Opened {
    std::unique_ptr<Connection> writer;
    StoredState state;
    std::vector<std::string> leased_keys;  // of leases that ended with their process
};

// Makes the file where there is none, recovers the log, and reads every row once to check it. The
// directory is locked already. The error says which file, what is wrong, and what to do.
std::expected<Opened, Error> open_database(const std::string& directory,
                                           const Connection::Options& options);

std::string database_file(const std::string& directory);
std::string log_file(const std::string& directory);

// The row as a read sees it; no checksum is looked at.
struct RowHead {
    Revision create_revision, mod_revision;
    LeaseId lease;
    std::uint64_t checksum = 0;
};

// Thrown where a row or the state does not have its checksum.
[[noreturn]] void throw_damaged(std::string what);

class StateTable {
  public:
    explicit StateTable(Connection& connection);
    StoredState read();
    void write(const StoredState& state);

  private:
    Statement read_;
    Statement write_;
};

}  // namespace khronos::store::embedded

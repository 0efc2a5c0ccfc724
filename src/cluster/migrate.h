// Moves everything of one store into another, empty one: the offline move from the embedded store
// to etcd and back. Reads the source, never writes it.
//
// What holds:
// - Nobody works on the source meanwhile: a live session, or a shard that was not given back, is an
//   error before anything is written.
// - Nobody can work on the target before everything is in it and has been read back and compared:
//   until then its meta record is one that every agent refuses.
// - Tokens of the target are greater than all of the source: revisions begin anew, so the base is
//   raised by the source's present revision.
// - The cursors are copied as they are. The source is at rest, so they say exactly what is decided:
//   the ticks that come due meanwhile are decided by the next owner, late or missed, by policy.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>

#include "base/error.h"
#include "runtime/loop.h"
#include "store/codec.h"
#include "store/store.h"

namespace khronos::cluster {

struct MigrateOptions {
    // Shards that were not given back belong to agents that are dead: the user says so.
    bool owners_are_dead = false;
};

struct MigrateProgress {
    std::uint64_t copied = 0;    // keys
    std::uint64_t compared = 0;  // of both stores
};

struct Migrated {
    std::uint64_t keys = 0;   // besides meta
    std::uint64_t bytes = 0;  // of their values
    std::uint64_t open = 0;   // executions among them that are not over
    store::Meta meta;         // of the target
};

// Both handles live on `loop`, as long as the migration does; `on_progress` may be empty.
// Errors: refused (the source is in use or none of ours; the target is not empty), unavailable (a
// store does not answer), conflict (the target is not what was copied).
void migrate(store::Store& from, store::Store& to, runtime::Loop& loop, MigrateOptions options,
             std::function<void(const MigrateProgress&)> on_progress,
             std::move_only_function<void(std::expected<Migrated, Error>)> done);

}  // namespace khronos::cluster

// Makes a write's outcome certain. An unknown outcome is read back by the nonce that the write
// put into a record, and the transaction is sent again only where its compares make that safe.
#pragma once

#include <functional>
#include <optional>

#include "runtime/loop.h"
#include "store/store.h"

namespace khronos::store {

struct SettleRequest {
    Txn txn;  // its compares must make it apply at most once
    // A key that the transaction writes, and whether its present value is what this very
    // transaction wrote.
    std::string probe;
    std::move_only_function<bool(const KeyValue&)> is_mine;
    // Go on trying while the store refuses for a passing reason (unreachable, no space); else
    // such a refusal is the outcome.
    bool persist = false;
};

// `Unknown` only where the store closed. Conflict: certainly not applied, and will not be.
// Refused without `persist`: certainly not applied.
void settle(Store& store, runtime::Loop& loop, SettleRequest request,
            std::move_only_function<void(WriteOutcome)> done);

}  // namespace khronos::store

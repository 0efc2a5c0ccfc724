// What every backend refuses before it looks at its data, so that all refuse the same.
#pragma once

#include <cstddef>
#include <optional>

#include "store/store.h"

namespace khronos::store {

// Bytes of all keys and values; what limits::kTxnBytes limits.
std::size_t txn_bytes(const Txn& txn);

// A transaction over a limit, one with an empty key, or one that writes a key twice (whether by
// Put, Erase or EraseRange) is `too_large`. Nothing if it may be sent.
std::optional<Refused> check_txn(const Txn& txn);

}  // namespace khronos::store

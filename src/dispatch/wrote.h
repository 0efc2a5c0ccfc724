// Whether an unknown outcome was ours.
#pragma once

#include <functional>

#include "store/codec.h"
#include "store/store.h"

namespace khronos::dispatch {

// Whether a key's value is the record that carries our nonce.
inline std::move_only_function<bool(const store::KeyValue&)> wrote(std::uint64_t nonce) {
    return [nonce](const store::KeyValue& kv) {
        const auto record = store::decode<core::Execution>(kv.value.view());
        return record && record->nonce == nonce;
    };
}

}  // namespace khronos::dispatch

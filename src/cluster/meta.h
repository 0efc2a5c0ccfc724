// The record that says what store this is: of which cluster, written by which format. Read before
// anything else is; made by the first agent that finds the store empty.
#pragma once

#include <expected>
#include <functional>

#include "base/error.h"
#include "runtime/entropy.h"
#include "runtime/loop.h"
#include "store/codec.h"
#include "store/store.h"

namespace khronos::cluster {

// What the record at `meta` says; an error where it is none of ours to work with.
std::expected<store::Meta, Error> check_meta(const store::KeyValue& kv);

// An error when the store holds a newer format, or something that is not Khronos'. Nothing is
// written then.
void open_meta(store::Store& store, runtime::Loop& loop, runtime::Entropy& entropy,
               std::move_only_function<void(std::expected<store::Meta, Error>)> done);

}  // namespace khronos::cluster

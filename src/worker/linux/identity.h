// Who a worker is: a random id kept in its data directory, and the machine's own incarnation.
#pragma once

#include <expected>
#include <string>

#include "base/error.h"
#include "runtime/entropy.h"

namespace khronos::worker {

// Reads `<data_dir>/worker-id`, makes it durably when it is not there: 32 hex digits.
std::expected<std::string, Error> worker_id(const std::string& data_dir, runtime::Entropy& entropy);
// For this process: 32 hex digits.
std::string new_boot_id(runtime::Entropy& entropy);
// Another one after the machine has been started anew.
std::string machine_boot_id();

}  // namespace khronos::worker

// An attempt's name outside the program: `<execution id>.<attempt>`. Safe as a file name.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "core/model/messages.h"

namespace khronos::core::attempt {

std::string attempt_key(const AttemptId& id);
std::expected<AttemptId, std::string> attempt_from_key(std::string_view key);

}  // namespace khronos::core::attempt

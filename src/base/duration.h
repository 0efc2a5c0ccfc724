// Durations as users write them: Go's syntax (`300ms`, `1.5h`, `1h30m10s`, `0`), plus `d` for
// 24 hours.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/time.h"

namespace khronos {

// At most 290 years either way; units ns us µs ms s m h d. The error is a sentence.
std::expected<Duration, std::string> parse_duration(std::string_view text);

// Go's form: `1h30m10s`, `1.5s`, `250ms`, `0s`.
std::string format_duration(Duration d);

}  // namespace khronos

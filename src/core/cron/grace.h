// ISO 8601 durations as @after takes them: `PT2H`, `P1DT12H`, `P1M`.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace khronos::cron {

// The seconds from `from_s` (UTC seconds) to the end of the duration. Years and months are of the
// calendar, in UTC, a day that the month lacks becoming its last; at most 290 years. The error is
// a sentence.
std::expected<std::int64_t, std::string> parse_iso_duration(std::string_view text,
                                                            std::int64_t from_s);

}  // namespace khronos::cron

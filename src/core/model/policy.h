// The policies a job chooses from. Their values are stored: never renumber, only add. A value
// that this build does not know (written by a newer one) is kept as it is by the codec and
// treated as `unknown`, never overwritten.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace khronos::core {

enum class Concurrency : std::uint8_t { unknown = 0, allow = 1, forbid = 2, replace = 3, queue = 4 };
enum class Misfire : std::uint8_t { unknown = 0, once = 1, skip = 2, all = 3 };
enum class OnFailure : std::uint8_t { unknown = 0, failover = 1, failtry = 2, failfast = 3 };
enum class OnLost : std::uint8_t { unknown = 0, retry = 1, fail = 2, wait = 3 };
enum class Balance : std::uint8_t {
    unknown = 0, random = 1, round_robin = 2, workload = 3, broadcast = 4
};
enum class DstGap : std::uint8_t { by_rule = 0, run = 1, skip = 2 };
enum class DstOverlap : std::uint8_t { by_rule = 0, first = 1, second = 2, both = 3 };

// The words users write; empty for `unknown` and `by_rule`.
std::string_view to_text(Concurrency v);
std::string_view to_text(Misfire v);
std::string_view to_text(OnFailure v);
std::string_view to_text(OnLost v);
std::string_view to_text(Balance v);
std::string_view to_text(DstGap v);
std::string_view to_text(DstOverlap v);

// The value a word stands for; nullopt when it stands for none.
template <class Policy>
std::optional<Policy> policy_from_text(std::string_view text);

}  // namespace khronos::core

// "Did you mean": the known name nearest to a mistyped one.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace khronos::app {

// Single-character insertions, deletions, replacements and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b);

// `; did you mean 'NAME'?`, or nothing when no name is near (a third of its length, at most 3).
std::string did_you_mean(std::string_view typed, std::span<const std::string> known);

}  // namespace khronos::app

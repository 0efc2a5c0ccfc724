// The table of rooms: what may know what. One place to look at, and to change, when a room, a leaf
// or a library is added. See ARCHITECTURE.md for the reasons.
#pragma once

#include <span>
#include <string_view>

namespace khronos::layers {

struct Room {
    std::string_view name;
    int floor;
};
std::span<const Room> rooms();

// A folder of a room that holds a third-party library or the system; only `app` and what is named
// in `also` (rooms, leaves) may include it, and the tests of its own and of higher floors.
struct Leaf {
    std::string_view folder;
    std::string_view also;  // comma-separated
};
std::span<const Leaf> leaves();

// Includes that start with `prefix` are allowed in the files whose path starts with one of
// `allowed`: comma-separated, a folder ends with a slash. The longest prefix counts. `*` is
// everywhere; `test` the tests and benchmarks; `leaf` every leaf, app and the runner.
struct Library {
    std::string_view prefix;
    std::string_view allowed;
};
std::span<const Library> libraries();

// Standard C++ headers that do something: not in the rooms that only decide.
std::span<const std::string_view> impure_headers();
// Words of the code that read a real clock or real entropy, as regular expressions.
std::span<const std::string_view> clock_words();
// Where those words are allowed: paths start with one of these.
std::string_view clock_folders();

}  // namespace khronos::layers

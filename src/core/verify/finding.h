// What a checker of recorded history says: which invariant, and where it is broken.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace khronos::verify {

struct Finding {
    std::string invariant;  // `I1`
    std::string text;       // a sentence without a full stop
    auto operator<=>(const Finding&) const = default;
};
// Where findings go.
using Tell = std::function<void(std::string_view invariant, std::string text)>;

}  // namespace khronos::verify

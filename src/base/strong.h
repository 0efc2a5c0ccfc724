// A distinct type for each number that identifies or counts something, so that a revision cannot
// be passed where an epoch is meant.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace khronos {

template <class Tag, class Rep>
struct Strong {
    using rep = Rep;
    Rep value{};

    constexpr Strong() = default;
    explicit constexpr Strong(Rep v) : value(v) {}
    constexpr auto operator<=>(const Strong&) const = default;
    explicit constexpr operator bool() const { return value != Rep{}; }
    constexpr Strong next() const { return Strong(static_cast<Rep>(value + 1)); }
};

}  // namespace khronos

template <class Tag, class Rep>
struct std::hash<khronos::Strong<Tag, Rep>> {
    std::size_t operator()(const khronos::Strong<Tag, Rep>& id) const noexcept {
        return std::hash<Rep>{}(id.value);
    }
};

// Secrets that two sides share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace khronos::wire {

// Takes the same time whatever the difference is; only the length of `given` shows.
inline bool same_secret(std::string_view wanted, std::string_view given) {
    unsigned difference = wanted.size() == given.size() ? 0 : 1;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const char other = wanted.empty() ? '\0' : wanted[i % wanted.size()];
        difference |= static_cast<std::uint8_t>(given[i] ^ other);
    }
    return difference == 0 && !wanted.empty();
}

// The token of `Bearer TOKEN`; empty: there is none.
inline std::string_view bearer_token(std::string_view authorization) {
    constexpr std::string_view kScheme = "Bearer ";
    if (!authorization.starts_with(kScheme)) return {};
    return authorization.substr(kScheme.size());
}

}  // namespace khronos::wire

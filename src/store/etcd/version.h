// What etcd's version tells: what it can do, and what is known to be wrong with it.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace khronos::store::etcd {

struct Version {
    int major = 0, minor = 0, patch = 0;
    auto operator<=>(const Version&) const = default;
};
// `3.4.23`, `3.6.0-rc.1`; nothing if it is no version.
std::optional<Version> parse_version(std::string_view text);

// 3.4 is the first with fragmented events and progress requests.
bool is_supported(const Version& version);
// Whether an answer to a progress request never overtakes the events before it.
bool progress_can_be_trusted(const Version& version);
// A sentence to warn with; empty: nothing is known.
std::string_view known_trouble(const Version& version);

}  // namespace khronos::store::etcd

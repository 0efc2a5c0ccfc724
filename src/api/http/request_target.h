// The four forms of a request target (RFC 9112, section 3.2).
#pragma once

#include <optional>
#include <string_view>

#include "api/http_types.h"

namespace khronos::api {

struct TargetParts {
    std::string_view authority;  // absolute form only
    std::string_view path;       // begins with `/`, or is `*`
    std::string_view query;      // without the `?`
    bool operator==(const TargetParts&) const = default;
};

// Views into `target`. Empty for what a server of resources must refuse: CONNECT's authority
// form, other schemes than http and https, user names in the authority, fragments.
std::optional<TargetParts> split_target(Method method, std::string_view target);

// Characters only that a Host field may have: a name or address and a port.
bool is_plausible_host(std::string_view host);

}  // namespace khronos::api

#include "api/http/request_target.h"

#include <algorithm>

namespace khronos::api {

namespace {

std::optional<std::string_view> without_scheme(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"})
        if (equals_ignoring_case(target.substr(0, scheme.size()), scheme))
            return target.substr(scheme.size());
    return std::nullopt;
}

}  // namespace

std::optional<TargetParts> split_target(Method method, std::string_view target) {
    if (target.find('#') != std::string_view::npos) return std::nullopt;
    if (target == "*") {
        if (method != Method::options) return std::nullopt;
        return TargetParts{{}, target, {}};
    }
    TargetParts parts;
    if (!target.starts_with('/')) {
        const auto rest = without_scheme(target);
        if (!rest) return std::nullopt;
        const std::size_t end = std::min(rest->find_first_of("/?"), rest->size());
        parts.authority = rest->substr(0, end);
        if (parts.authority.empty() || !is_plausible_host(parts.authority)) return std::nullopt;
        target = rest->substr(end);
    }
    const std::size_t mark = std::min(target.find('?'), target.size());
    parts.path = target.substr(0, mark);
    if (parts.path.empty()) parts.path = "/";
    if (mark < target.size()) parts.query = target.substr(mark + 1);
    return parts;
}

bool is_plausible_host(std::string_view host) {
    return std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("-._~%!$&'()*+,;=:[]").find(c) != std::string_view::npos;
    });
}

}  // namespace khronos::api

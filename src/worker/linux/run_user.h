// Whom a run runs as.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace khronos::worker {

struct RunUser {
    bool switched = false;  // false: the worker's own user, nothing is to be changed
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> groups;
    std::string name;
    std::string home;   // empty: none
    std::string shell;  // empty: none
};

// `run_as`: empty, `user` or `user:group`, names or numbers. The error is a sentence: no such
// user, or a worker without root cannot change users.
std::expected<RunUser, std::string> resolve_user(std::string_view run_as);

}  // namespace khronos::worker

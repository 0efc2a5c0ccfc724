#include "worker/linux/run_user.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <optional>

namespace khronos::worker {
namespace {

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return value;
}

// Fills in what the user database says; false when it knows no such user.
bool look_up(const std::string& name, std::optional<std::uint32_t> uid, RunUser& user) {
    std::vector<char> buffer(64 * 1024);
    passwd entry{};
    passwd* found = nullptr;
    if (uid)
        ::getpwuid_r(*uid, &entry, buffer.data(), buffer.size(), &found);
    else
        ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (!found) return false;
    user.uid = found->pw_uid;
    user.gid = found->pw_gid;
    user.name = found->pw_name;
    user.home = found->pw_dir ? found->pw_dir : "";
    user.shell = found->pw_shell ? found->pw_shell : "";
    return true;
}

}  // namespace

std::expected<RunUser, std::string> resolve_user(std::string_view run_as) {
    RunUser user;
    if (run_as.empty()) {
        if (!look_up("", ::geteuid(), user)) user.name = std::to_string(::geteuid());
        return user;
    }
    const std::size_t colon = run_as.find(':');
    const std::string name(run_as.substr(0, colon));
    const auto uid = number(name);
    if (!look_up(name, uid, user))
        return std::unexpected(fmt::format("run_as: there is no user '{}' on this machine", name));
    bool own = user.uid == ::geteuid();
    if (colon != run_as.npos) {
        const std::string group(run_as.substr(colon + 1));
        std::vector<char> buffer(64 * 1024);
        ::group entry{};
        ::group* found = nullptr;
        if (const auto gid = number(group))
            ::getgrgid_r(*gid, &entry, buffer.data(), buffer.size(), &found);
        else
            ::getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found);
        if (!found)
            return std::unexpected(
                fmt::format("run_as: there is no group '{}' on this machine", group));
        own = own && found->gr_gid == ::getegid();
        user.gid = found->gr_gid;
    }
    if (own && ::geteuid() != 0) return user;
    if (::geteuid() != 0)
        return std::unexpected(
            fmt::format("run_as: only a worker that runs as root can run a job as '{}'", run_as));
    user.switched = true;
    int count = 64;
    std::vector<gid_t> groups(static_cast<std::size_t>(count));
    if (::getgrouplist(user.name.c_str(), user.gid, groups.data(), &count) < 0) {
        groups.resize(static_cast<std::size_t>(count));
        ::getgrouplist(user.name.c_str(), user.gid, groups.data(), &count);
    }
    groups.resize(static_cast<std::size_t>(count));
    user.groups.assign(groups.begin(), groups.end());
    return user;
}

}  // namespace khronos::worker

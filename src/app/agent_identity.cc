#include "app/agent_identity.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace khronos::app {
namespace {

constexpr std::size_t kIdDigits = 16;

}  // namespace

std::expected<std::unique_ptr<AgentIdentity>, Error> AgentIdentity::open(
    const std::string& data_dir, runtime::Entropy& entropy) {
    const std::string path = data_dir + "/agent-id";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return std::unexpected(Error{ErrorKind::unavailable, "data-dir",
                                     fmt::format("{} cannot be opened: {}", path,
                                                 std::strerror(errno))});
    char text[kIdDigits + 16] = {};
    const ssize_t size = ::pread(fd, text, sizeof text - 1, 0);
    const std::string content(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    const std::string before = content.substr(0, kIdDigits);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        ::close(fd);
        std::string pid = content.size() > kIdDigits ? content.substr(kIdDigits + 1) : "";
        pid = pid.substr(0, pid.find('\n'));
        return std::unexpected(
            Error{ErrorKind::conflict, "data-dir",
                  fmt::format("another agent{} uses the data directory {}: stop it, or choose "
                              "another with --data-dir",
                              pid.empty() ? "" : fmt::format(" (process {})", pid), data_dir)});
    }
    std::string predecessor;
    if (before.size() == kIdDigits && std::ranges::all_of(before, [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        }))
        predecessor = before;
    std::string id = fmt::format("{:016x}", entropy.next());
    // A torn write only means that a former session runs out by itself.
    const std::string line = fmt::format("{} {}\n", id, ::getpid());
    if (::ftruncate(fd, 0) != 0 ||
        ::pwrite(fd, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) {
        const std::string why = std::strerror(errno);
        ::close(fd);
        return std::unexpected(
            Error{ErrorKind::unavailable, "data-dir",
                  fmt::format("{} cannot be written: {}", path, why)});
    }
    return std::unique_ptr<AgentIdentity>(
        new AgentIdentity(fd, std::move(id), std::move(predecessor)));
}

AgentIdentity::~AgentIdentity() { ::close(fd_); }

}  // namespace khronos::app

#include "worker/linux/identity.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace khronos::worker {
namespace {

constexpr std::size_t kIdDigits = 32;

bool is_id(const std::string& text) {
    return text.size() == kIdDigits && std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

}  // namespace

std::string new_boot_id(runtime::Entropy& entropy) {
    const std::uint64_t high = entropy.next();
    return fmt::format("{:016x}{:016x}", high, entropy.next());
}

std::string machine_boot_id() {
    return first_line("/proc/sys/kernel/random/boot_id");
}

std::expected<std::string, Error> worker_id(const std::string& data_dir,
                                            runtime::Entropy& entropy) {
    const std::string path = data_dir + "/worker-id";
    const auto failed = [&](const char* what) {
        return std::unexpected(
            Error{ErrorKind::internal, "data-dir",
                  fmt::format("cannot {} {}: {}", what, path, std::strerror(errno))});
    };
    if (::access(path.c_str(), F_OK) == 0) {
        std::string id = first_line(path);
        if (is_id(id)) return id;
        return std::unexpected(
            Error{ErrorKind::invalid, "data-dir",
                  fmt::format("{} should be {} hex digits; remove it to become a new worker", path,
                              kIdDigits)});
    }
    const std::string id = new_boot_id(entropy);
    const std::string next = path + ".new";
    const int fd =
        ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return failed("make");
    const std::string line = id + "\n";
    const bool written =
        ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
        ::fsync(fd) == 0;
    ::close(fd);
    if (!written || ::rename(next.c_str(), path.c_str()) != 0) return failed("write");
    const int directory = ::open(data_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0) {
        ::fsync(directory);
        ::close(directory);
    }
    return id;
}

}  // namespace khronos::worker

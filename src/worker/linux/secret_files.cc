#include "worker/linux/secret_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace khronos::worker {
namespace {

constexpr std::size_t kSecretBytes = 64 * 1024;

std::expected<std::string, std::string> read_secret(int file) {
    struct stat status {};
    if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode))
        return std::unexpected("is no file");
    std::string value;
    std::array<char, 4096> block{};
    for (;;) {
        const ssize_t got = ::read(file, block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(std::string("cannot be read: ") + std::strerror(errno));
        if (got == 0) break;
        value.append(block.data(), static_cast<std::size_t>(got));
        if (value.size() > kSecretBytes) return std::unexpected("is larger than 64 KiB");
    }
    if (value.ends_with('\n')) value.pop_back();
    if (value.ends_with('\r')) value.pop_back();
    return value;
}

}  // namespace

Secrets secrets_in(std::string directory) {
    return [directory = std::move(directory)](
               std::string_view name) -> std::expected<std::string, std::string> {
        if (!is_secret_name(name)) return std::unexpected("has no such name");
        const std::string path = directory + "/" + std::string(name);
        // A pipe without a writer would hold the worker up.
        const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (file < 0)
            return std::unexpected(errno == ENOENT ? "does not exist on this worker"
                                                   : std::string("cannot be read: ") +
                                                         std::strerror(errno));
        auto value = read_secret(file);
        ::close(file);
        return value;
    };
}

}  // namespace khronos::worker

#include "store/embedded/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>

namespace khronos::store::embedded {
namespace {

constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

std::string reason(int error_number) {
    return std::strerror(error_number);
}

std::unexpected<Error> refused(std::string message) {
    return std::unexpected(Error{ErrorKind::refused, "", std::move(message)});
}

std::optional<int> holder_of(int fd) {
    char text[32] = {};
    ssize_t count = ::pread(fd, text, sizeof text - 1, 0);
    int pid = 0;
    if (count <= 0 || std::from_chars(text, text + count, pid).ec != std::errc{})
        return std::nullopt;
    return pid;
}

// Takes group's and others' rights away; false leaves errno.
bool make_private(int fd) {
    struct stat status{};
    if (::fstat(fd, &status) != 0) return false;
    return (status.st_mode & kOthers) == 0 || ::fchmod(fd, status.st_mode & 0700) == 0;
}

std::expected<void, Error> prepare_directory(const std::string& directory) {
    std::error_code ignored;  // mkdir says it better
    std::filesystem::path parent = std::filesystem::path(directory).parent_path();
    if (!parent.empty()) std::filesystem::create_directories(parent, ignored);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
        return refused(
            fmt::format("cannot make the data directory '{}': {}", directory, reason(errno)));
    FileDescriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.is_open())
        return refused(
            fmt::format("cannot open the data directory '{}': {}", directory, reason(errno)));
    if (!make_private(fd.get()))
        return refused(
            fmt::format("the data directory '{}' is open to other users and cannot be "
                        "closed to them: {}; run chmod 700 on it as its owner",
                        directory, reason(errno)));
    return {};
}

}  // namespace

Error system_error(std::string what, int error_number) {
    return {ErrorKind::internal, "", fmt::format("{}: {}", what, reason(error_number))};
}

FileDescriptor::~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
}

std::expected<std::size_t, Error> read_fully(int fd, void* buffer, std::size_t size) {
    std::size_t done = 0;
    while (done < size) {
        ssize_t count = ::read(fd, static_cast<char*>(buffer) + done, size - done);
        if (count == 0) break;
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::unexpected(system_error("cannot read the store", errno));
        done += static_cast<std::size_t>(count);
    }
    return done;
}

std::uint64_t file_size(const std::string& file) {
    struct stat status{};
    return ::stat(file.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

std::expected<FileDescriptor, Error> lock_directory(const std::string& directory) {
    if (auto ready = prepare_directory(directory); !ready) return std::unexpected(ready.error());
    std::string file = directory + "/lock";
    FileDescriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd.is_open())
        return refused(
            fmt::format("cannot write in the data directory '{}': {}; it must belong to "
                        "the user who runs khronos and be writable",
                        directory, reason(errno)));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return refused(fmt::format("cannot lock '{}': {}", file, reason(errno)));
        std::optional<int> pid = holder_of(fd.get());
        return refused(fmt::format(
            "the data directory '{}' is in use by {}; stop it, or give this "
            "process another directory",
            directory, pid ? fmt::format("process {}", *pid) : std::string("another process")));
    }
    std::string pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) {
        // Only a message of another process would be poorer for it.
    }
    return fd;
}

std::expected<bool, Error> make_private_file(const std::string& directory,
                                             const std::string& file) {
    FileDescriptor made(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (made.is_open()) {
        FileDescriptor parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!parent.is_open() || ::fsync(parent.get()) != 0)
            return refused(
                fmt::format("cannot sync the data directory '{}': {}", directory, reason(errno)));
        return true;
    }
    if (errno != EEXIST) return refused(fmt::format("cannot make '{}': {}", file, reason(errno)));
    FileDescriptor fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd.is_open())
        return refused(
            fmt::format("cannot open '{}' for writing: {}; it must belong to the user "
                        "who runs khronos",
                        file, reason(errno)));
    if (!make_private(fd.get()))
        return refused(fmt::format("'{}' is open to other users and cannot be closed to them: {}",
                                   file, reason(errno)));
    return false;
}

}  // namespace khronos::store::embedded

// The store's directory: who may see it, and who has it open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>

#include "base/error.h"

namespace khronos::store::embedded {

// `what: No such file or directory`
Error system_error(std::string what, int error_number);

class FileDescriptor {
  public:
    FileDescriptor() = default;
    explicit FileDescriptor(int fd) : fd_(fd) {}
    FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    FileDescriptor& operator=(FileDescriptor other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~FileDescriptor();

    bool is_open() const { return fd_ >= 0; }
    int get() const { return fd_; }

  private:
    int fd_ = -1;
};

// Reads until `size` bytes or the end of the file; how many there were.
std::expected<std::size_t, Error> read_fully(int fd, void* buffer, std::size_t size);

// 0 if there is no such file.
std::uint64_t file_size(const std::string& file);

// Makes the directory (0700) where it is missing, takes group's and others' rights off it, and
// locks it for this process: the lock goes with the descriptor and is not inherited by children.
// The error names the directory, and the process that has it open if there is one.
std::expected<FileDescriptor, Error> lock_directory(const std::string& directory);

// Makes `file` (0600) where it is missing and takes group's and others' rights off it. True if it
// was made; the directory is then synced.
std::expected<bool, Error> make_private_file(const std::string& directory, const std::string& file);

}  // namespace khronos::store::embedded

// The real machine: the only part of the configuration that looks at it.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "app/config_sources.h"

namespace khronos::app {
namespace {

constexpr std::size_t kFileMax = 1 << 20;

std::expected<std::string, Machine::ReadError> read_file(const std::string& path) {
    const auto failed = [](int error) {
        return std::unexpected(
            Machine::ReadError{error == ENOENT || error == ENOTDIR, std::strerror(error)});
    };
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (file < 0) return failed(errno);
    std::string content;
    std::array<char, 4096> block{};
    ssize_t got = 0;
    while ((got = read(file, block.data(), block.size())) > 0 && content.size() <= kFileMax)
        content.append(block.data(), static_cast<std::size_t>(got));
    const int error = errno;
    close(file);
    if (got < 0) return failed(error);
    if (content.size() > kFileMax)
        return std::unexpected(Machine::ReadError{false, "it is larger than 1 MiB"});
    return content;
}

}  // namespace

Machine this_machine() {
    Machine machine;
    for (char** variable = environ; *variable; ++variable) {
        const std::string text = *variable;
        const std::size_t equals = text.find('=');
        if (equals != std::string::npos)
            machine.environment[text.substr(0, equals)] = text.substr(equals + 1);
    }
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) == 0) machine.host_name = name.data();
    std::error_code error;
    machine.working_dir = std::filesystem::current_path(error).string();
    machine.binary_dir =
        std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
    machine.read = read_file;
    return machine;
}

}  // namespace khronos::app

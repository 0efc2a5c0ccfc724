#include "app/client_machine.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/toml/parse_toml.h"
#include "cli/yaml/parse_yaml.h"

namespace khronos::app {
namespace {

namespace fs = std::filesystem;

std::expected<std::string, std::string> read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::unexpected(std::string(std::strerror(errno)));
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (in.bad()) return std::unexpected(std::string(std::strerror(errno)));
    return text;
}

bool is_source(const fs::path& path) {
    const std::string ending = path.extension().string();
    return !path.filename().string().starts_with('.') &&
           (ending == ".json" || ending == ".yaml" || ending == ".yml" || ending == ".toml");
}

bool is_crontab(const fs::path& path) {
    const std::string name = path.filename().string();
    return fs::is_regular_file(path) && std::ranges::all_of(name, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
           });
}

// The file, or what `wanted` takes of a directory, sorted.
std::expected<std::vector<cli::SourceFile>, std::string> read_files(const std::string& path,
                                                                    bool (*wanted)(const fs::path&),
                                                                    const char* none) {
    std::error_code error;
    std::vector<fs::path> paths;
    if (fs::is_directory(path, error)) {
        for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
            if (wanted(at->path())) paths.push_back(at->path());
        if (error) return std::unexpected(error.message());
        if (paths.empty()) return std::unexpected(std::string(none));
        std::ranges::sort(paths);
    } else {
        paths.emplace_back(path);
    }
    std::vector<cli::SourceFile> files;
    for (const fs::path& file : paths) {
        auto text = read_file(file);
        if (!text) return std::unexpected(text.error());
        files.push_back({file.string(), std::move(*text)});
    }
    return files;
}

}  // namespace

Terminal this_terminal() {
    Terminal terminal;
    const char* no_color = std::getenv("NO_COLOR");
    if (isatty(STDOUT_FILENO) != 0) {
        winsize size{};
        const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
        terminal.width = known ? size.ws_col : 80;
        terminal.color = !no_color || *no_color == '\0';
    }
    terminal.interactive = isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0;
    terminal.progress = isatty(STDERR_FILENO) != 0;
    return terminal;
}

std::expected<void, std::string> write_private_file(const std::string& path,
                                                    const std::string& text) {
    // A device or a pipe is written to, not replaced.
    std::error_code error;
    const bool plain = !fs::exists(path, error) || fs::is_regular_file(path, error);
    const std::string beside = plain ? path + ".new" : path;
    const auto failed = [&]() -> std::unexpected<std::string> {
        const int reason = errno;
        if (plain) ::unlink(beside.c_str());
        return std::unexpected(std::string(std::strerror(reason)));
    };
    const int flags = O_WRONLY | O_CLOEXEC | (plain ? O_CREAT | O_TRUNC : 0);
    const int file = ::open(beside.c_str(), flags, 0600);
    if (file < 0) return failed();
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t written = ::write(file, text.data() + done, text.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            const int reason = errno;
            ::close(file);
            errno = reason;
            return failed();
        }
        done += static_cast<std::size_t>(written);
    }
    if (plain && ::fsync(file) != 0) {
        ::close(file);
        return failed();
    }
    if (::close(file) != 0) return failed();
    if (plain && ::rename(beside.c_str(), path.c_str()) != 0) return failed();
    return {};
}

std::string machine_timezone() {
    if (auto name = read_first_line("/etc/timezone"); name && !name->empty()) return *name;
    std::error_code error;
    const std::string target = fs::read_symlink("/etc/localtime", error).string();
    constexpr std::string_view kFolder = "/zoneinfo/";
    const std::size_t at = target.find(kFolder);
    return at == target.npos ? "" : target.substr(at + kFolder.size());
}

bool is_user_of_this_machine(std::string_view name) {
    return getpwnam(std::string(name).c_str()) != nullptr;
}

std::expected<std::vector<cli::SourceFile>, std::string> read_sources(const std::string& path) {
    return read_files(path, is_source, "no file in it ends in .json, .yaml, .yml or .toml");
}

std::expected<std::vector<cli::SourceFile>, std::string> read_crontabs(const std::string& path) {
    return read_files(path, is_crontab, "no file in it has a name that cron would read");
}

std::expected<std::vector<boost::json::value>, std::string> parse_source(cli::SourceFormat format,
                                                                         const std::string& text) {
    if (format == cli::SourceFormat::yaml) return cli::parse_yaml(text);
    auto value = cli::toml_document(text);
    if (!value) return std::unexpected(value.error());
    return std::vector{std::move(*value)};
}

std::expected<std::string, std::string> read_first_line(const std::string& path) {
    auto text = read_file(path);
    if (!text) return text;
    text->erase(std::min(text->find_first_of("\r\n"), text->size()));
    return text;
}

}  // namespace khronos::app

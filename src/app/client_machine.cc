#include "app/client_machine.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

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
    return terminal;
}

std::expected<std::vector<cli::SourceFile>, std::string> read_sources(const std::string& path) {
    std::error_code error;
    std::vector<fs::path> paths;
    if (fs::is_directory(path, error)) {
        for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
            if (is_source(at->path())) paths.push_back(at->path());
        if (error) return std::unexpected(error.message());
        if (paths.empty()) return std::unexpected(std::string("no file in it ends in .json"));
        std::sort(paths.begin(), paths.end());
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

std::expected<std::string, std::string> read_first_line(const std::string& path) {
    auto text = read_file(path);
    if (!text) return text;
    text->erase(std::min(text->find_first_of("\r\n"), text->size()));
    return text;
}

}  // namespace khronos::app

// Holds a source tree against the table of rooms (layers_rules.h).
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace khronos::layers {

struct SourceFile {
    std::string path;  // from src/, such as `core/cron/cron_next.cc`
    std::string text;
};

struct Violation {
    std::string path;
    int line = 0;         // from 1; 0: the file as a whole
    std::string message;  // what is wrong, and what would be right
    bool operator==(const Violation&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Violation& v);  // as compilers write theirs

// In the order of the files and their lines; empty when everything is in order.
std::vector<Violation> check(const std::vector<SourceFile>& files);

// Every .h and .cc below `root`, by path.
std::vector<SourceFile> load_tree(const std::filesystem::path& root);

}  // namespace khronos::layers

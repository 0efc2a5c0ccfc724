#include "layers/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <ostream>
#include <regex>

#include "layers/layers_rules.h"
#include "layers/source_text.h"

namespace khronos::layers {
namespace {

constexpr int kLinesMax = 600;
constexpr int kPureFloors = 1;  // base and core: what decides

std::string_view first_part(std::string_view path) {
    return path.substr(0, path.find('/'));
}
std::string_view file_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

// Whether `list` (comma-separated) has an entry that is true for `test`.
template <class Test>
bool any_of_list(std::string_view list, Test test) {
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        if (test(list.substr(0, comma))) return true;
        list.remove_prefix(std::min(list.size(), comma + 1));
    }
    return false;
}

std::optional<int> floor_of(std::string_view room) {
    for (const Room& r : rooms())
        if (r.name == room) return r.floor;
    return std::nullopt;
}

const Leaf* leaf_of(std::string_view path) {
    for (const Leaf& leaf : leaves())
        if (path.starts_with(leaf.folder) && path.substr(leaf.folder.size()).starts_with('/'))
            return &leaf;
    return nullptr;
}

// Unit tests, benchmarks, and what only those include.
bool is_test(std::string_view path) {
    const std::string_view name = file_name(path);
    const std::string_view stem = name.substr(0, name.rfind('.'));
    return stem.ends_with("_test") || stem.ends_with("_bench") || stem.ends_with("_fuzz") ||
           stem.ends_with("_testing") || stem.ends_with("_test_support") ||
           stem.ends_with("_harness") || stem.starts_with("conformance") ||
           path.find("/testing/") != std::string_view::npos;
}

class FileCheck {
  public:
    FileCheck(const SourceFile& file, std::vector<Violation>& out)
        : file_(file), room_(first_part(file.path)), leaf_(leaf_of(file.path)), out_(out) {}

    void run() {
        if (file_.path.find('/') == std::string::npos)
            return report(0, "is in no room: the top folder of src/ holds only rooms");
        if (!is_runner() && !floor_of(room_))
            return report(0, fmt::format("'{}' is not in the table of rooms", room_));
        for (const Include& include : includes_of(file_.text))
            check_include(include);
        check_clocks();
        check_length();
    }

  private:
    bool is_runner() const { return room_ == "runner"; }
    bool is_app() const { return room_ == "app"; }
    // A program's main() talks to the system.
    bool is_main() const { return file_.path.ends_with("_main.cc"); }

    void report(int line, std::string message) {
        out_.push_back({file_.path, line, std::move(message)});
    }

    void check_include(const Include& include) {
        const std::string_view target = first_part(include.path);
        if (include.path.find("..") != std::string::npos)
            report(include.line, fmt::format("'{}': includes are written from src/", include.path));
        else if (target == "runner")
            check_runner_header(include);
        else if (floor_of(target) && include.path.find('/') != std::string::npos)
            check_room(include, target);
        else
            check_library(include);
    }

    void check_runner_header(const Include& include) {
        if (!is_runner() && !(leaf_ && leaf_->folder == "worker/linux"))
            report(include.line,
                   fmt::format("'{}': only worker/linux talks to the runner", include.path));
    }

    void check_room(const Include& include, std::string_view target) {
        const Leaf* to = leaf_of(include.path);
        if (is_runner()) {
            // The limits are numbers in a header, and have one place.
            if (include.path != "base/limits.h" && !(to && names(to->also, "runner")))
                report(include.line,
                       fmt::format("'{}': the runner is a program of its own; of the rooms it "
                                   "knows worker/linux and base/limits.h only",
                                   include.path));
            return;
        }
        const int here = *floor_of(room_);
        const int there = *floor_of(target);
        if (target != room_ && there > here)
            return report(include.line,
                          fmt::format("'{}' (floor {}) is above {} (floor {}): a room includes "
                                      "itself and lower floors",
                                      include.path, there, room_, here));
        if (target != room_ && there == here)
            return report(include.line, fmt::format("'{}' is beside {} on floor {}: siblings meet "
                                                    "only in app",
                                                    include.path, room_, here));
        if (to && to != leaf_ && !is_app() && !may_include_leaf(*to))
            report(include.line,
                   fmt::format("'{}' is a leaf: only app includes leaves", include.path));
    }

    static bool names(std::string_view list, std::string_view name) {
        return any_of_list(list, [&](std::string_view entry) { return entry == name; });
    }
    bool may_include_leaf(const Leaf& to) const {
        // A unit test stands where app stands: it puts its subject together from real parts.
        if (is_test(file_.path)) return true;
        return names(to.also, leaf_ ? leaf_->folder : room_);
    }

    void check_library(const Include& include) {
        const bool standard = include.path.find_first_of("/.") == std::string::npos;
        if (standard) {
            const auto impure = impure_headers();
            if (!is_runner() && *floor_of(room_) <= kPureFloors && !is_test(file_.path) &&
                std::ranges::find(impure, include.path) != impure.end())
                report(include.line, fmt::format("<{}>: {} only decides; it has no thread, file, "
                                                 "clock or entropy",
                                                 include.path, room_));
            return;
        }
        const Library* library = nullptr;
        for (const Library& candidate : libraries())
            if (include.path.starts_with(candidate.prefix) &&
                (!library || candidate.prefix.size() > library->prefix.size()))
                library = &candidate;
        if (!library)
            return report(include.line, fmt::format("'{}' is neither in a room nor in the table of "
                                                    "libraries: a library needs a leaf and a line "
                                                    "in tests/layers/layers_rules.cc",
                                                    include.path));
        if (is_runner() && !is_test(file_.path) && library->allowed != "leaf")
            return report(include.line,
                          fmt::format("<{}>: the runner links nothing but libc", include.path));
        if (!any_of_list(library->allowed, [&](std::string_view where) { return is_in(where); }))
            report(include.line,
                   fmt::format("<{}> belongs to {}", include.path, in_words(library->allowed)));
    }

    bool is_in(std::string_view where) const {
        if (where == "*") return true;
        if (where == "test") return is_test(file_.path);
        if (where == "leaf")
            return leaf_ || is_app() || is_runner() || is_main() || is_test(file_.path);
        return file_.path.starts_with(where);
    }
    static std::string in_words(std::string_view allowed) {
        if (allowed == "test") return "tests and benchmarks";
        if (allowed == "leaf") return "leaves, app, main() and the runner";
        return std::string(allowed);
    }

    void check_clocks() {
        if (file_.path.ends_with("_bench.cc")) return;
        if (any_of_list(clock_folders(),
                        [&](std::string_view folder) { return file_.path.starts_with(folder); }))
            return;
        static const std::vector<std::regex> words = [] {
            std::vector<std::regex> all;
            for (const std::string_view word : clock_words())
                all.emplace_back(word.begin(), word.end(), std::regex::optimize);
            return all;
        }();
        const std::string code = strip_comments(file_.text, false);
        const std::string bare = strip_comments(file_.text, true);
        int line = 1;
        std::size_t at = 0;
        while (at < code.size()) {
            const std::size_t end = std::min(code.find('\n', at), code.size());
            const std::string with_strings = code.substr(at, end - at);
            const std::string without = bare.substr(at, end - at);
            for (const std::regex& word : words) {
                std::smatch match;
                // A path such as /dev/urandom is inside of a string; the others are not.
                const bool hit = std::regex_search(without, match, word) ||
                                 (with_strings.find("/dev/") != std::string::npos &&
                                  std::regex_search(with_strings, match, word));
                if (!hit) continue;
                report(line, fmt::format("'{}': a real clock or entropy is read only in "
                                         "runtime/asio, app, worker/linux and the runner",
                                         match.str()));
                break;
            }
            at = end + 1;
            ++line;
        }
    }

    void check_length() {
        if (is_test(file_.path)) return;
        const auto lines = std::ranges::count(file_.text, '\n');
        if (lines > kLinesMax)
            report(0, fmt::format("has {} lines: more than {} is more than one subject", lines,
                                  kLinesMax));
    }

    const SourceFile& file_;
    std::string_view room_;
    const Leaf* leaf_;
    std::vector<Violation>& out_;
};

}  // namespace

std::ostream& operator<<(std::ostream& out, const Violation& v) {
    return out << "src/" << v.path << ':' << v.line << ": " << v.message << '\n';
}

std::vector<Violation> check(const std::vector<SourceFile>& files) {
    std::vector<Violation> violations;
    for (const SourceFile& file : files)
        FileCheck(file, violations).run();
    return violations;
}

std::vector<SourceFile> load_tree(const std::filesystem::path& root) {
    std::vector<SourceFile> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
        const std::string extension = entry.path().extension().string();
        if (!entry.is_regular_file() || (extension != ".h" && extension != ".cc")) continue;
        std::ifstream in(entry.path(), std::ios::binary);
        files.push_back({std::filesystem::relative(entry.path(), root).generic_string(),
                         std::string(std::istreambuf_iterator<char>(in), {})});
    }
    std::ranges::sort(files, {}, &SourceFile::path);
    return files;
}

}  // namespace khronos::layers

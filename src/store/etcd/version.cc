#include "store/etcd/version.h"

#include <charconv>

namespace khronos::store::etcd {
namespace {

// Takes a number off the front of `text`.
std::optional<int> number(std::string_view& text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}
bool dot(std::string_view& text) {
    if (!text.starts_with('.')) return false;
    text.remove_prefix(1);
    return true;
}

// The releases from first on of the same minor version, and all later minor versions from `next`.
bool since(const Version& version, Version in_34, Version in_35) {
    if (version.major != 3) return version.major > 3;
    if (version.minor == 4) return version >= in_34;
    if (version.minor == 5) return version >= in_35;
    return version.minor > 5;
}

}  // namespace

std::optional<Version> parse_version(std::string_view text) {
    Version version;
    for (int* part : {&version.major, &version.minor, &version.patch}) {
        if (part != &version.major && !dot(text)) return std::nullopt;
        const auto value = number(text);
        if (!value) return std::nullopt;
        *part = *value;
    }
    return version;
}

bool is_supported(const Version& version) {
    return version >= Version{3, 4, 0};
}

bool progress_can_be_trusted(const Version& version) {
    return since(version, {3, 4, 25}, {3, 5, 8});
}

std::string_view known_trouble(const Version& version) {
    if (version >= Version{3, 5, 0} && version < Version{3, 5, 3})
        return "this etcd can lose or corrupt data after a crash; upgrade to 3.5.3 or newer";
    if (!since(version, {3, 4, 20}, {3, 5, 5}))
        return "this etcd has bugs in its log and its watches that were put right since; upgrade";
    if (!progress_can_be_trusted(version))
        return "this etcd may announce a revision to a watch before its events; we do without, but "
               "upgrade to 3.4.25, 3.5.8 or newer";
    return "";
}

}  // namespace khronos::store::etcd

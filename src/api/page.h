// The web page's files, as the program carries them. The page itself is ui/ of the source tree.
#pragma once

#include <span>
#include <string_view>

namespace khronos::api {

// All of it is of static storage.
struct PageFile {
    std::string_view path;  // `index.html`, `assets/index-Cx1.js`
    std::string_view content_type;
    std::string_view etag;  // with its quotes; of the content, so the same for each coding
    bool immutable;         // its name changes with its content
    std::string_view plain;
    std::string_view gzip;    // empty: not there
    std::string_view brotli;  // empty: not there
};

// Empty where the program was built without the page.
using PageFiles = std::span<const PageFile>;

}  // namespace khronos::api
